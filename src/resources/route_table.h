#pragma once
// RouteTable: all that the router knows. Immutable; swapped by pointer; any thread may read it.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace slipway::resources {

// Where a ready replica listens.
struct ReplicaAddress {
  std::string id;
  std::string unix_path;  // set for the local driver
  std::string host;       // set elsewhere
  std::uint16_t port = 0;
};

// One version of a service or endpoint, its share and its ready replicas.
struct RouteVersion {
  std::string name;
  std::int64_t revision = 0;
  double weight = 100;              // percent of the traffic
  int max_concurrent_requests = 1;  // per replica, never exceeded
  int max_queue_wait_ms = 500;
  int scoring_timeout_ms = 60'000;
  std::vector<ReplicaAddress> replicas;
};

struct Route {
  std::string service;    // name, for messages and metrics
  std::string workspace;  // uid
  bool auth_enabled = true;
  bool token_auth_enabled = false;
  // SHA-256 (32 raw bytes) of the primary and secondary key; compared in constant time.
  std::string primary_key_digest;
  std::string secondary_key_digest;
  std::vector<RouteVersion> versions;
};

struct RouteTable {
  std::int64_t generation = 0;
  std::map<std::string, Route, std::less<>> routes;  // by Service::route
};
using RouteTablePtr = std::shared_ptr<const RouteTable>;

}  // namespace slipway::resources
