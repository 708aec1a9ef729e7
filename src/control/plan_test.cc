#include "control/plan.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>

namespace slipway::control {
namespace {

using compute::ReplicaState;

constexpr TimeMs kNow = 1'000'000;

struct Name {
  std::string operator()(const BuildEnvironment&) const { return "build"; }
  std::string operator()(const PlaceBundle&) const { return "place"; }
  std::string operator()(const StartReplica& a) const {
    return fmt::format("start r{}", a.revision);
  }
  std::string operator()(const DrainReplica& a) const { return "drain " + a.id; }
  std::string operator()(const StopReplica& a) const { return "stop " + a.id; }
  std::string operator()(const ForgetReplica& a) const {
    return "forget " + a.id + (a.counts ? " counts" : "");
  }
  std::string operator()(const Finish& a) const {
    return a.failure ? "fail " + (a.failure->detail_code.empty() ? a.failure->code
                                                                 : a.failure->detail_code)
                     : "finish";
  }
  std::string operator()(const RemoveService&) const { return "remove"; }
};

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& action : plan.actions) out.push_back(std::visit(Name{}, action));
  return out;
}

ReplicaView replica(std::string id, std::int64_t revision, ReplicaState state, int in_flight = 0) {
  ReplicaView view{.id = std::move(id), .revision = revision, .state = state};
  view.started_ms = kNow - 100;
  view.in_flight = in_flight;
  return view;
}

