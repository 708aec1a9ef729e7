#include "control/service_reconciler.h"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "control/bundle.h"
#include "control/capacity.h"
#include "control/no_code.h"

namespace slipway::control {
namespace {

using resources::Failure;
using resources::Service;

constexpr std::chrono::seconds kStopGrace{10};
constexpr TimeMs kSteadyMs = 60'000;  // a replica that ran this long did not fail to start
constexpr TimeMs kRetryMs = 1'000;    // after an error of our own (disk, fork)

Failure failure_of(const Error& error, const std::string& code) {
  Failure failure;
  failure.code = error.reason.empty() ? code : error.reason;
  failure.message = error.message;
  return failure;
}

TimeMs start_limit_ms(const resources::ProbePolicy& probe) {
  return 1000LL * (probe.initial_delay_seconds +
                   (probe.failure_threshold - 1) * probe.period_seconds + probe.timeout_seconds);
}

}  // namespace

struct ServiceReconciler::Turn {
  store::Key key;
  store::Record record;
  Service service;
  resources::ServiceObserved before;
  Memo* memo = nullptr;
  View view;
  json::object environment;  // definition its environment is made from
  compute::BuiltEnvironment built;
  std::map<std::string, compute::ReplicaStatus> replicas;
  const std::string& operation() const { return service.operation_id; }
};

void ServiceReconciler::reconcile(const store::Key& key) {
  const auto done = turn(key);
  if (done) return;
  log::warning("control", "service not reconciled",
               {{"service", key.name}, {"why", done.error().message}});
  parts_.again(key, kRetryMs);
}

Result<void> ServiceReconciler::turn(const store::Key& key) {
  Turn now{.key = key};
  TRY(auto record, parts_.store.get(key));
  if (!record) {
    forget(key);
    return {};
  }
  now.record = std::move(*record);
  now.memo = &memo_of(key);
  TRY_VOID(load(now));
  look(now);
  TRY_VOID(look_at_capacity(now));
  const TimeMs now_ms = parts_.clock.now_ms();
  const Plan next = plan(now.view, now_ms);
  TRY_VOID(publish(now, next));
  TRY_VOID(act(now, next));
  TRY_VOID(write_observed(now, next));
  if (next.again_ms) parts_.again(key, std::max<TimeMs>(0, *next.again_ms - now_ms));
  return {};
}

ServiceReconciler::Memo& ServiceReconciler::memo_of(const store::Key& key) {
  const std::lock_guard lock(mutex_);
  auto& memo = memos_[key];
  if (!memo) memo = std::make_unique<Memo>();
  return *memo;
}

void ServiceReconciler::forget(const store::Key& key) {
  parts_.environments.forget(key);
  const std::lock_guard lock(mutex_);
  memos_.erase(key);
}

Result<void> ServiceReconciler::load(Turn& turn) {
  TRY(turn.service, from_json<Service>(turn.record.desired));
  if (!turn.record.observed.is_null()) {
    TRY(turn.before, from_json<resources::ServiceObserved>(turn.record.observed));
  }
  if (turn.memo->generation != turn.record.generation) {
    turn.memo->generation = turn.record.generation;
    turn.memo->failures = 0;
    turn.memo->stage.clear();
  }
  return {};
}

void ServiceReconciler::look(Turn& turn) {
  auto& view = turn.view;
  const auto& spec = turn.service.spec;
  view.deleting = turn.service.deleting;
  view.settled = turn.record.observed_generation == turn.record.generation;
  view.failed = view.settled && turn.before.error.has_value();
  view.revision = turn.service.revision;
  view.serving_revision = turn.before.serving_revision;
  view.wanted = wanted_replicas(turn.service);
  view.asked_ms = turn.record.updated_ms;
  view.start_limit_ms = start_limit_ms(spec.probe);
  view.failures = turn.memo->failures;
  view.last_failure_ms = turn.memo->last_failure_ms;
  const auto path = bundle_path(parts_.bundles, turn.key.scope, turn.key.name, view.revision);
  view.bundle_placed = std::filesystem::exists(path);
  if (!view.deleting) look_at_environment(turn);
  look_at_replicas(turn);
}

void ServiceReconciler::look_at_replicas(Turn& turn) {
  for (auto& status : parts_.driver.observe(turn.key.scope, turn.key.name)) {
    ReplicaView view{status.id,         status.revision, status.state,
                     status.started_ms, status.reason,   status.message};
    view.in_flight = parts_.in_flight(status.id);
    if (const auto at = turn.memo->draining.find(status.id); at != turn.memo->draining.end())
      view.draining_since_ms = at->second;
    turn.view.replicas.push_back(std::move(view));
    turn.replicas.emplace(status.id, std::move(status));
  }
  std::erase_if(turn.memo->draining,
                [&](const auto& entry) { return !turn.replicas.contains(entry.first); });
}

void ServiceReconciler::look_at_environment(Turn& turn) {
  const auto& spec = turn.service.spec;
  if (spec.kind != "python") return;
  turn.environment = spec.environment;
  if (spec.entry_script.empty() && turn.environment.empty()) {
    const auto& model = spec.models.front();
    const auto record = parts_.store.get(
        {"model", turn.key.scope, fmt::format("{}:{}", model.name, model.version)});
    const bool known = record && *record;
    turn.environment =
        no_code_environment(known ? string_or((*record)->desired, "framework_version", "") : "");
  }
  auto outcome = parts_.environments.find(turn.key, turn.record.generation, turn.environment);
  turn.view.environment = outcome.state;
  turn.view.environment_failure = std::move(outcome.failure);
  turn.built = std::move(outcome.built);
}

Result<void> ServiceReconciler::look_at_capacity(Turn& turn) {
  auto& view = turn.view;
  const auto running = static_cast<int>(view.replicas.size());
  if (view.settled || view.deleting || running >= view.wanted || turn.service.compute_name.empty())
    return {};
  TRY(auto judged, judge_capacity(parts_.store, turn.key.scope, turn.service));
  view.unschedulable = std::move(judged.failure);
  const auto real = parts_.driver.true_capacity();
  if (!view.unschedulable && !turn.memo->announced && judged.total.cpu > real.cpu) {
    turn.memo->announced = true;
    parts_.operations.say(
        turn.operation(),
        fmt::format(
            "Target {} promises {} vCPUs and {:.0f} GB; this machine has {} and {:.0f} GB, so "
            "replicas share them when all are busy",
            turn.service.compute_name, judged.total.cpu, judged.total.memory_gb, real.cpu,
            real.memory_gb));
  }
  return {};
}

Result<void> ServiceReconciler::publish(Turn& turn, const Plan& plan) {
  if (turn.view.deleting) {
    parts_.routes.remove(turn.service.route);
    return {};
  }
  std::vector<resources::ReplicaAddress> addresses;
  for (const auto& id : plan.serve) {
    addresses.push_back(turn.replicas.at(id).address);
    addresses.back().id = id;
  }
  TRY(auto route, make_route(parts_.store, turn.key, turn.service, std::move(addresses)));
  parts_.routes.set(turn.service.route, std::move(route));
  return {};
}

Result<void> ServiceReconciler::act(Turn& turn, const Plan& plan) {
  for (const auto& action : plan.actions) {
    auto done = std::visit([&](const auto& one) { return act(turn, one); }, action);
    if (!done) return done;
  }
  return {};
}

Result<void> ServiceReconciler::act(Turn& turn, const BuildEnvironment&) {
  enter_stage(turn, "BuildEnvironment");
  parts_.operations.say(turn.operation(), "Building the environment");
  const auto operation = turn.operation();
  parts_.environments.build(
      turn.key, turn.record.generation, turn.environment,
      [this, operation](std::string_view text) { parts_.operations.say(operation, text); });
  return {};
}

Result<void> ServiceReconciler::act(Turn& turn, const PlaceBundle&) {
  enter_stage(turn, "DeployService");
  if (!turn.built.note.empty()) parts_.operations.say(turn.operation(), turn.built.note);
  TRY(const auto workspaces, parts_.store.list("workspace", {}));
  BundleRequest request{turn.key.scope, {}, &turn.service, turn.built.python};
  for (const auto& record : workspaces)
    if (string_or(record.desired, "uid", "") == turn.key.scope)
      request.workspace_name = string_or(record.desired, "name", "");
  const auto path =
      bundle_path(parts_.bundles, turn.key.scope, turn.key.name, turn.service.revision);
  auto placed = place_bundle(parts_.store, parts_.artifacts, path, request);
  // A disk that is full may have room later; anything else will not get better by itself.
  if (placed || placed.error().code == ErrorCode::exhausted) return placed;
  TRY_VOID(act(turn, Finish{failure_of(placed.error(), "KubernetesDeploymentFailed")}));
  return placed;
}

Result<void> ServiceReconciler::act(Turn& turn, const StartReplica& action) {
  if (!take_start_place(turn.key)) return {};
  const auto path = bundle_path(parts_.bundles, turn.key.scope, turn.key.name, action.revision);
  TRY(auto kept, read_bundle_replica(path));
  compute::ReplicaSpec spec;
  spec.id = fmt::format("{}-{}-{}", turn.key.name, action.revision, random_hex(3));
  spec.workspace = turn.key.scope;
  spec.service = turn.key.name;
  spec.revision = action.revision;
  spec.bundle = path;
  spec.resources = kept.resources;
  spec.environment_variables = std::move(kept.environment_variables);
  if (!turn.view.settled)
    parts_.operations.say(turn.operation(), fmt::format("Starting replica {}", spec.id));
  return parts_.driver.start(spec);
}

Result<void> ServiceReconciler::act(Turn& turn, const DrainReplica& action) {
  turn.memo->draining.emplace(action.id, parts_.clock.now_ms());
  return {};
}

Result<void> ServiceReconciler::act(Turn& turn, const StopReplica& action) {
  // It ends soon; until then it must not be taken for one that died.
  turn.memo->draining.emplace(action.id, parts_.clock.now_ms());
  return parts_.driver.stop(action.id, kStopGrace);
}

Result<void> ServiceReconciler::act(Turn& turn, const ForgetReplica& action) {
  const auto& status = turn.replicas.at(action.id);
  if (action.counts) {
    const TimeMs lived = status.changed_ms - status.started_ms;
    turn.memo->failures = lived >= kSteadyMs ? 1 : turn.memo->failures + 1;
    turn.memo->last_failure_ms = parts_.clock.now_ms();
    log::warning("control", "replica ended",
                 {{"replica", action.id}, {"reason", status.reason}, {"message", status.message}});
    parts_.operations.say(
        turn.view.settled ? "" : turn.operation(),
        fmt::format("Replica {} ended ({}): {}", action.id, status.reason, status.message));
  }
  return parts_.driver.stop(action.id, std::chrono::milliseconds(0));
}

Result<void> ServiceReconciler::act(Turn& turn, const Finish& action) {
  parts_.operations.say(turn.operation(), action.failure ? "Failed: " + action.failure->message
                                                         : "Healthy: every replica is ready");
  resources::ServiceObserved observed = turn.before;
  observed.error = action.failure;
  observed.environment_note = turn.built.note;
  if (action.failure) {
    const bool serves = turn.before.serving_revision != 0 && turn.before.available_replicas > 0;
    const bool waits = action.failure->detail_code == "Unschedulable";
    observed.state = serves ? "Healthy" : waits ? "Unschedulable" : "Failed";
  } else {
    observed.state = "Healthy";
    observed.serving_revision = turn.service.revision;
    observed.desired_replicas = observed.updated_replicas = turn.view.wanted;
    observed.available_replicas = turn.view.wanted;
  }
  const auto now_ms = parts_.clock.now_ms();
  TRY_VOID(parts_.store.write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(tx.observe(turn.key, to_json(observed), turn.record.generation));
    return Operations::finish(tx, turn.key.scope, turn.operation(), action.failure, now_ms);
  }));
  turn.before = observed;
  turn.record.observed_generation = turn.record.generation;
  turn.memo->failures = 0;
  parts_.again(turn.key, 0);
  return {};
}

