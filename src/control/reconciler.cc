#include "control/reconciler.h"

#include <fmt/core.h>

#include <charconv>
#include <ctime>

#include "base/crypto.h"
#include "base/log.h"
#include "control/bundle.h"

namespace slipway::control {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kStopGrace{10'000};
constexpr TimeMs kSecondMs = 1'000;

using resources::Operation;
using resources::Service;

store::Key operation_key(const store::Key& service, const std::string& id) {
  return {"operation", service.scope, id};
}

// The deadline of a start is the documented liveness probe's: the first delay and every failure.
TimeMs start_deadline(const resources::ProbePolicy& probe) {
  return (probe.initial_delay_seconds + TimeMs{probe.period_seconds} * probe.failure_threshold) *
         kSecondMs;
}

int wanted(const Service& service) {
  if (service.num_replicas && *service.num_replicas > 0) return *service.num_replicas;
  return std::max(1, service.autoscale.min_replicas);
}

}  // namespace

std::string log_lines(TimeMs now, std::string_view text) {
  const std::time_t seconds = now / kSecondMs;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[16];
  std::strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", &utc);
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (const auto line = text.substr(0, end); !line.empty())
      out += fmt::format("{}|{}\n", stamp, line);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return out;
}

Reconciler::Reconciler(const Options& options, WorkQueue& queue)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      queue_(queue),
      environments_(
          *options.environments, [this](const store::Key& key) { queue_.add(key); },
          [this](const std::string& operation, std::string_view text) { log(operation, text); }) {}

Result<void> Reconciler::know(const std::vector<store::Record>& services) {
  for (const auto& each : services) {
    const auto service = from_json<Service>(each.desired);
    if (!service || service->deleting) continue;
    TRY(auto route, route_of(each.key, *service));
    set_route(each.key, service->route, std::move(route));
  }
  publish_table();
  return {};
}

Reconciler::Memory& Reconciler::memory_of(const store::Key& key) {
  const std::lock_guard lock(mutex_);
  return memories_[key];
}

Result<void> Reconciler::reconcile(const store::Key& key) {
  TRY(auto found, options_.store->get(key));
  if (!found) return clean_up(key);
  Memory& memory = memory_of(key);
  TRY(const Look seen, look(std::move(*found), memory));
  TRY_VOID(end_predecessors(seen, memory));
  const Plan next = plan(seen.situation, clock_.now_ms());
  announce(seen, next, memory);
  TRY_VOID(publish(seen, next.published));
  TRY_VOID(act(seen, next, memory));
  if (next.wake_at) queue_.add_at(key, *next.wake_at);
  return {};
}

// Nothing is desired of it any more: whatever is left ends.
Result<void> Reconciler::clean_up(const store::Key& key) {
  for (const auto& replica : options_.driver->observe(key.scope, key.name))
    TRY_VOID(options_.driver->stop(replica.id, kStopGrace));
  set_route(key, {}, {});
  publish_table();
  std::error_code error;
  fs::remove_all(bundle_path(key, 0).parent_path(), error);
  const std::lock_guard lock(mutex_);
  memories_.erase(key);
  usage_.erase(key);
  return {};
}

Result<Reconciler::Look> Reconciler::look(store::Record record, Memory& memory) {
  Look out;
  out.record = std::move(record);
  TRY(out.service, from_json<Service>(out.record.desired));
  TRY(const auto operation,
      options_.store->get(operation_key(out.record.key, out.service.operation_id)));
  if (operation) {
    TRY(out.operation, from_json<Operation>(operation->desired));
  }
  Situation& s = out.situation;
  if (!out.record.observed.is_null()) {
    TRY(s.recorded, from_json<resources::ServiceObserved>(out.record.observed));
  }
  s.deleting = out.service.deleting;
  s.revision = out.service.revision;
  s.replicas = wanted(out.service);
  s.start_deadline_ms = start_deadline(out.service.spec.probe);
  s.operation_running = out.running();
  s.operation_failed = out.operation && out.operation->state == "Failed";
  s.operation_created_ms = out.operation ? out.operation->created_ms : 0;
  s.placed = placed(out.record.key);
  see_replicas(out, memory);
  see_capacity(out);
  if (!s.deleting && !s.placed.contains(s.revision) && !s.operation_failed) {
    TRY_VOID(read_models(out));
    see_environment(out);
  }
  return out;
}

Result<void> Reconciler::read_models(Look& look) const {
  for (const auto& [name, version] : look.service.spec.models) {
    const std::string id = fmt::format("{}:{}", name, version);
    TRY(const auto record, options_.store->get({"model", look.record.key.scope, id}));
    if (!record)
      return fail(ErrorCode::not_found, "the model '" + id + "' is gone", "ModelNotFound");
    TRY(auto model, from_json<resources::Model>(record->desired));
    look.models.push_back(std::move(model));
  }
  look.definition = environment_of(look.service.spec, look.models);
  return {};
}

void Reconciler::see_environment(Look& look) {
  look.environment = environments_.look(look.service.operation_id, look.definition);
  look.situation.environment = look.environment.state;
  look.situation.environment_failure = look.environment.failure;
}

void Reconciler::see_replicas(Look& look, Memory& memory) const {
  const auto& key = look.record.key;
  for (auto& status : options_.driver->observe(key.scope, key.name)) {
    ReplicaView view;
    view.in_flight = options_.in_flight ? options_.in_flight(status.id) : 0;
    if (const auto at = memory.draining.find(status.id); at != memory.draining.end())
      view.draining_since = at->second;
    view.status = std::move(status);
    look.situation.seen.push_back(std::move(view));
  }
}

// Of two that came at once only the younger one yields.
void Reconciler::see_capacity(Look& look) {
  const auto& service = look.service;
  const auto& each = service.spec.resources;
  Usage mine{service.compute_name,
             {each.cpu * look.situation.replicas, each.memory_gb * look.situation.replicas},
             look.record.sequence,
             look.situation.recorded.serving_revision != 0};
  mine.taken.gpus = each.gpu.value_or(0) * look.situation.replicas;
  resources::Capacity taken;
  {
    const std::lock_guard lock(mutex_);
    usage_[look.record.key] = mine;
    for (const auto& [key, other] : usage_) {
      if (key == look.record.key || other.compute != mine.compute ||
          key.scope != look.record.key.scope ||
          (!other.established && other.sequence > mine.sequence))
        continue;
      taken.cpu += other.taken.cpu;
      taken.memory_gb += other.taken.memory_gb;
      taken.gpus += other.taken.gpus;
    }
  }
  if (!look.running() || service.deleting || service.compute_name.empty()) return;
  const auto record = options_.store->get({"compute", look.record.key.scope, service.compute_name});
  if (!record || !*record) return;
  const auto target = from_json<resources::ComputeTarget>((*record)->desired);
  if (!target) return;
  const auto fits =
      resources::check_fits(resources::capacity_of(*target), taken, each, look.situation.replicas);
  if (fits) return;
  resources::Failure failure;
  failure.code = "KubernetesDeploymentFailed";
  failure.message = failure.detail_message = fits.error().message;
  failure.detail_code = "Unschedulable";
  look.situation.unschedulable = std::move(failure);
}

fs::path Reconciler::bundle_path(const store::Key& key, std::int64_t revision) const {
  return options_.bundles / key.scope / key.name / std::to_string(revision);
}

std::set<std::int64_t> Reconciler::placed(const store::Key& key) const {
  std::set<std::int64_t> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(bundle_path(key, 0).parent_path(), error)) {
    const std::string name = entry.path().filename();
    std::int64_t revision = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), revision);
    if (bad == std::errc() && end == name.data() + name.size()) out.insert(revision);
  }
  return out;
}

}  // namespace slipway::control
