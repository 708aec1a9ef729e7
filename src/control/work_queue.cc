#include "control/work_queue.h"

#include <algorithm>
#include <chrono>

namespace slipway::control {

void WorkQueue::queue(const store::Key& key) {
  due_.erase(key);
  if (held_.contains(key)) {
    again_.insert(key);
  } else if (queued_.insert(key).second) {
    ready_.push_back(key);
    changed_.notify_one();
  }
}

void WorkQueue::add(const store::Key& key) {
  const std::lock_guard lock(mutex_);
  queue(key);
}

void WorkQueue::add_at(const store::Key& key, TimeMs due) {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = due_.emplace(key, due);
  if (!fresh) at->second = std::min(at->second, due);
  changed_.notify_one();
}

void WorkQueue::queue_due() {
  const TimeMs now = clock_.now_ms();
  std::vector<store::Key> keys;
  for (const auto& [key, due] : due_)
    if (due <= now) keys.push_back(key);
  for (const auto& key : keys) queue(key);
}

std::optional<store::Key> WorkQueue::pop() {
  queue_due();
  if (ready_.empty()) return {};
  store::Key key = std::move(ready_.front());
  ready_.pop_front();
  queued_.erase(key);
  held_.insert(key);
  return key;
}

std::optional<store::Key> WorkQueue::try_take() {
  const std::lock_guard lock(mutex_);
  return pop();
}

std::optional<store::Key> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (auto key = pop()) return key;
    if (due_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto first = std::min_element(
        due_.begin(), due_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    changed_.wait_for(
        lock, std::chrono::milliseconds(std::max<TimeMs>(1, first->second - clock_.now_ms())));
  }
  return {};
}

void WorkQueue::done(const store::Key& key) {
  const std::lock_guard lock(mutex_);
  held_.erase(key);
  if (again_.erase(key) > 0) queue(key);
}

void WorkQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace slipway::control
