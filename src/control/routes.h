#pragma once
// Routes: the part of the world that the router sees, kept service by service, published as a
// whole.
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "resources/resources.h"
#include "store/store.h"

namespace slipway::control {

// Owner: Control. Any thread.
class Routes {
 public:
  using Publish = std::function<void(resources::RouteTablePtr)>;
  explicit Routes(Publish publish) : publish_(std::move(publish)) {}

  // Publishes a new table when the route differs from what was published.
  void set(const std::string& name, resources::Route route);
  // The same for many at once, before anything was published.
  void begin(std::map<std::string, resources::Route, std::less<>> routes);
  void remove(const std::string& name);

 private:
  void publish_locked();

  Publish publish_;
  std::mutex mutex_;
  std::map<std::string, resources::Route, std::less<>> routes_;  // guarded by mutex_
  std::int64_t generation_ = 0;                                  // guarded by mutex_
};

// A service's route with `replicas` ready. Reads its keys, of which the route holds digests.
Result<resources::Route> make_route(store::Store& store, const store::Key& key,
                                    const resources::Service& service,
                                    std::vector<resources::ReplicaAddress> replicas);

}  // namespace slipway::control
