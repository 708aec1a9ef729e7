#include "store/writer.h"

#include <fmt/core.h>

#include <utility>

#include "base/executor.h"

namespace slipway::store {
namespace {

constexpr std::size_t kWaitingLimit = 4'096;  // writes; each has a blocked thread of its own

// The database that the present thread is the writer of; a write from within a write would wait for
// itself.
thread_local const Writer* g_writing = nullptr;

}  // namespace

// One caller's write, on the caller's stack while the caller waits.
struct Writer::Pending {
  std::function<Result<void>(Pending&)> run;
  Result<void> result = {};
  std::set<Key> changed = {};
  bool finished = false;  // guarded by mutex_
};

Writer::Writer(std::unique_ptr<Database> database, const Clock& clock, std::string sealing_key)
    : database_(std::move(database)),
      clock_(clock),
      sealing_key_(std::move(sealing_key)),
      pool_(std::make_unique<WorkPool>("store-writer", 1, kWaitingLimit)) {}

Writer::~Writer() = default;

void Writer::watch(Watcher watcher) {
  const std::lock_guard lock(mutex_);
  watchers_.push_back(std::move(watcher));
}

Result<void> Writer::write(const Work& work) {
  Pending pending{.run = [&](Pending& self) {
    RowTransaction transaction(*database_, clock_, sealing_key_);
    auto result = work(transaction);
    self.changed = transaction.changed();
    return result;
  }};
  return submit(pending);
}

Result<void> Writer::change(const std::function<Result<void>(Database&)>& work) {
  Pending pending{.run = [&](Pending&) { return work(*database_); }};
  return submit(pending);
}

Result<void> Writer::submit(Pending& pending) {
  CHECK(g_writing != this, "a write inside a write or a watcher of the same store");
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= kWaitingLimit)
    return fail(ErrorCode::unavailable, "too many writes wait for the disk; try again in a moment");
  waiting_.push_back(&pending);
  if (waiting_.size() == 1) CHECK(pool_->submit([this] { drain(); }), "the writer takes one job");
  finished_.wait(lock, [&] { return pending.finished; });
  return std::move(pending.result);
}

void Writer::drain() {
  Batch batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(waiting_);
  }
  g_writing = this;
  commit(batch);
  notify(batch);
  g_writing = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (auto* pending : batch) pending->finished = true;
  }
  finished_.notify_all();
}

void Writer::commit(const Batch& batch) {
  auto committed = run_all(batch);
  if (committed) return;
  if (database_->in_transaction()) static_cast<void>(database_->run("ROLLBACK"));
  for (auto* pending : batch)
    if (pending->result) pending->result = committed.error();
}

Result<void> Writer::run_all(const Batch& batch) {
  TRY_VOID(database_->run("BEGIN IMMEDIATE"));
  for (auto* pending : batch) TRY_VOID(run_one(*pending));
  TRY_VOID(database_->run("COMMIT"));
  return {};
}

// An error that this returns ends the whole group; the write's own error stays in `pending`.
Result<void> Writer::run_one(Pending& pending) {
  TRY_VOID(database_->run("SAVEPOINT work"));
  pending.result = pending.run(pending);
  if (!database_->in_transaction()) return pending.result ? database_->error() : pending.result;
  if (!pending.result) TRY_VOID(database_->run("ROLLBACK TO work"));
  TRY_VOID(database_->run("RELEASE work"));
  return {};
}

void Writer::notify(const Batch& batch) {
  std::set<Key> changed;
  for (const auto* pending : batch)
    if (pending->result) changed.insert(pending->changed.begin(), pending->changed.end());
  if (changed.empty()) return;
  std::vector<Watcher> watchers;
  {
    const std::lock_guard lock(mutex_);
    watchers = watchers_;
  }
  for (const auto& watcher : watchers)
    for (const auto& key : changed) watcher(key);
}

}  // namespace slipway::store
