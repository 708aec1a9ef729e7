#include "store/store.h"

#include <fmt/core.h>

#include <mutex>

#include "store/data_directory.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/writer.h"

namespace slipway::store {
namespace {

constexpr std::size_t kIdleReaders = 16;  // connections kept open between reads

// Sealed in every database, so that a wrong key file is seen at start and not at the first secret.
const Key kKeyCheck{"store", "", "key"};
constexpr std::string_view kKeyCheckText = "slipway";

// Reader connections. Any thread; a connection is lent to one call at a time.
class Readers {
 public:
  explicit Readers(std::filesystem::path file) : file_(std::move(file)) {}

  template <class Read>
  auto use(Read read) -> decltype(read(std::declval<Database&>())) {
    TRY(auto database, take());
    auto result = read(*database);
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleReaders) idle_.push_back(std::move(database));
    return result;
  }

 private:
  Result<std::unique_ptr<Database>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto database = std::move(idle_.back());
        idle_.pop_back();
        return database;
      }
    }
    return Database::open(file_, Database::Mode::reader);
  }

  const std::filesystem::path file_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;  // guarded by mutex_
};

class SqliteStore final : public Store {
 public:
  SqliteStore(DataDirectory directory, std::unique_ptr<Database> database, const Clock& clock)
      : directory_(std::move(directory)),
        writer_(std::move(database), clock, directory_.key()),
        readers_(directory_.database()) {}

  Result<void> write(Work work) override { return writer_.write(work); }
  void watch(Watcher watcher) override { writer_.watch(std::move(watcher)); }

  Result<std::optional<Record>> get(const Key& key) override {
    return readers_.use([&](Database& database) { return read_record(database, key); });
  }
  Result<std::vector<Record>> list(std::string_view kind, const ListOptions& options) override {
    return readers_.use([&](Database& database) { return read_records(database, kind, options); });
  }
  Result<std::size_t> count(std::string_view kind, std::string_view scope) override {
    return readers_.use([&](Database& database) { return count_records(database, kind, scope); });
  }
  Result<std::optional<std::string>> get_secret(const Key& key, std::string_view name) override {
    return readers_.use(
        [&](Database& database) { return read_secret(database, directory_.key(), key, name); });
  }
  Result<void> append_log(const std::string& operation_id, std::string_view text) override {
    return writer_.change(
        [&](Database& database) { return append_to_log(database, operation_id, text); });
  }
  Result<std::string> read_log(const std::string& operation_id, std::size_t offset) override {
    return readers_.use(
        [&](Database& database) { return read_from_log(database, operation_id, offset); });
  }

  Result<void> check_key() {
    auto stored = get_secret(kKeyCheck, "check");
    if (!stored)
      return fail(
          ErrorCode::precondition_failed,
          fmt::format("the secrets in {} were sealed with another key than {}; restore that "
                      "key file from a backup",
                      directory_.database().string(),
                      (directory_.folder() / "slipway.key").string()));
    if (*stored) return {};
    return write([](Transaction& transaction) {
      return transaction.put_secret(kKeyCheck, "check", kKeyCheckText);
    });
  }

 private:
  // The lock of the directory goes last, the readers first: the writer's closing empties the log.
  const DataDirectory directory_;
  Writer writer_;
  Readers readers_;
};

}  // namespace

std::string Record::etag() const { return fmt::format("\"{}\"", generation); }

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
  TRY(auto directory, DataDirectory::claim(options.directory));
  TRY(auto database, Database::open(directory.database(), Database::Mode::writer));
  TRY_VOID(migrate(*database, directory.folder().string()));
  const Clock& clock = options.clock == nullptr ? system_clock() : *options.clock;
  auto store = std::make_unique<SqliteStore>(std::move(directory), std::move(database), clock);
  TRY_VOID(store->check_key());
  return Result<std::unique_ptr<Store>>(std::move(store));
}

}  // namespace slipway::store
