#pragma once
// Writer: the one thread that changes the database. Writes that wait at the same time share one
// transaction and one sync of the disk (group commit); each has a savepoint of its own in it.
//
// Owner: the Store. Any thread may call; calls block until the group is on disk. Invariant: a write
// is answered with success only after COMMIT returned.
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "store/rows.h"

namespace slipway {
class WorkPool;
}

namespace slipway::store {

class Writer {
 public:
  Writer(std::unique_ptr<Database> database, const Clock& clock, std::string sealing_key);
  ~Writer();

  // Both run on the writer thread.
  Result<void> write(const Work& work);
  Result<void> change(const std::function<Result<void>(Database&)>& work);
  void watch(Watcher watcher);

 private:
  struct Pending;
  using Batch = std::deque<Pending*>;

  Result<void> submit(Pending& pending);
  void drain();
  void commit(const Batch& batch);
  Result<void> run_all(const Batch& batch);
  Result<void> run_one(Pending& pending);
  void notify(const Batch& batch);

  const std::unique_ptr<Database> database_;  // writer thread only
  const Clock& clock_;
  const std::string sealing_key_;
  std::mutex mutex_;
  std::condition_variable finished_;
  Batch waiting_;                   // guarded by mutex_
  std::vector<Watcher> watchers_;   // guarded by mutex_
  std::unique_ptr<WorkPool> pool_;  // last: its thread uses all of the above
};

}  // namespace slipway::store
