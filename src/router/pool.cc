#include "router/pool.h"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>

namespace slipway::router {

namespace {

ReplicaPtr acquire_least_loaded(const std::vector<ReplicaPtr>& replicas, unsigned start,
                                TimeMs now) {
  while (true) {
    const ReplicaPtr* best = nullptr;
    bool best_avoided = false;
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      const auto& candidate = replicas[(start + i) % replicas.size()];
      if (!candidate->has_room()) continue;
      const bool avoided = candidate->avoided(now);
      if (best != nullptr && (avoided || !best_avoided) &&
          (avoided != best_avoided || candidate->in_flight() >= (*best)->in_flight()))
        continue;
      best = &candidate;
      best_avoided = avoided;
    }
    if (best == nullptr) return nullptr;
    if ((*best)->try_acquire()) return *best;
  }
}

}  // namespace

bool Replica::try_acquire() {
  int seen = state_.load();
  const int limit = limit_.load(std::memory_order_relaxed);
  while (seen < limit)
    if (state_.compare_exchange_weak(seen, seen + 1)) return true;
  return false;
}

void Replica::admit(int limit) {
  limit_.store(limit, std::memory_order_relaxed);
  state_.fetch_and(~kRetired);
}

Lease::~Lease() {
  if (replica_) pool_->give_back(*replica_);
}

void Pool::publish(std::vector<ReplicaPtr> replicas) {
  const std::lock_guard lock(mutex_);
  replicas_ = std::move(replicas);
  serve_waiters();
}

bool Pool::empty() const {
  const std::lock_guard lock(mutex_);
  return replicas_.empty();
}

std::optional<Lease> Pool::try_acquire(const std::vector<ReplicaPtr>& replicas, unsigned start) {
  if (waiting_.load() > 0) return std::nullopt;
  auto replica = acquire_least_loaded(replicas, start, clock_.steady_ms());
  if (!replica) return std::nullopt;
  return std::optional<Lease>(std::in_place, shared_from_this(), std::move(replica));
}

// Sequentially consistent with acquire(): it raises waiting_ before it looks for room, we make room
// before we look at waiting_; so one of the two sees the other.
void Pool::give_back(Replica& replica) {
  replica.release();
  if (waiting_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  serve_waiters();
}

void Pool::serve_waiters() {
  while (!waiters_.empty()) {
    auto replica = acquire_least_loaded(replicas_, 0, clock_.steady_ms());
    if (!replica) return;
    WaiterPtr waiter = std::move(waiters_.front());
    waiters_.pop_front();
    waiting_.fetch_sub(1);
    waiter->granted = std::move(replica);
    asio::post(waiter->timer.get_executor(), [waiter] { waiter->timer.cancel(); });
  }
}

// A place in the queue, left when the coroutine ends in whatever way.
class Pool::Place {
 public:
  Place(Pool& pool, WaiterPtr waiter) : pool_(pool), waiter_(std::move(waiter)) {
    const std::lock_guard lock(pool_.mutex_);
    pool_.waiters_.push_back(waiter_);
    pool_.waiting_.fetch_add(1);
    pool_.serve_waiters();
  }
  ~Place() {
    if (auto replica = leave()) pool_.give_back(*replica);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool granted() const {
    const std::lock_guard lock(pool_.mutex_);
    return waiter_->granted != nullptr;
  }
  // What was granted while it waited, or nothing.
  ReplicaPtr leave() {
    const std::lock_guard lock(pool_.mutex_);
    pool_.waiting_.fetch_sub(pool_.waiters_.remove(waiter_));
    return std::move(waiter_->granted);
  }

 private:
  Pool& pool_;
  WaiterPtr waiter_;
};

Task<Result<Lease>> Pool::acquire(std::chrono::milliseconds limit) {
  if (waiting_.load() >= queue_limit_)
    co_return fail(ErrorCode::exhausted, "the queue for a replica is full");
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  Place place(*this, waiter);
  if (!place.granted()) {
    waiter->timer.expires_after(limit);
    co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  auto replica = place.leave();
  if (!replica) co_return fail(ErrorCode::deadline, "no replica became free in time");
  co_return Lease(shared_from_this(), std::move(replica));
}

}  // namespace slipway::router
