#pragma once
// store: the only room that knows SQL. Desired and observed state of every resource, operations and
// their logs, sealed secrets, and a watch that wakes reconcilers.
//
// Owner: the daemon, one Store per data directory (a second daemon is refused by a lock that names
// the first). Any thread. Reads take a reader connection of their own and see the last commit;
// writes run on one writer thread that commits in groups, and return when their group is on disk.
// So a write that returned success survives `kill -9`; a full disk is `exhausted` and changes
// nothing.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace slipway::store {

// Kinds are lower-case nouns: workspace, model, environment, compute, service, operation, asset,
// artifact, cluster. `scope` is a workspace's uid, or empty for workspaces and the server itself.
struct Key {
  std::string kind;
  std::string scope;
  std::string name;
  auto operator<=>(const Key&) const = default;
};

// One resource. `generation` counts accepted changes of desired; `observed_generation` is the one
// that `observed` speaks of.
struct Record {
  Key key;
  std::int64_t sequence = 0;  // order of creation; newest is highest
  std::int64_t generation = 1;
  std::int64_t observed_generation = 0;
  json::value desired;
  json::value observed;  // null until something was observed
  TimeMs created_ms = 0;
  TimeMs updated_ms = 0;     // of desired
  std::string etag() const;  // of desired: the generation, quoted
};

struct ListOptions {
  std::string scope = {};            // empty: every scope
  std::string name_prefix = {};      // empty: all
  std::size_t limit = 0;             // 0: no limit
  std::int64_t before_sequence = 0;  // paging, newest first: only records below it; 0: from the top
};

// Runs inside one transaction on the writer thread. What it reads includes its own writes.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual Result<std::optional<Record>> get(const Key& key) = 0;
  virtual Result<std::vector<Record>> list(std::string_view kind, const ListOptions& options) = 0;
  // conflict when it exists.
  virtual Result<Record> create(const Key& key, json::value desired) = 0;
  // Replaces desired, generation + 1. not_found; precondition_failed when `expected_generation` is
  // given and is not the present one.
  virtual Result<Record> update(const Key& key, json::value desired,
                                std::optional<std::int64_t> expected_generation = {}) = 0;
  // Replaces observed; the generation of desired stays.
  virtual Result<void> observe(const Key& key, json::value observed,
                               std::int64_t of_generation) = 0;
  // With its secrets. not_found.
  virtual Result<void> remove(const Key& key) = 0;
  // The next number of a named counter, from 1: model versions, environment versions.
  virtual Result<std::int64_t> next(std::string_view counter) = 0;
  // Sealed at rest; bound to its key. `name` e.g. "primary_key".
  virtual Result<void> put_secret(const Key& key, std::string_view name,
                                  std::string_view value) = 0;
  virtual Result<std::optional<std::string>> get_secret(const Key& key, std::string_view name) = 0;
};

using Work = std::function<Result<void>(Transaction&)>;
// Called on the writer thread after a commit, once per changed (or removed) key, before the writes
// of that commit return; must return at once and must not write.
using Watcher = std::function<void(const Key&)>;

struct Options {
  std::filesystem::path directory;  // holds slipway.db, slipway.key (0600), slipway.lock
  const Clock* clock = nullptr;     // system_clock() when null
};

class Store {
 public:
  // forbidden: no permission. conflict: another daemon (its pid is named). precondition_failed: the
  // database is of a newer version of Slipway.
  static Result<std::unique_ptr<Store>> open(const Options& options);
  virtual ~Store() = default;

  // All of `work` or nothing. An error returned by `work` rolls back its own changes only. Blocks
  // until the change is on disk; `work` must not call the store itself.
  virtual Result<void> write(Work work) = 0;

  virtual Result<std::optional<Record>> get(const Key& key) = 0;
  // Newest first.
  virtual Result<std::vector<Record>> list(std::string_view kind, const ListOptions& options) = 0;
  // An empty scope counts every scope.
  virtual Result<std::size_t> count(std::string_view kind, std::string_view scope) = 0;
  virtual Result<std::optional<std::string>> get_secret(const Key& key, std::string_view name) = 0;

  // Every change from now on. Watchers live as long as the store.
  virtual void watch(Watcher watcher) = 0;

  // Text appended to an operation's log, and the text after `offset` bytes. On disk when it
  // returns, so append in pieces, not in lines; at most 1 MiB per operation is kept (the head and a
  // note of the cut). The log goes with the record of kind "operation" and that name.
  virtual Result<void> append_log(const std::string& operation_id, std::string_view text) = 0;
  virtual Result<std::string> read_log(const std::string& operation_id, std::size_t offset) = 0;
};

}  // namespace slipway::store
