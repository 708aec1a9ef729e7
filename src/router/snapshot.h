#pragma once
// Snapshot: a route table made ready for requests: each version with its pool and its replicas.
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "resources/resources.h"
#include "router/pool.h"

namespace slipway::router {

struct SnapshotVersion {
  const resources::RouteVersion* settings = nullptr;
  std::shared_ptr<Pool> pool;
  std::vector<ReplicaPtr> replicas;
};

struct SnapshotRoute {
  const resources::Route* settings = nullptr;
  std::vector<SnapshotVersion> versions;
};

// Immutable once published; any thread.
struct Snapshot {
  std::uint64_t number = 0;
  resources::RouteTablePtr table;                              // owns what is pointed to
  std::unordered_map<std::string_view, SnapshotRoute> routes;  // keys are the table's
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Makes snapshots, and keeps replicas and pools from one to the next, so that counts and queues
// survive a new table. Any thread; take() and publish() lock, which a Core does only when the
// number has changed.
class Snapshots {
 public:
  Snapshots(const Clock& clock, std::size_t queue_limit);
  SnapshotPtr publish(resources::RouteTablePtr table);
  SnapshotPtr take() const;
  std::uint64_t number() const { return number_.load(std::memory_order_acquire); }
  int in_flight(const std::string& replica_id) const;

 private:
  using Replicas = std::unordered_map<std::string, ReplicaPtr>;
  using Pools = std::map<std::pair<std::string, std::string>, std::shared_ptr<Pool>>;
  SnapshotVersion make_version(const std::string& route, const resources::RouteVersion& version,
                               Pools& pools);
  ReplicaPtr make_replica(const resources::ReplicaAddress& address);
  void retire_unlisted(const Snapshot& snapshot);

  const Clock& clock_;
  const std::size_t queue_limit_;
  std::atomic<std::uint64_t> number_{0};
  mutable std::mutex mutex_;
  SnapshotPtr current_;
  Replicas replicas_;  // listed, and unlisted ones that still have requests
  Pools pools_;        // by route and version
};

// The version that takes a request: by weight, for a number drawn from [0, 1). Null without any.
const SnapshotVersion* pick_version(const SnapshotRoute& route, double drawn);

}  // namespace slipway::router
