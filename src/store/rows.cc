#include "store/rows.h"

#include <fmt/core.h>

#include <limits>

#include "base/crypto.h"

namespace slipway::store {
namespace {

#define SLIPWAY_RECORD_COLUMNS                                                        \
  "kind, scope, name, sequence, generation, observed_generation, desired, observed, " \
  "created_ms, updated_ms"

// What was stored came through parse_json (64 levels) and gained a few of our own around it.
constexpr std::size_t kStoredJsonMaxDepth = 128;

Result<json::value> parse_stored(const std::string& text) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = kStoredJsonMaxDepth;
  auto value = json::parse(text, ec, {}, options);
  if (ec) return fail(ErrorCode::internal, "a stored record is not JSON: " + ec.message());
  return value;
}

Result<Record> record_at(const Query& row) {
  Record record;
  record.key = {row.text(0), row.text(1), row.text(2)};
  record.sequence = row.integer(3);
  record.generation = row.integer(4);
  record.observed_generation = row.integer(5);
  record.created_ms = row.integer(8);
  record.updated_ms = row.integer(9);
  TRY(record.desired, parse_stored(row.text(6)));
  TRY(record.observed, parse_stored(row.text(7)));
  return record;
}

// An index is named for each shape, because without statistics SQLite may sort instead.
std::string list_sql(const ListOptions& options) {
  const bool scoped = !options.scope.empty();
  const bool prefixed = !options.name_prefix.empty();
  std::string sql = "SELECT " SLIPWAY_RECORD_COLUMNS " FROM resource INDEXED BY ";
  sql += scoped ? prefixed ? "resource_by_name" : "resource_by_scope" : "resource_by_age";
  sql += " WHERE kind = ?1 AND sequence < ?2";
  if (scoped) sql += " AND scope = ?4";
  // Every text that starts with the prefix lies between it and it with the last code point added.
  if (prefixed) sql += " AND name >= ?5 AND name < ?5 || char(1114111)";
  return sql + " ORDER BY sequence DESC LIMIT ?3";
}

// What a secret is bound to: no two different rows give the same text.
std::string secret_context(const Key& key, std::string_view name) {
  return fmt::format("{}:{}|{}:{}|{}:{}|{}", key.kind.size(), key.kind, key.scope.size(), key.scope,
                     key.name.size(), key.name, name);
}

Error no_such(const Key& key) {
  return fail(ErrorCode::not_found, fmt::format("there is no {} named \"{}\"", key.kind, key.name));
}

}  // namespace

Result<std::optional<Record>> read_record(Database& database, const Key& key) {
  TRY(auto row, database.query("SELECT " SLIPWAY_RECORD_COLUMNS
                               " FROM resource WHERE kind = ?1 AND scope = ?2 AND name = ?3",
                               key.kind, key.scope, key.name));
  TRY(const bool found, row.step());
  if (!found) return std::optional<Record>();
  TRY(auto record, record_at(row));
  return std::optional<Record>(std::move(record));
}

Result<std::vector<Record>> read_records(Database& database, std::string_view kind,
                                         const ListOptions& options) {
  const auto below = options.before_sequence > 0 ? options.before_sequence
                                                 : std::numeric_limits<std::int64_t>::max();
  const auto limit = options.limit == 0 ? -1 : static_cast<std::int64_t>(options.limit);
  TRY(auto row, database.query(list_sql(options), kind, below, limit));
  if (!options.scope.empty()) row.bind(4, options.scope);
  if (!options.name_prefix.empty()) row.bind(5, options.name_prefix);
  std::vector<Record> records;
  for (;;) {
    TRY(const bool more, row.step());
    if (!more) return records;
    TRY(auto record, record_at(row));
    records.push_back(std::move(record));
  }
}

Result<std::size_t> count_records(Database& database, std::string_view kind,
                                  std::string_view scope) {
  TRY(auto row, scope.empty()
                    ? database.query("SELECT count(*) FROM resource WHERE kind = ?1", kind)
                    : database.query("SELECT count(*) FROM resource WHERE kind = ?1 AND scope = ?2",
                                     kind, scope));
  TRY_VOID(row.step());
  return static_cast<std::size_t>(row.integer(0));
}

Result<std::optional<std::string>> read_secret(Database& database, const std::string& sealing_key,
                                               const Key& key, std::string_view name) {
  TRY(auto row, database.query("SELECT sealed FROM secret WHERE kind = ?1 AND scope = ?2 AND "
                               "name = ?3 AND secret = ?4",
                               key.kind, key.scope, key.name, name));
  TRY(const bool found, row.step());
  if (!found) return std::optional<std::string>();
  TRY(auto plain, unseal(sealing_key, row.text(0), secret_context(key, name)));
  return std::optional<std::string>(std::move(plain));
}

