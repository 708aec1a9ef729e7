#pragma once
// WorkQueue: keys to look at, each once and by one worker at a time, now or at a later time.
//
// Owner: Control. Any thread. A key added while a worker holds it is taken again after done().
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/clock.h"
#include "store/store.h"

namespace slipway::control {

class WorkQueue {
 public:
  explicit WorkQueue(const Clock& clock) : clock_(clock) {}
  void add(const store::Key& key);
  // The earliest of several times wins. Wall time, as in plans.
  void add_at(const store::Key& key, TimeMs due);
  // Blocks until a key is due; nothing once stopped. To be followed by done().
  std::optional<store::Key> take();
  // The same without waiting.
  std::optional<store::Key> try_take();
  void done(const store::Key& key);
  void stop();

 private:
  void queue(const store::Key& key);
  void queue_due();
  std::optional<store::Key> pop();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::deque<store::Key> ready_;
  std::set<store::Key> queued_;  // those in ready_
  std::set<store::Key> held_;    // those at a worker
  std::set<store::Key> again_;   // added while held
  std::map<store::Key, TimeMs> due_;
};

}  // namespace slipway::control
