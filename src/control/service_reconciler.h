#pragma once
// ServiceReconciler: reads what is asked and seen of one service, asks plan(), and does it.
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "control/control.h"
#include "control/environments.h"
#include "control/operations.h"
#include "control/plan.h"
#include "control/routes.h"
#include "control/work_queue.h"

namespace slipway::control {

// Owner: Control. reconcile() runs on the queue's threads, never twice at once for one key; what it
// remembers between two calls (Memo) may be lost at any time: it is about pace, not about truth.
class ServiceReconciler {
 public:
  struct Parts {
    store::Store& store;
    artifacts::Artifacts& artifacts;
    compute::Driver& driver;
    EnvironmentJobs& environments;
    Routes& routes;
    Operations& operations;
    std::filesystem::path bundles;
    InFlight in_flight;
    const Clock& clock;
    std::function<void(const store::Key&, TimeMs delay_ms)> again;
  };
  explicit ServiceReconciler(Parts parts) : parts_(std::move(parts)) {}

  void reconcile(const store::Key& key);
  // A replica's state changed: services that wait for a place to start may go on.
  void start_place_free();

 private:
  struct Memo {
    std::int64_t generation = 0;
    int failures = 0;
    TimeMs last_failure_ms = 0;
    std::map<std::string, TimeMs> draining;  // replica id → since
    std::string stage;
    bool announced = false;           // over-commitment was said
    std::int64_t clean_revision = 0;  // bundles of other revisions are gone
  };
  struct Turn;  // one call of reconcile()

  Result<void> turn(const store::Key& key);
  Memo& memo_of(const store::Key& key);
  void forget(const store::Key& key);
  Result<void> load(Turn& turn);
  void look(Turn& turn);
  void look_at_replicas(Turn& turn);
  void look_at_environment(Turn& turn);
  Result<void> look_at_capacity(Turn& turn);
  Result<void> publish(Turn& turn, const Plan& plan);
  Result<void> act(Turn& turn, const Plan& plan);
  Result<void> act(Turn& turn, const BuildEnvironment& action);
  Result<void> act(Turn& turn, const PlaceBundle& action);
  Result<void> act(Turn& turn, const StartReplica& action);
  Result<void> act(Turn& turn, const DrainReplica& action);
  Result<void> act(Turn& turn, const StopReplica& action);
  Result<void> act(Turn& turn, const ForgetReplica& action);
  Result<void> act(Turn& turn, const Finish& action);
  Result<void> act(Turn& turn, const RemoveService& action);
  Result<void> write_observed(Turn& turn, const Plan& plan);
  void enter_stage(Turn& turn, const std::string& stage);
  bool take_start_place(const store::Key& key);
  void remove_old_bundles(Turn& turn);

  Parts parts_;
  std::mutex mutex_;
  std::map<store::Key, std::unique_ptr<Memo>>
      memos_;                        // guarded by mutex_; a Memo by its key's turn
  std::vector<store::Key> waiting_;  // for a place to start; guarded by mutex_
};

}  // namespace slipway::control
