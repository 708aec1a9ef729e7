#pragma once
// compute: a Driver starts, stops and observes replicas; EnvironmentBuilder makes what they run in.
//
// Owner: the daemon. Any thread; calls may block (control calls them from its own threads).
// Everything is idempotent by replica id: starting what runs, stopping what is gone, are no errors.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "resources/resources.h"

namespace slipway::compute {

// What it takes to run one replica.
struct ReplicaSpec {
  std::string id;         // "<service>-<revision>-<6 hex>"; a folder name
  std::string workspace;  // uid
  std::string service;
  std::int64_t revision = 0;
  std::filesystem::path bundle;  // folder with bundle.json, read only
  resources::ContainerResources resources;
  std::map<std::string, std::string> environment_variables;
};

enum class ReplicaState { starting, ready, failed, exited };
BOOST_DESCRIBE_ENUM(ReplicaState, starting, ready, failed, exited)

// What was seen of one replica, last time anything changed.
struct ReplicaStatus {
  std::string id;
  std::string workspace;
  std::string service;
  std::int64_t revision = 0;
  ReplicaState state = ReplicaState::starting;
  resources::ReplicaAddress address;  // where it listens, once ready
  std::int64_t pid = 0;
  TimeMs started_ms = 0;
  TimeMs changed_ms = 0;
  // Why it failed or ended: the model server's own reason ("UserScriptInitFailed"), or OutOfMemory,
  // Killed, ExitCode; and a message with the last lines of the log.
  std::string reason;
  std::string message;
  std::string limits;  // how limits are enforced: "cgroup-v2", "cgroup-v1", "rlimit"
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual Result<void> start(const ReplicaSpec& spec) = 0;
  // SIGTERM, then SIGKILL to its whole group after `grace`; forgets it once it is gone. Returns at
  // once; observe() tells the end.
  virtual Result<void> stop(const std::string& id, std::chrono::milliseconds grace) = 0;
  virtual std::vector<ReplicaStatus> observe() = 0;
  virtual std::vector<ReplicaStatus> observe(const std::string& workspace,
                                             const std::string& service) = 0;
  // The last `lines` of a replica's captured output. Kept for a while after its end.
  virtual Result<std::string> logs(const std::string& id, std::size_t lines) = 0;
  // Ids of a service's replicas whose logs are kept after their end, oldest first.
  virtual std::vector<std::string> ended(const std::string& workspace,
                                         const std::string& service) = 0;
  // Called (on a thread of the driver) when a replica's status changes: (workspace, service). It
  // must return at once and not call the driver.
  virtual void on_change(std::function<void(const std::string&, const std::string&)> changed) = 0;
  // This machine's true capacity, shown beside the logical one.
  virtual resources::Capacity true_capacity() = 0;
};

struct LocalDriverOptions {
  std::filesystem::path directory;              // replicas/<id>/ with socket, log, tmp
  std::filesystem::path program;                // our own binary; runs `program model-server …`
  std::filesystem::path runtime;                // SLIPWAY_RUNTIME_DIR for the model server
  std::vector<std::filesystem::path> readable;  // what replicas may read besides their own folders
  const Clock* clock = nullptr;
};
// Ends whatever an earlier daemon of this directory left running, then starts empty.
Result<std::unique_ptr<Driver>> make_local_driver(const LocalDriverOptions& options);

// One environment ready to run: a virtual environment's interpreter, and what was taken instead of
// what was asked (policy `nearest`), for the operation log.
struct BuiltEnvironment {
  std::string digest;
  std::filesystem::path python;
  std::string note;
};

enum class EnvironmentPolicy { exact, nearest };
BOOST_DESCRIBE_ENUM(EnvironmentPolicy, exact, nearest)

// Builds virtual environments with uv, once per resolved definition; later calls for the same
// digest join the build that runs or return at once. Safe to kill at any time: a part-built
// environment is removed on the next open.
class EnvironmentBuilder {
 public:
  struct Options {
    std::filesystem::path directory;  // envs/<digest>/
    EnvironmentPolicy policy = EnvironmentPolicy::exact;
    const Clock* clock = nullptr;
  };
  using Progress = std::function<void(std::string_view text)>;
  static Result<std::unique_ptr<EnvironmentBuilder>> open(const Options& options);
  virtual ~EnvironmentBuilder() = default;
  // Cache key of a definition; pure.
  virtual std::string digest(const json::object& definition) = 0;
  // The built one, when it is there already.
  virtual std::optional<BuiltEnvironment> find(const std::string& digest) = 0;
  // Blocks until built (minutes); `progress` gets the build log as it comes. invalid_argument with
  // the line that cannot be had and the nearest version that could be.
  virtual Result<BuiltEnvironment> build(const json::object& definition,
                                         const Progress& progress) = 0;
  // Ends the builds that run; they and all later ones return `cancelled`. For the daemon's end.
  virtual void cancel() = 0;
};

}  // namespace slipway::compute
