#include "control/plan.h"

#include <fmt/core.h>

#include <algorithm>

namespace slipway::control {
namespace {

using compute::ReplicaState;
using resources::Failure;

constexpr int kStartsBeforeGivingUp = 3;
constexpr TimeMs kDeployTimeoutMs = 20 * 60'000;  // documented: 20 minutes
constexpr TimeMs kDrainMs = 30'000;
constexpr TimeMs kDrainLeastMs = 100;  // a request that was just picked is counted by then
constexpr TimeMs kDrainLookMs = 50;
constexpr TimeMs kBackOffMs = 1'000;  // doubles from the second failure on
constexpr TimeMs kBackOffMostMs = 60'000;
constexpr TimeMs kStableMs = 60'000;   // ready for so long forgives earlier failures
constexpr std::size_t kEndedKept = 7;  // 2^6 s is past kBackOffMostMs

bool live(const ReplicaView& r) {
  return r.status.state == ReplicaState::starting || r.status.state == ReplicaState::ready;
}
bool ready(const ReplicaView& r) {
  return r.status.state == ReplicaState::ready && !r.draining_since;
}

// Works out one plan; its members are what the steps share.
class Planner {
 public:
  Planner(const Situation& s, TimeMs now) : s_(s), now_(now) {
    plan_.observed = s.recorded;
    gave_up_ = s.operation_failed;
    target_ = gave_up_ ? s.recorded.serving_revision : s.revision;
    want_ = gave_up_ && s.recorded.desired_replicas > 0 ? s.recorded.desired_replicas : s.replicas;
    if (s.deleting || target_ == 0) want_ = 0;
    for (const auto& r : s.seen) sort_in(r);
  }
  Plan run() {
    if (auto failure = why_fail()) return give_up(std::move(*failure));
    if (want_ > 0 && prepare()) start_missing();
    retire();
    finish();
    return std::move(plan_);
  }

 private:
  void sort_in(const ReplicaView& r) {
    const bool current = want_ > 0 && r.status.revision == target_;
    if (!live(r))
      (current ? ended_ : gone_).push_back(&r);
    else if (!r.draining_since)
      (current ? current_ : old_).push_back(&r);
  }
  bool deploying() const { return s_.operation_running && !s_.deleting; }
  bool first_time() const { return s_.recorded.serving_revision != target_; }
  int ready_count(const std::vector<const ReplicaView*>& list) const {
    return static_cast<int>(
        std::count_if(list.begin(), list.end(), [](auto* r) { return ready(*r); }));
  }
  void add(ActionKind kind, const std::string& replica = {}, std::int64_t revision = 0) {
    plan_.actions.push_back({kind, replica, revision});
  }
  void wake_at(TimeMs when) { plan_.wake_at = std::min(plan_.wake_at.value_or(when), when); }

  std::optional<Failure> why_fail();
  std::optional<Failure> ended_badly() const;
  std::optional<Failure> took_too_long();
  Plan give_up(Failure failure);
  bool prepare();
  void start_missing();
  TimeMs next_start() const;
  void retire();
  void retire_one(const ReplicaView& r);
  void retire_ended();
  void drained(const ReplicaView& r);
  void finish();
  void finish_deleting();
  void condition();

