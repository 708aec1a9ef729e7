// The hands of the Reconciler: what changes the world and what is written down about it.
#include <fmt/core.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "control/bundle.h"
#include "control/reconciler.h"

namespace slipway::control {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kStopGrace{10'000};
constexpr std::size_t kPredecessors = 50;

using resources::Operation;

std::string version_list(const resources::ServiceSpec& spec) {
  std::string out;
  for (const auto& [name, version] : spec.models)
    out += fmt::format("{}{}:{}", out.empty() ? "" : ", ", name, version);
  return out;
}

// Writes an end on the operation, unless it has one.
Result<void> end_operation(store::Transaction& tx, const store::Key& key, const std::string& state,
                           const std::optional<resources::Failure>& failure, TimeMs now) {
  TRY(const auto record, tx.get(key));
  if (!record) return {};
  TRY(auto operation, from_json<Operation>(record->desired));
  if (operation.ended()) return {};
  operation.state = operation.sub_state = state;
  operation.error = failure;
  operation.ended_ms = now;
  TRY_VOID(tx.update(key, to_json(operation)));
  return {};
}

Result<void> mark_running(store::Transaction& tx, const store::Key& key,
                          const std::string& sub_type) {
  TRY(const auto record, tx.get(key));
  if (!record) return {};
  TRY(auto operation, from_json<Operation>(record->desired));
  if (operation.ended() || (operation.state == "Running" && operation.sub_type == sub_type))
    return {};
  operation.state = operation.sub_state = "Running";
  operation.sub_type = sub_type;
  TRY_VOID(tx.update(key, to_json(operation)));
  return {};
}

}  // namespace

void Reconciler::log(const std::string& operation, std::string_view text) {
  if (operation.empty()) return;
  const auto done = options_.store->append_log(operation, log_lines(clock_.now_ms(), text));
  if (!done) log::warning("control", "operation log not written", {{"why", done.error().message}});
}

// An operation that a later one overtook will never end by itself.
Result<void> Reconciler::end_predecessors(const Look& look, Memory& memory) {
  if (!look.running() || memory.operation == look.operation->id) return {};
  store::ListOptions options;
  options.scope = look.record.key.scope;
  options.limit = kPredecessors;
  TRY(const auto records, options_.store->list("operation", options));
  for (const auto& record : records) {
    TRY(const auto operation, from_json<Operation>(record.desired));
    if (operation.ended() || operation.target != look.service.name ||
        operation.id == look.operation->id || operation.created_ms > look.operation->created_ms)
      continue;
    TRY_VOID(options_.store->write([&](store::Transaction& tx) {
      return end_operation(tx, record.key, "Cancelled", {}, clock_.now_ms());
    }));
  }
  memory.operation = look.operation->id;
  return {};
}

Result<void> Reconciler::act(const Look& look, const Plan& plan, Memory& memory) {
  for (const auto& action : plan.actions)
    if (action.kind != ActionKind::remove_service) TRY_VOID(act(look, action, memory));
  const bool last = !plan.actions.empty() && plan.actions.back().kind == ActionKind::remove_service;
  return last ? remove_service(look) : record(look, plan);
}

Result<void> Reconciler::act(const Look& look, const Action& action, Memory& memory) {
  const auto& operation = look.service.operation_id;
  switch (action.kind) {
    case ActionKind::build_environment:
      log(operation, "Building environment " + look.service.spec.environment_name + " ...");
      environments_.build(look.record.key, operation, look.definition);
      return {};
    case ActionKind::place_bundle: return place(look);
    case ActionKind::start: return start_replica(look, action.revision);
    case ActionKind::drain: memory.draining.emplace(action.replica, clock_.now_ms()); return {};
    case ActionKind::stop:
      memory.draining.erase(action.replica);
      memory.announced.erase(action.replica);
      return options_.driver->stop(action.replica, kStopGrace);
    case ActionKind::remove_bundle: {
      std::error_code ignored;
      fs::remove_all(bundle_path(look.record.key, action.revision), ignored);
      return {};
    }
    case ActionKind::remove_service: return {};
  }
  return {};
}

Result<void> Reconciler::place(const Look& look) {
  const auto& key = look.record.key;
  const auto& built = look.environment.built;
  if (!built.note.empty()) log(look.service.operation_id, built.note);
  log(look.service.operation_id, "Placing model " + version_list(look.service.spec));
  const auto contents = bundle_contents(look.service, look.models, built.python.string());
  const auto path = bundle_path(key, look.service.revision);
  TRY_VOID(make_directories(path.parent_path()));
  TRY_VOID(options_.artifacts->place(path, contents.placements, contents.extra));
  queue_.add(key);  // the next step, at once
  return {};
}

Result<void> Reconciler::start_replica(const Look& look, std::int64_t revision) {
  const auto& key = look.record.key;
  compute::ReplicaSpec out;
  out.id = fmt::format("{}-{}-{}", key.name, revision, random_hex(3));
  out.workspace = key.scope;
  out.service = key.name;
  out.revision = revision;
  out.bundle = bundle_path(key, revision);
  TRY(const auto text, read_file(out.bundle / "spec.json"));
  TRY(const auto value, parse_json(text));
  TRY(const auto spec, from_json<resources::ServiceSpec>(value));
  out.resources = spec.resources;
  out.environment_variables = spec.environment_variables;
  if (look.running()) log(look.service.operation_id, "Starting replica " + out.id);
  return options_.driver->start(out);
}

void Reconciler::announce(const Look& look, const Plan& plan, Memory& memory) {
  if (!look.running()) return;
  const auto& id = look.operation->id;
  for (const auto& view : look.situation.seen)
    if (view.status.state == compute::ReplicaState::ready &&
        memory.announced.insert(view.status.id).second)
      log(id, fmt::format("Replica {} ready in {} ms (limits: {})", view.status.id,
                          view.status.changed_ms - view.status.started_ms, view.status.limits));
  if (plan.failure) log(id, "Failed: " + plan.failure->message);
  if (plan.succeeded)
    log(id, fmt::format("Deployed: {} of {} replicas ready", plan.observed.available_replicas,
                        plan.observed.desired_replicas));
}

// One transaction: who polls the operation and who reads the service see the same.
Result<void> Reconciler::record(const Look& look, const Plan& plan) {
  auto observed = plan.observed;
  if (!look.environment.built.note.empty()) observed.environment_note = look.environment.built.note;
  const auto value = to_json(observed);
  const bool same =
      value == look.record.observed && look.record.observed_generation == look.record.generation;
  const bool ends = plan.succeeded || plan.failure;
  const bool building = look.situation.environment != EnvironmentState::ready;
  const std::string sub_type = building ? "BuildEnvironment" : "DeployService";
  const bool moves = look.running() &&
                     (look.operation->state != "Running" || look.operation->sub_type != sub_type);
  if (same && !ends && !moves) return {};
  const store::Key operation{"operation", look.record.key.scope, look.service.operation_id};
  if (ends) environments_.forget(operation.name);
  return options_.store->write([&](store::Transaction& tx) -> Result<void> {
    if (!same) TRY_VOID(tx.observe(look.record.key, value, look.record.generation));
    if (moves && !ends) return mark_running(tx, operation, sub_type);
    if (!ends) return {};
    return end_operation(tx, operation, plan.failure ? "Failed" : "Succeeded", plan.failure,
                         clock_.now_ms());
  });
}

Result<void> Reconciler::remove_service(const Look& look) {
  const store::Key operation{"operation", look.record.key.scope, look.service.operation_id};
  log(operation.name, "Deleted");
  return options_.store->write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(tx.remove(look.record.key));
    return end_operation(tx, operation, "Succeeded", {}, clock_.now_ms());
  });
}