// A service that was just asked for, whose bundle lies there.
View deploying(int wanted = 1) {
  View view{.wanted = wanted, .asked_ms = kNow - 1000, .start_limit_ms = 60'000};
  view.bundle_placed = true;
  return view;
}

View settled(int wanted = 1) {
  View view = deploying(wanted);
  view.settled = true;
  view.serving_revision = 1;
  return view;
}

View with(View view, std::vector<ReplicaView> replicas) {
  view.replicas = std::move(replicas);
  return view;
}

View edit(View view, const std::function<void(View&)>& change) {
  change(view);
  return view;
}

using Names = std::vector<std::string>;

struct Row {
  const char* name;
  View view;
  Names actions;
  Names serve;
  const char* state;
};

const ReplicaState kReady = ReplicaState::ready;
const ReplicaState kStarting = ReplicaState::starting;
const ReplicaState kFailed = ReplicaState::failed;

ReplicaView failed(std::string id, std::int64_t revision, std::string reason) {
  auto view = replica(std::move(id), revision, kFailed);
  view.reason = std::move(reason);
  return view;
}

ReplicaView draining(std::string id, std::int64_t revision, int in_flight, TimeMs since) {
  auto view = replica(std::move(id), revision, kReady, in_flight);
  view.draining_since_ms = since;
  return view;
}

const Row kRows[] = {
    {"an environment that is not there is built first",
     edit(deploying(), [](View& v) { v.environment = EnvironmentState::missing; v.bundle_placed = false; }),
     {"build"}, {}, "Transitioning"},
    {"while it is built nothing else happens",
     edit(deploying(), [](View& v) { v.environment = EnvironmentState::building; }),
     {}, {}, "Transitioning"},
    {"a build that failed ends the deployment",
     edit(deploying(), [](View& v) {
       v.environment = EnvironmentState::failed;
       v.environment_failure = resources::Failure{.code = "ImageBuildFailure"};
     }),
     {"fail ImageBuildFailure"}, {}, "Failed"},
    {"bundle, then replicas",
     edit(deploying(2), [](View& v) { v.bundle_placed = false; }),
     {"place", "start r1", "start r1"}, {}, "Transitioning"},
    {"what starts is waited for",
     with(deploying(), {replica("a", 1, kStarting)}), {}, {}, "Transitioning"},
    {"ready: served and judged",
     with(deploying(), {replica("a", 1, kReady)}), {"finish"}, {"a"}, "Healthy"},
    {"one of two ready: served, not judged",
     with(deploying(2), {replica("a", 1, kReady), replica("b", 1, kStarting)}), {}, {"a"},
     "Transitioning"},
    {"capacity that does not suffice",
     edit(deploying(), [](View& v) {
       v.unschedulable = resources::Failure{.code = "KubernetesDeploymentFailed",
                                            .detail_code = "Unschedulable"};
     }),
     {"fail Unschedulable"}, {}, "Unschedulable"},
    {"a script that raises fails at once",
     with(deploying(), {failed("a", 1, "UserScriptInitFailed")}),
     {"forget a counts", "fail UserScriptInitFailed"}, {}, "Failed"},
    {"a crash is tried again",
     with(deploying(), {failed("a", 1, "Killed")}), {"forget a counts", "start r1"}, {},
     "Transitioning"},
    {"the second crash in a row waits",
     edit(with(deploying(), {failed("a", 1, "Killed")}), [](View& v) { v.failures = 1; }),
     {"forget a counts"}, {}, "Transitioning"},
    {"the third ends the deployment",
     edit(with(deploying(), {failed("a", 1, "Killed")}), [](View& v) { v.failures = 2; }),
     {"forget a counts", "fail CrashLoopBackOff"}, {}, "Failed"},
    {"an init() that hangs",
     edit(with(deploying(), {replica("a", 1, kStarting)}), [](View& v) { v.start_limit_ms = 50; }),
     {"fail UserScriptInitTimeout", "stop a"}, {}, "Failed"},
    {"twenty minutes are enough",
     edit(with(deploying(), {replica("a", 1, kStarting)}),
          [](View& v) { v.asked_ms = kNow - kDeployTimeoutMs; }),
     {"fail DeploymentTimedOut", "stop a"}, {}, "Failed"},
    {"update: one above the count while the old serve",
     edit(with(deploying(2), {replica("a", 1, kReady), replica("b", 1, kReady)}),
          [](View& v) { v.revision = 2; v.serving_revision = 1; }),
     {"start r2"}, {"a", "b"}, "Transitioning"},
    {"update: an old one goes once a new one is ready",
     edit(with(deploying(2), {replica("a", 1, kReady), replica("b", 1, kReady, 3),
                              replica("c", 2, kReady)}),
          [](View& v) { v.revision = 2; v.serving_revision = 1; }),
     {"drain a"}, {"b", "c"}, "Transitioning"},
    {"update: judged when all new are ready, the rest drains",
     edit(with(deploying(), {replica("a", 1, kReady), replica("b", 2, kReady)}),
          [](View& v) { v.revision = 2; v.serving_revision = 1; }),
     {"drain a", "finish"}, {"b"}, "Healthy"},
    {"a failed update leaves the old revision serving",
     edit(with(deploying(), {replica("a", 1, kReady), failed("b", 2, "UserScriptInitFailed")}),
          [](View& v) { v.revision = 2; v.serving_revision = 1; }),
     {"forget b counts", "fail UserScriptInitFailed"}, {"a"}, "Healthy"},
    {"after a failed update the old revision is kept up",
     edit(settled(), [](View& v) { v.revision = 2; v.failed = true; }),
     {"start r1"}, {}, "Failed"},
    {"a first deployment that failed stays as it is",
     edit(settled(), [](View& v) { v.failed = true; v.serving_revision = 0; }), {}, {}, "Failed"},
    {"healthy and complete: nothing to do", with(settled(), {replica("a", 1, kReady)}), {}, {"a"},
     "Healthy"},
    {"a replica that died is replaced", with(settled(), {failed("a", 1, "Killed")}),
     {"forget a counts", "start r1"}, {}, "Unhealthy"},
    {"one of two died: the other serves",
     with(settled(2), {failed("a", 1, "Killed"), replica("b", 1, kReady)}),
     {"forget a counts", "start r1"}, {"b"}, "Healthy"},
    {"it never gives up on what was healthy",
     edit(with(settled(), {failed("a", 1, "UserScriptInitFailed")}),
          [](View& v) { v.failures = 20; }),
     {"forget a counts"}, {}, "Unhealthy"},
    {"after the wait it tries again",
     edit(settled(), [](View& v) { v.failures = 20; v.last_failure_ms = kNow - kBackOffMostMs; }),
     {"start r1"}, {}, "Unhealthy"},
    {"fewer wanted: the idle one drains",
     with(settled(), {replica("a", 1, kReady, 2), replica("b", 1, kReady, 0)}), {"drain b"}, {"a"},
     "Healthy"},
    {"fewer wanted: what is not ready goes first",
     with(settled(), {replica("a", 1, kReady), replica("b", 1, kStarting)}), {"stop b"}, {"a"},
     "Healthy"},
    {"draining ends with the last request",
     with(settled(), {replica("a", 1, kReady), draining("b", 1, 0, kNow - 10)}), {"stop b"}, {"a"},
     "Healthy"},
    {"draining waits for requests",
     with(settled(), {replica("a", 1, kReady), draining("b", 1, 1, kNow - 10)}), {}, {"a"}, "Healthy"},
    {"draining does not wait for ever",
     with(settled(), {replica("a", 1, kReady), draining("b", 1, 1, kNow - kDrainMs)}), {"stop b"},
     {"a"}, "Healthy"},
    {"a drained one that ended is forgotten, and counts for nothing",
     with(settled(), {replica("a", 1, kReady),
                      [] {
                        auto r = draining("b", 1, 0, kNow - 10);
                        r.state = ReplicaState::exited;
                        return r;
                      }()}),
     {"forget b"}, {"a"}, "Healthy"},
    {"delete: first out of service",
     edit(with(settled(), {replica("a", 1, kReady)}), [](View& v) { v.deleting = true; }),
     {"drain a"}, {}, "Deleting"},
    {"delete: then ended",
     edit(with(settled(), {draining("a", 1, 0, kNow)}), [](View& v) { v.deleting = true; }),
     {"stop a"}, {}, "Deleting"},
    {"delete: then gone", edit(settled(), [](View& v) { v.deleting = true; }), {"remove"}, {},
     "Deleting"},
};

TEST(Plan, Table) {
  for (const auto& row : kRows) {
    const Plan made = plan(row.view, kNow);
    EXPECT_EQ(names(made), row.actions) << row.name;
    EXPECT_EQ(made.serve, row.serve) << row.name;
    EXPECT_EQ(made.observed.state, row.state) << row.name;
  }
}

// Whatever is seen, a plan never serves what it drains, and never exceeds the surge.
TEST(Plan, InvariantsOverManyViews) {
  const ReplicaState states[] = {kStarting, kReady, kFailed};
  for (int pattern = 0; pattern < 729; ++pattern) {
    View view = settled(1 + pattern % 3);
    view.settled = pattern % 2 == 0;
    view.revision = 2;
    int rest = pattern;
    for (int i = 0; i < 6; ++i, rest /= 3)
      view.replicas.push_back(
          replica(std::string(1, static_cast<char>('a' + i)), 1 + i % 2, states[rest % 3], i % 2));
    const Plan made = plan(view, kNow);
    int starts = 0;
    for (const auto& action : made.actions) {
      starts += std::holds_alternative<StartReplica>(action) ? 1 : 0;
      if (const auto* drain = std::get_if<DrainReplica>(&action))
        EXPECT_EQ(std::count(made.serve.begin(), made.serve.end(), drain->id), 0) << pattern;
    }
    const auto live = std::count_if(view.replicas.begin(), view.replicas.end(),
                                    [](const auto& r) { return r.state != kFailed; });
    if (starts > 0) EXPECT_LE(live + starts, view.wanted + kSurge) << pattern;
  }
}

TEST(Plan, BackOffDoublesUpToAMinute) {
  EXPECT_EQ(back_off_ms(0), 0);
  EXPECT_EQ(back_off_ms(1), 0);
  EXPECT_EQ(back_off_ms(2), 1'000);
  EXPECT_EQ(back_off_ms(3), 2'000);
  EXPECT_EQ(back_off_ms(100), kBackOffMostMs);
}

}  // namespace
}  // namespace slipway::control