  const Situation& s_;
  const TimeMs now_;
  Plan plan_;
  bool gave_up_ = false;
  std::int64_t target_ = 0;
  int want_ = 0;
  std::vector<const ReplicaView*> current_;  // live, of the target revision
  std::vector<const ReplicaView*> old_;      // live, to go
  std::vector<const ReplicaView*> ended_;  // ended, of the target revision: they count as failures
  std::vector<const ReplicaView*> gone_;   // ended, of no more interest
};

Failure deployment_failed(std::string code, std::string message) {
  Failure out;
  out.code = "KubernetesDeploymentFailed";
  out.message = "Couldn't deploy: " + message;
  out.detail_code = std::move(code);
  out.detail_message = std::move(message);
  return out;
}

std::string remedy(const std::string& reason) {
  if (reason == "OutOfMemory") return "Give it more memory_gb, or load less in init().";
  return "Try the entry script's init() on your own machine (`slipway model-server --model DIR`), "
         "see "
         "the whole log with service.get_logs(), mend it and deploy again.";
}

std::optional<Failure> Planner::ended_badly() const {
  int ended = 0;
  for (const auto* r : ended_) {
    const auto& status = r->status;
    if (status.changed_ms < s_.operation_created_ms) continue;  // an earlier operation's
    ++ended;
    if (status.state == ReplicaState::failed || status.reason == "OutOfMemory")
      return deployment_failed(status.reason, status.message + "\n" + remedy(status.reason));
  }
  if (ended < kStartsBeforeGivingUp) return {};
  const auto& last = ended_.back()->status;
  return deployment_failed("CrashLoopBackOff",
                           fmt::format("the replica ended {} times while it started. {}\n{}", ended,
                                       last.message, remedy(last.reason)));
}

std::optional<Failure> Planner::took_too_long() {
  TimeMs first = now_;
  for (const auto* r : current_) {
    if (r->status.started_ms == 0) continue;
    first = std::min(first, r->status.started_ms);
    if (r->status.state != ReplicaState::starting) continue;
    const TimeMs deadline = r->status.started_ms + s_.start_deadline_ms;
    if (now_ >= deadline)
      return deployment_failed(
          "StartTimedOut",
          fmt::format(
              "the replica was not ready after {} s: init() hangs or takes too long. Make it "
              "faster, or raise initial_delay_seconds of the liveness probe.",
              s_.start_deadline_ms / 1000));
    wake_at(deadline);
  }
  if (current_.empty() || now_ < first + kDeployTimeoutMs) return {};
  Failure out;
  out.code = "DeploymentTimedOut";
  out.status = 504;
  out.message = "The service was not deployed within pollTimeout : 00:20:00. See its log.";
  return out;
}

std::optional<Failure> Planner::why_fail() {
  if (!deploying()) return {};
  if (s_.unschedulable) return s_.unschedulable;
  if (s_.environment == EnvironmentState::failed && !s_.placed.contains(target_))
    return s_.environment_failure;
  if (ready_count(current_) >= want_) return {};
  if (auto failure = ended_badly()) return failure;
  return took_too_long();
}

// The next look, made at once because recording this wakes the key, keeps what served before.
Plan Planner::give_up(Failure failure) {
  plan_.observed.error = failure;
  plan_.observed.state = failure.detail_code == "Unschedulable" ? "Unschedulable" : "Failed";
  if (plan_.observed.available_replicas > 0) plan_.observed.state = "Healthy";
  plan_.failure = std::move(failure);
  for (const auto& r : s_.seen)
    if (ready(r)) plan_.published.push_back(r.status.id);
  plan_.wake_at = now_;
  return std::move(plan_);
}

bool Planner::prepare() {
  if (s_.placed.contains(target_)) return true;
  if (gave_up_) return false;  // nothing is left of what served before
  if (s_.environment == EnvironmentState::absent || s_.environment == EnvironmentState::failed)
    add(ActionKind::build_environment);
  if (s_.environment == EnvironmentState::ready) add(ActionKind::place_bundle);
  return false;
}

// The first failure is tried again at once, the second after a second, then twice as long each
// time.
TimeMs Planner::next_start() const {
  if (ended_.size() < 2) return now_;
  TimeMs last = 0;
  for (const auto* r : ended_) last = std::max(last, r->status.changed_ms);
  const auto shift = std::min<std::size_t>(ended_.size() - 2, 10);
  return last + std::min(kBackOffMostMs, kBackOffMs << shift);
}

// One more than wanted while an old revision goes: the new one is ready before the old one stops.
void Planner::start_missing() {
  const int missing = want_ - static_cast<int>(current_.size());
  if (missing <= 0) return;
  const int room = want_ + 1 - static_cast<int>(current_.size() + old_.size());
  const int count = old_.empty() ? missing : std::min(missing, room);
  const TimeMs due = next_start();
  if (due > now_) return wake_at(due);
  for (int i = 0; i < count; ++i) add(ActionKind::start, {}, target_);
  // Starting alone is no change that would wake the key again; an init() that hangs must be seen.
  if (count > 0) wake_at(now_ + s_.start_deadline_ms + 1);
}

void Planner::drained(const ReplicaView& r) {
  const TimeMs since = *r.draining_since;
  const bool idle = r.in_flight == 0 && now_ >= since + kDrainLeastMs;
  if (idle || now_ >= since + kDrainMs)
    add(ActionKind::stop, r.status.id);
  else
    wake_at(now_ + kDrainLookMs);
}

void Planner::retire_one(const ReplicaView& r) {
  add(ready(r) ? ActionKind::drain : ActionKind::stop, r.status.id);
  if (ready(r)) wake_at(now_ + kDrainLeastMs);
}

void Planner::retire() {
  for (const auto& r : s_.seen)
    if (live(r) && r.draining_since) drained(r);
  for (const auto* r : gone_) add(ActionKind::stop, r->status.id);
  // Those that do not serve go first, on both sides.
  const auto serving_last = [](const auto* a, const auto* b) {
    return std::pair(ready(*a), a->status.id) < std::pair(ready(*b), b->status.id);
  };
  std::sort(old_.begin(), old_.end(), serving_last);
  std::sort(current_.begin(), current_.end(), serving_last);
  auto keep_old = static_cast<std::size_t>(std::max(0, want_ - ready_count(current_)));
  for (; old_.size() > keep_old; old_.erase(old_.begin())) retire_one(*old_.front());
  for (; static_cast<int>(current_.size()) > want_; current_.erase(current_.begin()))
    retire_one(*current_.front());
  retire_ended();
}

void Planner::retire_ended() {
  const bool stable = std::any_of(current_.begin(), current_.end(), [this](const auto* r) {
    return ready(*r) && now_ >= r->status.changed_ms + kStableMs;
  });
  std::size_t keep = stable ? 0 : kEndedKept;
  for (std::size_t i = 0; i + keep < ended_.size(); ++i)
    add(ActionKind::stop, ended_[i]->status.id);
  if (!stable && !ended_.empty() && ready_count(current_) > 0) wake_at(now_ + kStableMs);
}

void Planner::finish_deleting() {
  if (!s_.seen.empty()) return;
  for (const auto revision : s_.placed) add(ActionKind::remove_bundle, {}, revision);
  add(ActionKind::remove_service);
}

void Planner::condition() {
  auto& o = plan_.observed;
  const bool complete = want_ > 0 && ready_count(current_) >= want_ && old_.empty();
  if (complete) {
    o.serving_revision = target_;
    plan_.succeeded = s_.operation_running;
    o.state = "Healthy";
    if (!gave_up_) o.error.reset();
  } else if (s_.operation_running || (ended_.empty() && !current_.empty())) {
    o.state = o.available_replicas > 0 && !s_.operation_running ? "Healthy" : "Transitioning";
    if (!gave_up_) o.error.reset();
  } else if (target_ != 0) {
    o.state = o.available_replicas > 0 ? "Healthy" : "Unhealthy";
    if (!ended_.empty() && !gave_up_)
      o.error = deployment_failed("CrashLoopBackOff", ended_.back()->status.message);
  }
}

void Planner::finish() {
  auto& o = plan_.observed;
  const auto publish = [this](const auto& list) {
    for (const auto* r : list)
      if (ready(*r)) plan_.published.push_back(r->status.id);
  };
  publish(current_);
  publish(old_);
  o.available_replicas = static_cast<int>(plan_.published.size());
  o.updated_replicas = target_ == s_.revision ? ready_count(current_) : 0;
  if (s_.deleting) return finish_deleting();
  o.desired_replicas = want_;
  condition();
  for (const auto revision : s_.placed) {
    const bool used = revision == target_ || revision == s_.revision ||
                      revision == plan_.observed.serving_revision ||
                      std::any_of(s_.seen.begin(), s_.seen.end(), [revision](const auto& r) {
                        return r.status.revision == revision;
                      });
    if (!used) add(ActionKind::remove_bundle, {}, revision);
  }
}

}  // namespace

Plan plan(const Situation& situation, TimeMs now) { return Planner(situation, now).run(); }

}  // namespace slipway::control
