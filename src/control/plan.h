#pragma once
// plan: what to do next for one service, from what is desired and what was seen. Pure: no clock, no
// store, no process; every decision of the reconciler is here and is tested as a table.
//
// It knows no history. A step that was cut short by a crash is found undone and is planned again.
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compute/compute.h"
#include "resources/resources.h"

namespace slipway::control {

enum class EnvironmentState { absent, building, ready, failed };

// A replica as the driver sees it, with what only the router and the reconciler know.
struct ReplicaView {
  compute::ReplicaStatus status;
  int in_flight = 0;
  std::optional<TimeMs> draining_since;  // unpublished then, to be stopped when idle
};

struct Situation {
  bool deleting = false;
  std::int64_t revision = 1;
  int replicas = 1;                    // wanted
  TimeMs start_deadline_ms = 340'000;  // after which a replica that is still starting hangs
  // The operation that brought the present generation.
  bool operation_running = false;
  bool operation_failed = false;
  TimeMs operation_created_ms = 0;
  resources::ServiceObserved recorded;  // as last written
  EnvironmentState environment = EnvironmentState::ready;
  std::optional<resources::Failure> environment_failure;
  std::optional<resources::Failure> unschedulable;  // the compute target cannot hold `replicas`
  std::set<std::int64_t> placed;                    // revisions whose bundle is on disk
  std::vector<ReplicaView> seen;
};

enum class ActionKind {
  build_environment,
  place_bundle,    // of the present revision
  start,           // one replica of `revision`
  drain,           // `replica`: unpublish it
  stop,            // `replica`, which takes no more requests or has ended
  remove_bundle,   // of `revision`
  remove_service,  // the record; nothing of it is left
};
BOOST_DESCRIBE_ENUM(ActionKind, build_environment, place_bundle, start, drain, stop, remove_bundle,
                    remove_service)

struct Action {
  ActionKind kind;
  std::string replica;
  std::int64_t revision = 0;
};

struct Plan {
  std::vector<Action> actions;          // in this order
  resources::ServiceObserved observed;  // what to record
  std::vector<std::string> published;   // replicas that take requests
  // Ends the operation: with this failure, or well when `succeeded`.
  bool succeeded = false;
  std::optional<resources::Failure> failure;
  std::optional<TimeMs> wake_at;  // when to look again though nothing changed
};

Plan plan(const Situation& situation, TimeMs now);

}  // namespace slipway::control
