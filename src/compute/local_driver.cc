#include "compute/local_driver.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/log.h"

namespace slipway::compute {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kStartingWindowMs = 10'000;  // a start that takes longer no longer counts
constexpr std::int64_t kShutdownGraceMs = 3'000;
constexpr int kDyingPollMs = 10;
constexpr int kEvents = 64;

// Starting is CPU work; more at once than this only makes each slower.
std::size_t starts_at_once() { return std::max(4U, 2 * std::thread::hardware_concurrency()); }

bool of_service(const ReplicaStatus& status, const std::string& workspace,
                const std::string& service) {
  return status.service == service && status.workspace == workspace;
}

}  // namespace

LocalDriver::LocalDriver(LocalDriverOptions options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock()),
      instance_(sha256_hex(options_.directory.string()).substr(0, 12)),
      limits_(Limits::detect(instance_)) {}

Result<void> LocalDriver::open() {
  TRY_VOID(make_directories(ended_folder()));
  sweep();
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_.valid() || !wake_.valid()) return errno_error("cannot watch replicas");
  watch(wake_.get(), 0, Source::wake);
  thread_ = std::thread([this] { run(); });
  return {};
}

LocalDriver::~LocalDriver() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
  limits_.remove({});  // the group of this instance itself, empty now
}

Result<void> LocalDriver::start(const ReplicaSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (serials_.contains(spec.id)) return {};
  auto replica = std::make_shared<Replica>();
  replica->spec = spec;
  replica->folder = options_.directory / spec.id;
  auto& status = replica->status;
  status.id = spec.id;
  status.workspace = spec.workspace;
  status.service = spec.service;
  status.revision = spec.revision;
  status.limits = limits_.kind();
  status.changed_ms = clock_.now_ms();
  const std::uint64_t serial = next_serial_++;
  replicas_.emplace(serial, std::move(replica));
  serials_.emplace(spec.id, serial);
  waiting_.push_back(serial);
  wake();
  return {};
}

Result<void> LocalDriver::stop(const std::string& id, std::chrono::milliseconds grace) {
  const std::lock_guard lock(mutex_);
  const auto found = serials_.find(id);
  if (found == serials_.end()) return {};
  Replica& replica = *replicas_.at(found->second);
  if (replica.forget) return {};
  replica.forget = true;
  replica.kill_at_ms = clock_.steady_ms() + std::max<std::int64_t>(grace.count(), 1);
  if (replica.running)
    signal_group(replica, SIGTERM);
  else
    stopped_.push_back(found->second);
  wake();
  return {};
}

std::vector<ReplicaStatus> LocalDriver::observe() {
  const std::lock_guard lock(mutex_);
  std::vector<ReplicaStatus> out;
  out.reserve(replicas_.size());
  for (const auto& [serial, replica] : replicas_) out.push_back(replica->status);
  return out;
}

std::vector<ReplicaStatus> LocalDriver::observe(const std::string& workspace,
                                                const std::string& service) {
  const std::lock_guard lock(mutex_);
  std::vector<ReplicaStatus> out;
  for (const auto& [serial, replica] : replicas_)
    if (of_service(replica->status, workspace, service)) out.push_back(replica->status);
  return out;
}

void LocalDriver::on_change(std::function<void(const std::string&, const std::string&)> changed) {
  const std::lock_guard lock(mutex_);
  on_change_ = std::move(changed);
}

void LocalDriver::changed(const Replica& replica) {
  if (on_change_) on_change_(replica.spec.workspace, replica.spec.service);
}

void LocalDriver::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
}

void LocalDriver::watch(int fd, std::uint64_t serial, Source source) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = serial << 2 | static_cast<std::uint64_t>(source);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

LocalDriver::ReplicaPtr LocalDriver::by_serial(std::uint64_t serial) {
  const auto found = replicas_.find(serial);
  return found == replicas_.end() ? nullptr : found->second;
}

void LocalDriver::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    handle_commands();
    if (stopping_ && replicas_.empty() && dying_groups_.empty()) return;
    const int timeout = overdue();
    lock.unlock();
    epoll_event events[kEvents];
    const int n = ::epoll_wait(epoll_.get(), events, kEvents, timeout);
    lock.lock();
    if (stopping_) shut_down();
    for (int i = 0; i < n; ++i)
      handle(events[i].data.u64 >> 2, static_cast<Source>(events[i].data.u64 & 3));
  }
}

void LocalDriver::shut_down() {
  for (const auto& [serial, replica] : replicas_) {
    if (replica->forget) continue;
    replica->forget = true;
    replica->kill_at_ms = clock_.steady_ms() + kShutdownGraceMs;
    if (replica->running)
      signal_group(*replica, SIGTERM);
    else
      stopped_.push_back(serial);
  }
}

void LocalDriver::handle_commands() {
  for (; !stopped_.empty(); stopped_.pop_front())
    if (const auto replica = by_serial(stopped_.front()); replica)
      forget(stopped_.front(), *replica);
  while (!waiting_.empty() && may_launch()) {
    const std::uint64_t serial = waiting_.front();
    waiting_.pop_front();
    if (const auto replica = by_serial(serial); replica && !replica->forget)
      launch(serial, *replica);
  }
  std::erase_if(dying_groups_, [this](const std::string& id) {
    limits_.kill(id);
    return limits_.remove(id);
  });
}

bool LocalDriver::may_launch() const {
  const std::int64_t since = clock_.steady_ms() - kStartingWindowMs;
  const auto starting = [since](const auto& entry) {
    return entry.second->running && entry.second->status.state == ReplicaState::starting &&
           entry.second->launched_at_ms > since;
  };
  return static_cast<std::size_t>(std::count_if(replicas_.begin(), replicas_.end(), starting)) <
         starts_at_once();
}

int LocalDriver::overdue() {
  const std::int64_t now = clock_.steady_ms();
  std::int64_t next = waiting_.empty() ? INT32_MAX : kStartingWindowMs / 10;
  if (!dying_groups_.empty()) next = kDyingPollMs;
  for (const auto& [serial, replica] : replicas_) {
    if (!replica->running || replica->kill_at_ms == 0) continue;
    if (replica->kill_at_ms <= now) {
      signal_group(*replica, SIGKILL);
      limits_.kill(replica->spec.id);
      replica->kill_at_ms = now + kStartingWindowMs;  // again, should it not have taken
    }
    next = std::min(next, replica->kill_at_ms - now);
  }
  return next == INT32_MAX ? -1 : static_cast<int>(next);
}

void LocalDriver::handle(std::uint64_t serial, Source source) {
  if (source == Source::wake) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
    return;
  }
  const auto replica = by_serial(serial);
  if (!replica) return;
  if (source == Source::ready) read_ready(*replica);
  if (source == Source::output) read_output(*replica);
  if (source == Source::exit) reap(serial, *replica);
}

Result<std::unique_ptr<Driver>> make_local_driver(const LocalDriverOptions& options) {
  auto driver = std::make_unique<LocalDriver>(options);
  TRY_VOID(driver->open());
  return std::unique_ptr<Driver>(std::move(driver));
}

}  // namespace slipway::compute
