#pragma once
// Threads. Core: one thread and one io_context, on which nothing may block. WorkPool: named threads
// behind a bounded queue, where blocking work (SQLite, files, processes) goes.
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace slipway {

namespace asio = boost::asio;
template <class T>
using Task = asio::awaitable<T>;

// One thread running one io_context. What lives on a Core is touched by its thread only.
class Core {
 public:
  explicit Core(std::string name);
  ~Core();  // stops and joins
  Core(const Core&) = delete;
  asio::io_context& context() { return context_; }
  void post(std::function<void()> work);
  void stop();  // returns at once; pending handlers are dropped; the destructor joins

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  std::thread thread_;
};

using Cores = std::vector<std::unique_ptr<Core>>;
Cores make_cores(std::size_t count, const std::string& name);

// `threads` threads that take work from one queue of at most `queue_limit` entries. Any thread.
class WorkPool {
 public:
  WorkPool(std::string name, std::size_t threads, std::size_t queue_limit);
  ~WorkPool();  // runs what is queued, then joins
  WorkPool(const WorkPool&) = delete;
  // False when the queue is full; the work is then not taken.
  [[nodiscard]] bool submit(std::function<void()> work);
  std::size_t queued() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Runs `work` (a callable returning Result<T>) on the pool and resumes on the caller's Core.
// `unavailable` when the pool's queue is full.
template <class Work, class R = std::invoke_result_t<Work>>
Task<R> run_on(WorkPool& pool, Work work) {
  auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(R)>(
      [&pool, executor](auto handler, Work task) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        auto finish = [executor, shared](R result) {
          asio::post(executor, [shared, result = std::move(result)]() mutable {
            std::move (*shared)(std::move(result));
          });
        };
        if (!pool.submit([finish, task = std::move(task)]() mutable { finish(task()); }))
          finish(R(fail(ErrorCode::unavailable, "the server is busy; try again in a moment")));
      },
      asio::use_awaitable, std::move(work));
}

}  // namespace slipway