Result<resources::Route> Reconciler::route_of(const store::Key& key,
                                              const resources::Service& service) const {
  resources::Route route;
  route.service = service.name;
  route.workspace = key.scope;
  route.auth_enabled = service.auth_enabled;
  route.token_auth_enabled = service.token_auth_enabled;
  TRY(const auto primary, options_.store->get_secret(key, "primary_key"));
  TRY(const auto secondary, options_.store->get_secret(key, "secondary_key"));
  if (primary) route.primary_key_digest = sha256(*primary);
  if (secondary) route.secondary_key_digest = sha256(*secondary);
  resources::RouteVersion version;
  version.name = service.name;
  version.revision = service.revision;
  version.max_concurrent_requests = service.spec.max_concurrent_requests;
  version.max_queue_wait_ms = service.spec.max_queue_wait_ms;
  version.scoring_timeout_ms = service.spec.scoring_timeout_ms;
  route.versions.push_back(std::move(version));
  return route;
}

namespace {

std::string signature(const resources::Route& route) {
  std::string out = fmt::format("{}{}{}|{}", route.auth_enabled, route.token_auth_enabled,
                                route.primary_key_digest, route.secondary_key_digest);
  for (const auto& v : route.versions) {
    out += fmt::format("|{} {} {} {}", v.revision, v.max_concurrent_requests, v.max_queue_wait_ms,
                       v.scoring_timeout_ms);
    for (const auto& replica : v.replicas) out += " " + replica.id;
  }
  return out;
}

}  // namespace

Result<void> Reconciler::publish(const Look& look, const std::vector<std::string>& replicas) {
  TRY(auto route, route_of(look.record.key, look.service));
  for (const auto& id : replicas)
    for (const auto& view : look.situation.seen)
      if (view.status.id == id) route.versions.front().replicas.push_back(view.status.address);
  {
    const std::lock_guard lock(mutex_);
    const auto now = table_.routes.find(look.service.route);
    const bool there = now != table_.routes.end() && now->second.service == look.service.name;
    if (look.service.deleting ? !there : (there && signature(now->second) == signature(route)))
      return {};
  }
  set_route(look.record.key, look.service.route,
            look.service.deleting ? std::nullopt : std::optional(std::move(route)));
  publish_table();
  return {};
}

void Reconciler::set_route(const store::Key& key, const std::string& name,
                           std::optional<resources::Route> route) {
  const std::lock_guard lock(mutex_);
  if (const auto old = names_.find(key); old != names_.end()) {
    if (!route || old->second != name) table_.routes.erase(old->second);
    names_.erase(old);
  }
  if (!route) return;
  names_[key] = name;
  table_.routes.insert_or_assign(name, std::move(*route));
}

// Under the mutex, so that an older table never overtakes a newer one.
void Reconciler::publish_table() {
  const std::lock_guard lock(mutex_);
  ++table_.generation;
  if (options_.publish) options_.publish(std::make_shared<const resources::RouteTable>(table_));
}

}  // namespace slipway::control
