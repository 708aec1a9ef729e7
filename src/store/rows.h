#pragma once
// Reading and changing rows on one connection: what readers and the writer's transactions share,
// and the Transaction that runs in the writer.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/store.h"

namespace slipway::store {

Result<std::optional<Record>> read_record(Database& database, const Key& key);
Result<std::vector<Record>> read_records(Database& database, std::string_view kind,
                                         const ListOptions& options);
Result<std::size_t> count_records(Database& database, std::string_view kind,
                                  std::string_view scope);
Result<std::optional<std::string>> read_secret(Database& database, const std::string& sealing_key,
                                               const Key& key, std::string_view name);
Result<void> append_to_log(Database& database, const std::string& operation, std::string_view text);
Result<std::string> read_from_log(Database& database, const std::string& operation,
                                  std::size_t offset);

// Lives on the writer thread, inside a savepoint. `changed` grows with each resource it touches.
class RowTransaction final : public Transaction {
 public:
  RowTransaction(Database& database, const Clock& clock, const std::string& sealing_key)
      : database_(database), clock_(clock), sealing_key_(sealing_key) {}

  Result<std::optional<Record>> get(const Key& key) override;
  Result<std::vector<Record>> list(std::string_view kind, const ListOptions& options) override;
  Result<Record> create(const Key& key, json::value desired) override;
  Result<Record> update(const Key& key, json::value desired,
                        std::optional<std::int64_t> expected_generation) override;
  Result<void> observe(const Key& key, json::value observed, std::int64_t of_generation) override;
  Result<void> remove(const Key& key) override;
  Result<std::int64_t> next(std::string_view counter) override;
  Result<void> put_secret(const Key& key, std::string_view name, std::string_view value) override;
  Result<std::optional<std::string>> get_secret(const Key& key, std::string_view name) override;

  const std::set<Key>& changed() const { return changed_; }

 private:
  Database& database_;
  const Clock& clock_;
  const std::string& sealing_key_;
  std::set<Key> changed_;
};

}  // namespace slipway::store