Result<void> ServiceReconciler::act(Turn& turn, const RemoveService&) {
  const auto now_ms = parts_.clock.now_ms();
  TRY_VOID(parts_.store.write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(tx.remove(turn.key));
    return Operations::finish(tx, turn.key.scope, turn.operation(), std::nullopt, now_ms);
  }));
  turn.service.revision = 0;
  remove_old_bundles(turn);
  return {};
}

// Progress only: Finish has already written what it judged.
Result<void> ServiceReconciler::write_observed(Turn& turn, const Plan& plan) {
  const bool removed =
      std::any_of(plan.actions.begin(), plan.actions.end(), [](const auto& action) {
        return std::holds_alternative<RemoveService>(action) ||
               std::holds_alternative<Finish>(action);
      });
  if (removed) return {};
  resources::ServiceObserved observed = plan.observed;
  observed.environment_note = turn.before.environment_note;
  if (turn.view.settled) observed.error = turn.before.error;
  const auto text = to_json(observed);
  if (text != turn.record.observed) {
    TRY_VOID(parts_.store.write([&](store::Transaction& tx) {
      return tx.observe(turn.key, text, turn.record.observed_generation);
    }));
  }
  if (turn.view.settled && !turn.view.failed) remove_old_bundles(turn);
  return {};
}