Result<std::optional<Record>> RowTransaction::get(const Key& key) {
  return read_record(database_, key);
}

Result<std::vector<Record>> RowTransaction::list(std::string_view kind,
                                                 const ListOptions& options) {
  return read_records(database_, kind, options);
}

Result<Record> RowTransaction::create(const Key& key, json::value desired) {
  const TimeMs now = clock_.now_ms();
  TRY(const auto made,
      database_.run("INSERT INTO resource (kind, scope, name, generation, observed_generation, "
                    "desired, observed, created_ms, updated_ms) "
                    "VALUES (?1, ?2, ?3, 1, 0, ?4, 'null', ?5, ?5) ON CONFLICT DO NOTHING",
                    key.kind, key.scope, key.name, json::serialize(desired), now));
  if (made == 0)
    return fail(ErrorCode::conflict,
                fmt::format("a {} named \"{}\" exists already", key.kind, key.name));
  changed_.insert(key);
  TRY(const auto sequence, database_.number("SELECT last_insert_rowid()"));
  Record record;
  record.key = key;
  record.sequence = sequence;
  record.desired = std::move(desired);
  record.created_ms = record.updated_ms = now;
  return record;
}

Result<Record> RowTransaction::update(const Key& key, json::value desired,
                                      std::optional<std::int64_t> expected_generation) {
  TRY(auto present, read_record(database_, key));
  if (!present) return no_such(key);
  if (expected_generation && *expected_generation != present->generation)
    return fail(ErrorCode::precondition_failed,
                fmt::format("the {} \"{}\" was changed by another writer: its ETag is now {}, not "
                            "\"{}\"; read it again and repeat the change",
                            key.kind, key.name, present->etag(), *expected_generation));
  present->generation += 1;
  present->updated_ms = clock_.now_ms();
  present->desired = std::move(desired);
  TRY_VOID(database_.run(
      "UPDATE resource SET generation = ?1, desired = ?2, updated_ms = ?3 WHERE sequence = ?4",
      present->generation, json::serialize(present->desired), present->updated_ms,
      present->sequence));
  changed_.insert(key);
  return std::move(*present);
}

Result<void> RowTransaction::observe(const Key& key, json::value observed,
                                     std::int64_t of_generation) {
  TRY(const auto changed,
      database_.run("UPDATE resource SET observed = ?1, observed_generation = ?2 "
                    "WHERE kind = ?3 AND scope = ?4 AND name = ?5",
                    json::serialize(observed), of_generation, key.kind, key.scope, key.name));
  if (changed == 0) return no_such(key);
  changed_.insert(key);
  return {};
}

Result<void> RowTransaction::remove(const Key& key) {
  TRY(const auto removed,
      database_.run("DELETE FROM resource WHERE kind = ?1 AND scope = ?2 AND name = ?3", key.kind,
                    key.scope, key.name));
  if (removed == 0) return no_such(key);
  TRY_VOID(database_.run("DELETE FROM secret WHERE kind = ?1 AND scope = ?2 AND name = ?3",
                         key.kind, key.scope, key.name));
  if (key.kind == "operation")
    TRY_VOID(database_.run("DELETE FROM operation_log WHERE operation = ?1", key.name));
  changed_.insert(key);
  return {};
}

Result<std::int64_t> RowTransaction::next(std::string_view counter) {
  TRY(auto row, database_.query("INSERT INTO counter (name, value) VALUES (?1, 1) "
                                "ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value",
                                counter));
  TRY_VOID(row.step());
  const std::int64_t value = row.integer(0);
  TRY_VOID(row.step());  // to the end, or the change is not made
  return value;
}

Result<void> RowTransaction::put_secret(const Key& key, std::string_view name,
                                        std::string_view value) {
  const std::string sealed = seal(sealing_key_, value, secret_context(key, name));
  TRY_VOID(
      database_.run("INSERT INTO secret (kind, scope, name, secret, sealed) "
                    "VALUES (?1, ?2, ?3, ?4, ?5) "
                    "ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
                    key.kind, key.scope, key.name, name, Bytes{sealed}));
  changed_.insert(key);
  return {};
}

Result<std::optional<std::string>> RowTransaction::get_secret(const Key& key,
                                                              std::string_view name) {
  return read_secret(database_, sealing_key_, key, name);
}

}  // namespace slipway::store
