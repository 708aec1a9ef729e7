#include "control/control.h"

#include <fmt/core.h>

#include <set>

#include "base/executor.h"
#include "base/log.h"
#include "control/reconciler.h"
#include "control/work_queue.h"

namespace slipway::control {
namespace {

constexpr TimeMs kGarbageEveryMs = 10 * 60'000;
constexpr TimeMs kGarbageGraceMs = 24 * 3'600'000;  // an upload may be registered a day later
constexpr TimeMs kRetryMs = 1'000;
const store::Key kGarbage{"garbage", "", ""};

class ControlImpl final : public Control {
 public:
  explicit ControlImpl(const Options& options)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : system_clock()),
        queue_(std::make_shared<WorkQueue>(clock_)),
        reconciler_(options, *queue_),
        pool_("control", options.threads, options.threads) {}
  ~ControlImpl() override;
  Result<void> begin();
  Result<std::string> service_logs(const std::string& workspace, const std::string& service,
                                   std::size_t lines) override;

 private:
  void work();
  Result<void> handle(const store::Key& key);
  Result<void> settle_compute(const store::Key& key);
  Result<void> collect();
  template <class Each>
  Result<void> every(const char* kind, Each each);

  const Options options_;
  const Clock& clock_;
  const std::shared_ptr<WorkQueue> queue_;  // watchers in the store outlive us
  Reconciler reconciler_;
  WorkPool pool_;  // last: its workers use the rest
};

ControlImpl::~ControlImpl() {
  options_.driver->on_change({});
  options_.environments->cancel();
  queue_->stop();
}

Result<void> ControlImpl::begin() {
  options_.store->watch([queue = queue_](const store::Key& key) {
    if (key.kind == "service" || key.kind == "compute") queue->add(key);
  });
  options_.driver->on_change(
      [queue = queue_](const std::string& workspace, const std::string& service) {
        queue->add({"service", workspace, service});
      });
  TRY(const auto services, options_.store->list("service", {}));
  TRY_VOID(reconciler_.know(services));
  for (const auto& each : services) queue_->add(each.key);
  TRY(const auto computes, options_.store->list("compute", {}));
  for (const auto& each : computes) queue_->add(each.key);
  queue_->add_at(kGarbage, clock_.now_ms() + kGarbageEveryMs);
  for (std::size_t i = 0; i < options_.threads; ++i)
    CHECK(pool_.submit([this] { work(); }), "the pool holds one loop per thread");
  return {};
}

void ControlImpl::work() {
  while (const auto key = queue_->take()) {
    if (const auto done = handle(*key); !done) {
      log::warning("control", "will be tried again",
                   {{"kind", key->kind}, {"name", key->name}, {"why", done.error().message}});
      queue_->add_at(*key, clock_.now_ms() + kRetryMs);
    }
    queue_->done(*key);
  }
}

Result<void> ControlImpl::handle(const store::Key& key) {
  if (key.kind == "service") return reconciler_.reconcile(key);
  if (key.kind == "compute") return settle_compute(key);
  queue_->add_at(kGarbage, clock_.now_ms() + kGarbageEveryMs);
  return collect();
}

// A slice of this machine is there as soon as it is asked for.
Result<void> ControlImpl::settle_compute(const store::Key& key) {
  TRY(const auto record, options_.store->get(key));
  if (!record || record->observed_generation == record->generation) return {};
  resources::ComputeObserved observed;
  observed.state = "Succeeded";
  return options_.store->write([&](store::Transaction& tx) {
    return tx.observe(key, to_json(observed), record->generation);
  });
}

template <class Each>
Result<void> ControlImpl::every(const char* kind, Each each) {
  TRY(const auto records, options_.store->list(kind, {}));
  for (const auto& record : records) TRY_VOID(each(record.desired));
  return {};
}

Result<void> ControlImpl::collect() {
  std::set<std::string> used;
  TRY_VOID(every("model", [&](const json::value& value) -> Result<void> {
    TRY(const auto model, from_json<resources::Model>(value));
    for (const auto& file : model.files) used.insert(file.digest);
    return {};
  }));
  TRY_VOID(every("service", [&](const json::value& value) -> Result<void> {
    TRY(const auto service, from_json<resources::Service>(value));
    for (const auto& file : service.spec.code) used.insert(file.digest);
    return {};
  }));
  TRY_VOID(every("artifact", [&](const json::value& value) -> Result<void> {
    TRY(const auto artifact, from_json<resources::Artifact>(value));
    if (!artifact.digest.empty()) used.insert(artifact.digest);
    return {};
  }));
  TRY(const auto freed, options_.artifacts->collect(used, kGarbageGraceMs));
  if (freed > 0) log::info("control", "collected unused artifacts", {{"bytes", freed}});
  return {};
}

Result<std::string> ControlImpl::service_logs(const std::string& workspace,
                                              const std::string& service, std::size_t lines) {
  auto ids = options_.driver->ended(workspace, service);
  for (const auto& status : options_.driver->observe(workspace, service)) ids.push_back(status.id);
  std::string out;
  for (const auto& id : ids) {
    const auto text = options_.driver->logs(id, lines);
    if (!text || text->empty()) continue;
    out += fmt::format("{}==> replica {} <==\n{}", out.empty() ? "" : "\n", id, *text);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Control>> Control::start(const Options& options) {
  auto control = std::make_unique<ControlImpl>(options);
  TRY_VOID(control->begin());
  return std::unique_ptr<Control>(std::move(control));
}

}  // namespace slipway::control