void ServiceReconciler::enter_stage(Turn& turn, const std::string& stage) {
  if (turn.memo->stage == stage) return;
  turn.memo->stage = stage;
  parts_.operations.stage(turn.key.scope, turn.operation(), stage);
}

// At most a few replicas start at once, so that a hundred deployments (or a restart with a thousand
// services) do not all load their models in the same second.
bool ServiceReconciler::take_start_place(const store::Key& key) {
  const std::size_t places = std::max(4U, 2 * std::thread::hardware_concurrency());
  std::size_t starting = 0;
  for (const auto& status : parts_.driver.observe())
    if (status.state == compute::ReplicaState::starting) ++starting;
  if (starting < places) return true;
  const std::lock_guard lock(mutex_);
  if (std::find(waiting_.begin(), waiting_.end(), key) == waiting_.end()) waiting_.push_back(key);
  return false;
}

void ServiceReconciler::start_place_free() {
  store::Key next;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return;
    next = waiting_.front();
    waiting_.erase(waiting_.begin());
  }
  parts_.again(next, 0);
}

void ServiceReconciler::remove_old_bundles(Turn& turn) {
  if (turn.memo->clean_revision == turn.service.revision && turn.service.revision != 0) return;
  for (const auto& [id, status] : turn.replicas)
    if (status.revision != turn.service.revision) return;  // still runs from its bundle
  std::error_code ignored;
  const auto folder = parts_.bundles / turn.key.scope;
  const auto own =
      bundle_path(parts_.bundles, turn.key.scope, turn.key.name, turn.service.revision);
  const std::string prefix = turn.key.name + "-r";
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    const bool of_service = name.starts_with(prefix) &&
                            name.find_first_not_of("0123456789", prefix.size()) == name.npos;
    if (!of_service || entry.path() == own) continue;
    if (auto removed = parts_.artifacts.remove_tree(entry.path()); !removed)
      log::warning("control", "old bundle not removed", {{"why", removed.error().message}});
  }
  turn.memo->clean_revision = turn.service.revision;
}

}  // namespace slipway::control
