#include "base/executor.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/log.h"

namespace slipway {
namespace {

// The kernel keeps 15 characters of a thread's name.
void name_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

Core::Core(std::string name)
    : thread_([this, name = std::move(name)] {
        name_thread(name);
        context_.run();
      }) {}

Core::~Core() {
  stop();
  thread_.join();
}

void Core::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

void Core::stop() { context_.stop(); }

Cores make_cores(std::size_t count, const std::string& name) {
  Cores cores;
  for (std::size_t i = 0; i < count; ++i)
    cores.push_back(std::make_unique<Core>(name + "-" + std::to_string(i)));
  return cores;
}

struct WorkPool::Impl {
  std::string name;
  std::size_t limit;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;  // guarded by mutex
  bool stopping = false;                    // guarded by mutex
  std::vector<std::thread> threads;

  void run() {
    name_thread(name);
    for (;;) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      auto work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
    }
  }
};

WorkPool::WorkPool(std::string name, std::size_t threads, std::size_t queue_limit)
    : impl_(std::make_unique<Impl>()) {
  impl_->name = std::move(name);
  impl_->limit = queue_limit;
  for (std::size_t i = 0; i < threads; ++i) impl_->threads.emplace_back([this] { impl_->run(); });
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

bool WorkPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->queue.size() >= impl_->limit) return false;
    impl_->queue.push_back(std::move(work));
  }
  impl_->wake.notify_one();
  return true;
}

std::size_t WorkPool::queued() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->queue.size();
}

}  // namespace slipway
