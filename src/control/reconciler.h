#pragma once
// Reconciler: carries out plans for services. Reads the whole situation, asks plan(), acts,
// records.
//
// Owner: Control; called by its workers, never for one key by two at once.
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "control/control.h"
#include "control/environments.h"
#include "control/plan.h"
#include "control/work_queue.h"

namespace slipway::control {

class Reconciler {
 public:
  Reconciler(const Options& options, WorkQueue& queue);

  // Makes the routes of services known, before any of them is reconciled.
  Result<void> know(const std::vector<store::Record>& services);
  Result<void> reconcile(const store::Key& key);

 private:
  // What is remembered of a key between two looks; losing it costs nothing but a repeated log line.
  struct Memory {
    std::string operation;  // whose predecessors have been ended
    std::map<std::string, TimeMs> draining;
    std::set<std::string> announced;  // replicas whose readiness was told
  };
  // One look at one service.
  struct Look {
    store::Record record;
    resources::Service service;
    std::optional<resources::Operation> operation;
    std::vector<resources::Model> models;
    json::object definition;
    Environments::Look environment;
    Situation situation;
    bool running() const { return operation && !operation->ended(); }
  };
  // What a service takes of its compute target.
  struct Usage {
    std::string compute;
    resources::Capacity taken;
    std::int64_t sequence = 0;
    bool established = false;  // it has served, so later ones yield to it
  };

  Result<void> clean_up(const store::Key& key);
  Result<Look> look(store::Record record, Memory& memory);
  Result<void> read_models(Look& look) const;
  void see_environment(Look& look);
  void see_replicas(Look& look, Memory& memory) const;
  void see_capacity(Look& look);
  Result<void> end_predecessors(const Look& look, Memory& memory);
  Result<void> act(const Look& look, const Plan& plan, Memory& memory);
  Result<void> act(const Look& look, const Action& action, Memory& memory);
  Result<void> place(const Look& look);
  Result<void> start_replica(const Look& look, std::int64_t revision);
  Result<void> record(const Look& look, const Plan& plan);
  Result<void> remove_service(const Look& look);
  void announce(const Look& look, const Plan& plan, Memory& memory);
  Result<void> publish(const Look& look, const std::vector<std::string>& replicas);
  Result<resources::Route> route_of(const store::Key& key, const resources::Service& service) const;
  void set_route(const store::Key& key, const std::string& name,
                 std::optional<resources::Route> route);
  void publish_table();
  void log(const std::string& operation, std::string_view text);
  std::filesystem::path bundle_path(const store::Key& key, std::int64_t revision) const;
  std::set<std::int64_t> placed(const store::Key& key) const;
  Memory& memory_of(const store::Key& key);

  const Options options_;
  const Clock& clock_;
  WorkQueue& queue_;
  std::mutex mutex_;                       // what follows
  std::map<store::Key, Memory> memories_;  // nodes stay where they are; one worker per key
  std::map<store::Key, Usage> usage_;
  std::map<store::Key, std::string> names_;  // the route each service has
  resources::RouteTable table_;
  Environments environments_;  // last: its builds use the rest
};

// An operation's log line as clients read it: "yyyymmddHHMMSS|text", one for each line of `text`.
std::string log_lines(TimeMs now, std::string_view text);

}  // namespace slipway::control
