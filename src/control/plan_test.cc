#include "control/plan.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace slipway::control {
namespace {

using compute::ReplicaState;
using Names = std::vector<std::string>;

constexpr TimeMs kNow = 10'000'000;
constexpr ReplicaState kReady = ReplicaState::ready;
constexpr ReplicaState kStarting = ReplicaState::starting;

Names names(const Plan& plan) {
  Names out;
  for (const auto& action : plan.actions)
    out.push_back(fmt::format("{}{}{}", boost::describe::enum_to_string(action.kind, "?"),
                              action.replica.empty() ? "" : " " + action.replica,
                              action.revision == 0 ? "" : fmt::format(" r{}", action.revision)));
  return out;
}

ReplicaView replica(std::string id, std::int64_t revision, ReplicaState state) {
  ReplicaView view;
  view.status.id = std::move(id);
  view.status.revision = revision;
  view.status.state = state;
  view.status.started_ms = kNow - 2'000;
  view.status.changed_ms = kNow - 1'000;
  return view;
}

ReplicaView ended(std::string id, std::int64_t revision, ReplicaState state, std::string reason) {
  auto view = replica(std::move(id), revision, state);
  view.status.reason = std::move(reason);
  view.status.message = "the last lines";
  return view;
}

ReplicaView draining(std::string id, int in_flight, TimeMs since) {
  auto view = replica(std::move(id), 1, kReady);
  view.in_flight = in_flight;
  view.draining_since = since;
  return view;
}

// A first deployment whose bundle lies there.
Situation deploying(std::vector<ReplicaView> seen = {}, int replicas = 1) {
  Situation s;
  s.replicas = replicas;
  s.operation_running = true;
  s.operation_created_ms = kNow - 5'000;
  s.placed = {1};
  s.seen = std::move(seen);
  return s;
}

// Deployed before, and healthy then.
Situation settled(std::vector<ReplicaView> seen, int replicas = 1) {
  Situation s = deploying(std::move(seen), replicas);
  s.operation_running = false;
  s.recorded.state = "Healthy";
  s.recorded.serving_revision = 1;
  s.recorded.desired_replicas = replicas;
  s.recorded.available_replicas = replicas;
  return s;
}

// Revision 2 is asked for while revision 1 serves.
Situation updating(std::vector<ReplicaView> seen, int replicas = 1) {
  Situation s = settled(std::move(seen), replicas);
  s.operation_running = true;
  s.revision = 2;
  s.placed = {1, 2};
  return s;
}

Situation with(Situation s, const std::function<void(Situation&)>& change) {
  change(s);
  return s;
}

resources::Failure failure(const char* code, const char* detail = "") {
  resources::Failure out;
  out.code = code;
  out.detail_code = detail;
  return out;
}

struct Row {
  const char* name;
  Situation situation;
  Names actions;
  Names published;
  const char* state;
  const char* outcome;  // of the operation: "", "succeeded", or the failure's code or detail
};

const Row kRows[] = {
    {"an environment that is not there is built first",
     with(deploying(),
          [](auto& s) {
            s.placed = {};
            s.environment = EnvironmentState::absent;
          }),
     {"build_environment"},
     {},
     "Transitioning",
     ""},
    {"while it is built nothing else happens",
     with(deploying(),
          [](auto& s) {
            s.placed = {};
            s.environment = EnvironmentState::building;
          }),
     {},
     {},
     "Transitioning",
     ""},
    {"a build that failed ends the deployment",
     with(deploying(),
          [](auto& s) {
            s.placed = {};
            s.environment = EnvironmentState::failed;
            s.environment_failure = failure("ImageBuildFailure");
          }),
     {},
     {},
     "Failed",
     "ImageBuildFailure"},
    {"then the bundle",
     with(deploying(), [](auto& s) { s.placed = {}; }),
     {"place_bundle"},
     {},
     "Transitioning",
     ""},
    {"then every replica", deploying({}, 2), {"start r1", "start r1"}, {}, "Transitioning", ""},
    {"what starts is waited for",
     deploying({replica("a", 1, kStarting)}),
     {},
     {},
     "Transitioning",
     ""},
    {"ready: published and judged",
     deploying({replica("a", 1, kReady)}),
     {},
     {"a"},
     "Healthy",
     "succeeded"},
    {"one of two ready: published, not judged",
     deploying({replica("a", 1, kReady), replica("b", 1, kStarting)}, 2),
     {},
     {"a"},
     "Transitioning",
     ""},
    {"capacity that does not suffice",
     with(deploying(), [](auto& s) { s.unschedulable = failure("X", "Unschedulable"); }),
     {},
     {},
     "Unschedulable",
     "Unschedulable"},
    {"a script that raises fails at once",
     deploying({ended("a", 1, ReplicaState::failed, "UserScriptInitFailed")}),
     {},
     {},
     "Failed",
     "UserScriptInitFailed"},
    {"memory above the limit fails at once",
     deploying({ended("a", 1, ReplicaState::exited, "OutOfMemory")}),
     {},
     {},
     "Failed",
     "OutOfMemory"},
    {"a crash is tried again at once",
     deploying({ended("a", 1, ReplicaState::exited, "Killed")}),
     {"start r1"},
     {},
     "Transitioning",
     ""},
    {"three crashes end the deployment",
     deploying({ended("a", 1, ReplicaState::exited, "Killed"),
                ended("b", 1, ReplicaState::exited, "Killed"),
                ended("c", 1, ReplicaState::exited, "Killed")}),
     {},
     {},
     "Failed",
     "CrashLoopBackOff"},
    {"an init() that hangs",
     with(deploying({replica("a", 1, kStarting)}), [](auto& s) { s.start_deadline_ms = 500; }),
     {},
     {},
     "Failed",
     "StartTimedOut"},
    {"update: one above the count while the old serve",
     updating({replica("a", 1, kReady), replica("b", 1, kReady)}, 2),
     {"start r2"},
     {"a", "b"},
     "Transitioning",
     ""},
    {"update: an old one goes once a new one is ready",
     updating({replica("a", 1, kReady), replica("b", 1, kReady), replica("c", 2, kReady)}, 2),
     {"drain a"},
     {"c", "b"},
     "Transitioning",
     ""},
    {"update: judged when all new are ready",
     updating({replica("a", 1, kReady), replica("b", 2, kReady)}),
     {"drain a"},
     {"b"},
     "Healthy",
     "succeeded"},
    {"a failed update leaves the old revision serving",
     updating(
         {replica("a", 1, kReady), ended("b", 2, ReplicaState::failed, "UserScriptInitFailed")}),
     {},
     {"a"},
     "Healthy",
     "UserScriptInitFailed"},
    {"healthy and complete: nothing to do",
     settled({replica("a", 1, kReady)}),
     {},
     {"a"},
     "Healthy",
     ""},
    {"a replica that died is replaced",
     settled({ended("a", 1, ReplicaState::exited, "Killed")}),
     {"start r1"},
     {},
     "Unhealthy",
     ""},
    {"one of two died: the other serves",
     settled({ended("a", 1, ReplicaState::exited, "Killed"), replica("b", 1, kReady)}, 2),
     {"start r1"},
     {"b"},
     "Healthy",
     ""},
    {"fewer wanted: one drains",
     settled({replica("a", 1, kReady), replica("b", 1, kReady)}),
     {"drain a"},
     {"b"},
     "Healthy",
     ""},
    {"fewer wanted: what is not ready goes first",
     settled({replica("a", 1, kReady), replica("b", 1, kStarting)}),
     {"stop b"},
     {"a"},
     "Healthy",
     ""},
    {"draining ends with the last request",
     settled({replica("a", 1, kReady), draining("b", 0, kNow - 200)}),
     {"stop b"},
     {"a"},
     "Healthy",
     ""},
    {"draining waits for requests",
     settled({replica("a", 1, kReady), draining("b", 1, kNow - 200)}),
     {},
     {"a"},
     "Healthy",
     ""},
    {"draining does not wait for ever",
     settled({replica("a", 1, kReady), draining("b", 1, kNow - 30'000)}),
     {"stop b"},
     {"a"},
     "Healthy",
     ""},
    {"delete: first out of service",
     with(settled({replica("a", 1, kReady)}), [](auto& s) { s.deleting = true; }),
     {"drain a"},
     {},
     "Healthy",
     ""},
    {"delete: then gone",
     with(settled({}), [](auto& s) { s.deleting = true; }),
     {"remove_bundle r1", "remove_service"},
     {},
     "Healthy",
     ""},
};

std::string outcome(const Plan& plan) {
  if (plan.failure)
    return plan.failure->detail_code.empty() ? plan.failure->code : plan.failure->detail_code;
  return plan.succeeded ? "succeeded" : "";
}

TEST(Plan, Table) {
  for (const auto& row : kRows) {
    const Plan made = plan(row.situation, kNow);
    EXPECT_EQ(names(made), row.actions) << row.name;
    EXPECT_EQ(made.published, row.published) << row.name;
    EXPECT_EQ(made.observed.state, row.state) << row.name;
    EXPECT_EQ(outcome(made), row.outcome) << row.name;
  }
}

TEST(Plan, AStartIsLookedAtAgainWhenItsTimeIsOver) {
  Situation situation = deploying();
  const Plan made = plan(situation, kNow);
  ASSERT_TRUE(made.wake_at);
  EXPECT_GT(*made.wake_at, kNow + situation.start_deadline_ms);
}

TEST(Plan, LaterFailuresWaitLonger) {
  std::vector<ReplicaView> crashes;
  TimeMs before = 0;
  for (int i = 0; i < 7; ++i) {
    crashes.push_back(ended(std::to_string(i), 1, ReplicaState::exited, "Killed"));
    const Plan made = plan(settled(crashes), kNow);
    const TimeMs wait = names(made).empty() && made.wake_at ? *made.wake_at - kNow : 0;
    EXPECT_GE(wait, before) << i;
    before = wait;
  }
  EXPECT_GT(before, 10'000);
  EXPECT_LE(before, 60'000);
}

// Whatever is seen, a plan never publishes what it drains or stops, and never exceeds the surge.
TEST(Plan, InvariantsOverManySituations) {
  const ReplicaState states[] = {kStarting, kReady, ReplicaState::exited};
  for (int pattern = 0; pattern < 729; ++pattern) {
    std::vector<ReplicaView> seen;
    for (int i = 0, rest = pattern; i < 6; ++i, rest /= 3)
      seen.push_back(
          replica(std::string(1, static_cast<char>('a' + i)), 1 + i % 2, states[rest % 3]));
    const Situation situation = updating(seen, 1 + pattern % 3);
    const Plan made = plan(situation, kNow);
    std::int64_t starts = 0;
    for (const auto& action : made.actions) {
      starts += action.kind == ActionKind::start ? 1 : 0;
      EXPECT_EQ(std::count(made.published.begin(), made.published.end(), action.replica), 0)
          << pattern;
    }
    const auto live = std::count_if(seen.begin(), seen.end(), [](const auto& r) {
      return r.status.state != ReplicaState::exited;
    });
    if (starts > 0) EXPECT_LE(live + starts, situation.replicas + 1) << pattern;
  }
}

}  // namespace
}  // namespace slipway::control
