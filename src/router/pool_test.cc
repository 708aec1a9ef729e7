#include "router/pool.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include <thread>

namespace slipway::router {
namespace {

using std::chrono::milliseconds;

ReplicaPtr a_replica(const std::string& id, int limit) {
  auto replica = std::make_shared<Replica>(id, http::Address{});
  replica->admit(limit);
  return replica;
}

// Runs coroutines on this thread; what they end with is kept in the order in which they end.
class PoolTest : public ::testing::Test {
 protected:
  void acquire(const std::string& name, milliseconds limit) {
    asio::co_spawn(context_, wait(name, limit), [](std::exception_ptr) {});
    context_.restart();
    context_.poll();
  }
  Task<void> wait(std::string name, milliseconds limit) {
    auto lease = co_await pool_->acquire(limit);
    order_.push_back(name + (lease ? ":" + lease->replica()->id() : ":none"));
    codes_.push_back(lease ? ErrorCode::internal : lease.error().code);
    if (lease) leases_.push_back(std::move(*lease));
  }
  void run_ready() {
    context_.restart();
    context_.poll();
  }

  FakeClock clock_;
  std::shared_ptr<Pool> pool_ = std::make_shared<Pool>(clock_, 2);
  std::vector<std::string> order_;
  std::vector<ErrorCode> codes_;
  std::list<Lease> leases_;
  asio::io_context context_;  // ends first: coroutines that still wait leave the pool
};

TEST_F(PoolTest, TakesTheReplicaWithFewestInFlight) {
  const std::vector<ReplicaPtr> replicas = {a_replica("a", 3), a_replica("b", 3)};
  pool_->publish(replicas);
  std::vector<std::string> taken;
  std::list<Lease> leases;
  for (int i = 0; i < 6; ++i) {
    leases.push_back(std::move(*pool_->try_acquire(replicas, 0)));
    taken.push_back(leases.back().replica()->id());
  }
  EXPECT_EQ(taken, (std::vector<std::string>{"a", "b", "a", "b", "a", "b"}));
  EXPECT_FALSE(pool_->try_acquire(replicas, 0));
  leases.clear();
  EXPECT_EQ(replicas[0]->in_flight() + replicas[1]->in_flight(), 0);
}

TEST_F(PoolTest, PrefersOthersToAReplicaThatCouldNotBeReached) {
  const std::vector<ReplicaPtr> replicas = {a_replica("a", 2), a_replica("b", 2)};
  pool_->publish(replicas);
  replicas[0]->avoid_until(clock_.steady_ms() + 1'000);
  auto first = pool_->try_acquire(replicas, 0);
  auto second = pool_->try_acquire(replicas, 0);
  EXPECT_EQ(first->replica()->id(), "b");
  EXPECT_EQ(second->replica()->id(), "b");
  EXPECT_EQ(pool_->try_acquire(replicas, 0)->replica()->id(), "a") << "better than none";
  second.reset();
  first.reset();
  clock_.advance(1'000);
  EXPECT_EQ(pool_->try_acquire(replicas, 0)->replica()->id(), "a");
}

TEST_F(PoolTest, ServesWaitersInOrderAndLetsNobodyPass) {
  const std::vector<ReplicaPtr> replicas = {a_replica("a", 1)};
  pool_->publish(replicas);
  auto held = pool_->try_acquire(replicas, 0);
  acquire("first", milliseconds(60'000));
  acquire("second", milliseconds(60'000));
  EXPECT_TRUE(order_.empty());
  EXPECT_FALSE(pool_->try_acquire(replicas, 0));
  held.reset();
  run_ready();
  EXPECT_EQ(order_, (std::vector<std::string>{"first:a"}));
  EXPECT_FALSE(pool_->try_acquire(replicas, 0)) << "the second comes first";
  leases_.clear();
  run_ready();
  EXPECT_EQ(order_.back(), "second:a");
}

TEST_F(PoolTest, AFullQueueRefusesAtOnceAndALongWaitEnds) {
  pool_->publish({});
  acquire("first", milliseconds(1));
  acquire("second", milliseconds(60'000));
  acquire("third", milliseconds(60'000));
  EXPECT_EQ(order_, (std::vector<std::string>{"third:none"}));
  EXPECT_EQ(codes_.back(), ErrorCode::exhausted);
  context_.restart();
  context_.run_one_for(std::chrono::seconds(10));
  run_ready();
  EXPECT_EQ(order_.back(), "first:none");
  EXPECT_EQ(codes_.back(), ErrorCode::deadline);
}

TEST_F(PoolTest, ANewTableServesThoseWhoWait) {
  const auto old = a_replica("old", 1);
  pool_->publish({old});
  auto held = pool_->try_acquire({old}, 0);
  acquire("waiting", milliseconds(60'000));
  old->retire();
  pool_->publish({a_replica("new", 1)});
  run_ready();
  EXPECT_EQ(order_, (std::vector<std::string>{"waiting:new"}));
  EXPECT_EQ(old->in_flight(), 1) << "it ends where it is";
}

TEST_F(PoolTest, NoRequestBeginsAtARetiredReplica) {
  const auto replica = a_replica("a", 1);
  pool_->publish({replica});
  replica->retire();
  EXPECT_FALSE(pool_->try_acquire({replica}, 0));
  replica->admit(1);
  EXPECT_TRUE(pool_->try_acquire({replica}, 0));
}

// Four Cores, three slots: whoever runs holds a slot, nobody waits for ever, none is lost.
TEST(PoolThreads, NeverAboveTheLimitAndEveryoneIsServed) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2'000;
  const auto pool = std::make_shared<Pool>(system_clock(), 100);
  const std::vector<ReplicaPtr> replicas = {a_replica("a", 1), a_replica("b", 2)};
  pool->publish(replicas);
  std::atomic<int> running{0};
  std::atomic<int> worst{0};
  std::atomic<int> served{0};
  const auto client = [&]() -> Task<void> {
    for (int i = 0; i < kRounds; ++i) {
      std::optional<Lease> lease = pool->try_acquire(replicas, static_cast<unsigned>(i));
      if (!lease) {
        auto waited = co_await pool->acquire(milliseconds(60'000));
        if (!waited) co_return;
        lease.emplace(std::move(*waited));
      }
      const int now = ++running;
      int seen = worst;
      while (now > seen && !worst.compare_exchange_weak(seen, now)) {
      }
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
      --running;
      ++served;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      asio::io_context context;
      for (int i = 0; i < 3; ++i) asio::co_spawn(context, client(), [](std::exception_ptr) {});
      context.run();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, kThreads * 3 * kRounds);
  EXPECT_LE(worst, 3);
  EXPECT_EQ(replicas[0]->in_flight() + replicas[1]->in_flight(), 0);
}

}  // namespace
}  // namespace slipway::router
