#pragma once
// Limits: CPU, memory and process limits of replicas by control groups, version 2 or 1.
//
// Owner: the local driver; used on its thread only. Each replica has a group of its own under
// slipway/<instance>, so everything that it ever forked can be found and ended. Where no group can
// be written the replica gets an rlimit, and nothing limits its CPU time.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "resources/resources.h"

namespace slipway::compute {

// What the kernel knows of a group's memory.
struct MemoryUse {
  std::int64_t kills = 0;  // processes it has ended because the limit was reached
  std::int64_t peak_bytes = 0;
};

class Limits {
 public:
  // Looks where groups can be made. `instance` tells daemons of one machine apart.
  static Limits detect(const std::string& instance);

  // "cgroup-v2", "cgroup-v1" or "rlimit", for ReplicaStatus::limits.
  const std::string& kind() const { return kind_; }
  bool groups() const { return !roots_.empty(); }
  // Makes the group and returns its open cgroup.procs files.
  Result<std::vector<Fd>> make(const std::string& id,
                               const resources::ContainerResources& resources);
  // SIGKILL to every member.
  void kill(const std::string& id) const;
  // Gone once the group is; false while a member still dies.
  bool remove(const std::string& id) const;
  MemoryUse memory(const std::string& id) const;
  // Groups that are there: what an earlier daemon left.
  std::vector<std::string> list() const;

 private:
  std::string kind_ = "rlimit";
  // Folders of this instance, one per controller in version 1 and a single one in version 2.
  std::vector<std::pair<std::string, std::filesystem::path>> roots_;
};

// The memory at which a replica is ended: its limit, else its request.
std::int64_t memory_limit_bytes(const resources::ContainerResources& resources);

}  // namespace slipway::compute
