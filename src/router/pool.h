#pragma once
// Admission: which replica takes a request, and who waits for one.
#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "http/http.h"

namespace slipway::router {

// One replica as the router knows it. Any thread: its count is one atomic, so that no request
// takes a lock when a replica is free. Invariant: never more requests than its limit; none begins
// after retire(), which the caller of retire() may rely on at once.
class Replica {
 public:
  Replica(std::string id, http::Address address)
      : id_(std::move(id)), address_(std::move(address)) {}
  const std::string& id() const { return id_; }
  const http::Address& address() const { return address_; }
  bool try_acquire();
  void release() { state_.fetch_sub(1); }
  int in_flight() const { return state_.load() & ~kRetired; }
  bool has_room() const { return state_.load() < limit_.load(std::memory_order_relaxed); }

  void admit(int limit);  // published: takes up to `limit` requests at a time
  void retire() { state_.fetch_or(kRetired); }
  bool retired() const { return (state_.load() & kRetired) != 0; }

  // Could not be reached: others are preferred until then, so that a dead replica, which answers
  // fastest of all, does not draw every request.
  void avoid_until(TimeMs steady) { avoid_until_.store(steady, std::memory_order_relaxed); }
  bool avoided(TimeMs steady) const {
    return steady < avoid_until_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr int kRetired = 1 << 30;
  const std::string id_;
  const http::Address address_;
  std::atomic<int> state_{kRetired};  // requests in flight, and the retired bit above them
  std::atomic<int> limit_{0};
  std::atomic<TimeMs> avoid_until_{0};
};
using ReplicaPtr = std::shared_ptr<Replica>;

class Pool;

// The right to have one request at a replica; given back when it is destroyed.
class Lease {
 public:
  Lease(std::shared_ptr<Pool> pool, ReplicaPtr replica)
      : pool_(std::move(pool)), replica_(std::move(replica)) {}
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease();
  const ReplicaPtr& replica() const { return replica_; }

 private:
  std::shared_ptr<Pool> pool_;
  ReplicaPtr replica_;
};

// The ready replicas of one version and the requests that wait for one, first come first served.
// Any thread; lives on across route tables, so that who waits is served by the next table's
// replicas. A request that waits stays on its Core: whoever frees a replica posts to it.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(const Clock& clock, std::size_t queue_limit) : clock_(clock), queue_limit_(queue_limit) {}

  void publish(std::vector<ReplicaPtr> replicas);  // wakes those it can serve
  // The one with the fewest in flight among `replicas`, looking from `start` on; none when all are
  // busy or others wait already.
  std::optional<Lease> try_acquire(const std::vector<ReplicaPtr>& replicas, unsigned start);
  // Waits at most `limit`: deadline after it, exhausted at once when the queue is full.
  Task<Result<Lease>> acquire(std::chrono::milliseconds limit);
  void give_back(Replica& replica);
  bool empty() const;  // no replica in the newest table

 private:
  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    ReplicaPtr granted;
  };
  using WaiterPtr = std::shared_ptr<Waiter>;
  class Place;

  void serve_waiters();  // with mutex_ held

  const Clock& clock_;
  const std::size_t queue_limit_;
  std::atomic<std::size_t> waiting_{0};
  mutable std::mutex mutex_;
  std::vector<ReplicaPtr> replicas_;  // of the newest table
  std::list<WaiterPtr> waiters_;
};

}  // namespace slipway::router
