#include "router/snapshot.h"

#include <unordered_set>

namespace slipway::router {

Snapshots::Snapshots(const Clock& clock, std::size_t queue_limit)
    : clock_(clock), queue_limit_(queue_limit), current_(std::make_shared<Snapshot>()) {}

SnapshotPtr Snapshots::take() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

int Snapshots::in_flight(const std::string& replica_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = replicas_.find(replica_id);
  return found == replicas_.end() ? 0 : found->second->in_flight();
}

// An id that comes back at another address is another replica.
ReplicaPtr Snapshots::make_replica(const resources::ReplicaAddress& address) {
  http::Address where{address.unix_path, address.host, address.port};
  auto& known = replicas_[address.id];
  const auto same = [&](const http::Address& a) {
    return a.unix_path == where.unix_path && a.host == where.host && a.port == where.port;
  };
  if (!known || !same(known->address())) {
    if (known) known->retire();
    known = std::make_shared<Replica>(address.id, std::move(where));
  }
  return known;
}

SnapshotVersion Snapshots::make_version(const std::string& route,
                                        const resources::RouteVersion& version, Pools& pools) {
  auto key = std::pair(route, version.name);
  auto& pool = pools[key];
  if (const auto known = pools_.find(key); known != pools_.end()) pool = known->second;
  if (!pool) pool = std::make_shared<Pool>(clock_, queue_limit_);
  SnapshotVersion made{&version, pool, {}};
  for (const auto& address : version.replicas) {
    auto replica = make_replica(address);
    replica->admit(version.max_concurrent_requests);
    made.replicas.push_back(std::move(replica));
  }
  return made;
}

// From here on no request begins at a replica that the table does not list, not even one that was
// routed by the table before: its try_acquire fails and it waits for a listed one.
void Snapshots::retire_unlisted(const Snapshot& snapshot) {
  std::unordered_set<const Replica*> listed;
  for (const auto& [name, route] : snapshot.routes)
    for (const auto& version : route.versions)
      for (const auto& replica : version.replicas) listed.insert(replica.get());
  std::erase_if(replicas_, [&](const auto& entry) {
    if (listed.contains(entry.second.get())) return false;
    entry.second->retire();
    return entry.second->in_flight() == 0;
  });
}

SnapshotPtr Snapshots::publish(resources::RouteTablePtr table) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Snapshot>();
  next->number = number_.load() + 1;
  next->table = std::move(table);
  Pools pools;
  for (const auto& [name, route] : next->table->routes) {
    SnapshotRoute made{&route, {}};
    for (const auto& version : route.versions)
      made.versions.push_back(make_version(name, version, pools));
    next->routes.emplace(name, std::move(made));
  }
  retire_unlisted(*next);
  for (const auto& [name, route] : next->routes)
    for (const auto& version : route.versions) version.pool->publish(version.replicas);
  for (const auto& [key, pool] : pools_)
    if (!pools.contains(key)) pool->publish({});
  pools_ = std::move(pools);
  current_ = next;
  number_.store(next->number, std::memory_order_release);
  return next;
}

const SnapshotVersion* pick_version(const SnapshotRoute& route, double drawn) {
  double total = 0;
  for (const auto& version : route.versions) total += version.settings->weight;
  double left = drawn * total;
  for (const auto& version : route.versions) {
    left -= version.settings->weight;
    if (left < 0) return &version;
  }
  return route.versions.empty() ? nullptr : &route.versions.front();
}

}  // namespace slipway::router
