#include "control/routes.h"

#include "base/crypto.h"

namespace slipway::control {
namespace {

bool same(const resources::ReplicaAddress& a, const resources::ReplicaAddress& b) {
  return a.id == b.id && a.unix_path == b.unix_path && a.host == b.host && a.port == b.port;
}

bool same(const resources::RouteVersion& a, const resources::RouteVersion& b) {
  return a.revision == b.revision && a.max_concurrent_requests == b.max_concurrent_requests &&
         a.max_queue_wait_ms == b.max_queue_wait_ms &&
         a.scoring_timeout_ms == b.scoring_timeout_ms && a.weight == b.weight &&
         std::equal(a.replicas.begin(), a.replicas.end(), b.replicas.begin(), b.replicas.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

bool same(const resources::Route& a, const resources::Route& b) {
  return a.service == b.service && a.workspace == b.workspace && a.auth_enabled == b.auth_enabled &&
         a.token_auth_enabled == b.token_auth_enabled &&
         a.primary_key_digest == b.primary_key_digest &&
         a.secondary_key_digest == b.secondary_key_digest &&
         std::equal(a.versions.begin(), a.versions.end(), b.versions.begin(), b.versions.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

Result<std::string> key_digest(store::Store& store, const store::Key& key, std::string_view name) {
  TRY(const auto value, store.get_secret(key, name));
  return value && !value->empty() ? sha256(*value) : std::string();
}

}  // namespace

void Routes::set(const std::string& name, resources::Route route) {
  const std::lock_guard lock(mutex_);
  const auto at = routes_.find(name);
  if (at != routes_.end() && same(at->second, route)) return;
  routes_[name] = std::move(route);
  publish_locked();
}

void Routes::begin(std::map<std::string, resources::Route, std::less<>> routes) {
  const std::lock_guard lock(mutex_);
  routes_ = std::move(routes);
  publish_locked();
}

void Routes::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (routes_.erase(name) > 0) publish_locked();
}

// Under the lock, so that an older table can never follow a newer one.
void Routes::publish_locked() {
  auto table = std::make_shared<resources::RouteTable>();
  table->generation = ++generation_;
  table->routes = routes_;
  publish_(std::move(table));
}

Result<resources::Route> make_route(store::Store& store, const store::Key& key,
                                    const resources::Service& service,
                                    std::vector<resources::ReplicaAddress> replicas) {
  resources::Route route;
  route.service = service.name;
  route.workspace = key.scope;
  route.auth_enabled = service.auth_enabled;
  route.token_auth_enabled = service.token_auth_enabled;
  TRY(route.primary_key_digest, key_digest(store, key, "primary_key"));
  TRY(route.secondary_key_digest, key_digest(store, key, "secondary_key"));
  resources::RouteVersion version;
  version.name = service.name;
  version.revision = service.revision;
  version.max_concurrent_requests = service.spec.max_concurrent_requests;
  version.max_queue_wait_ms = service.spec.max_queue_wait_ms;
  version.scoring_timeout_ms = service.spec.scoring_timeout_ms;
  version.replicas = std::move(replicas);
  route.versions.push_back(std::move(version));
  return route;
}

}  // namespace slipway::control
