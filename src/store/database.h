#pragma once
// Database: one SQLite connection with its prepared statements, behind Result.
//
// Owner: the Store. One thread at a time. The only header of the house that includes sqlite3.h.
// Statements are prepared once per text and kept for the life of the connection.
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace slipway::store {

// Bytes that are not text.
struct Bytes {
  std::string_view value;
};

class Database;

// One execution of a prepared statement; gives the statement back when it goes.
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}
  ~Query();
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;

  // True while there is a row.
  Result<bool> step();
  std::string text(int column) const;
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

  void bind(int at, std::string_view value);
  void bind(int at, const std::string& value) { bind(at, std::string_view(value)); }
  void bind(int at, std::int64_t value) { sqlite3_bind_int64(statement_, at, value); }
  void bind(int at, Bytes value);

 private:
  Database* database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Mode { writer, reader };
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Mode mode);
  ~Database();
  Database(const Database&) = delete;

  // A statement ready to step, its parameters ?1, ?2, … bound in order.
  template <class... Values>
  Result<Query> query(std::string_view sql, const Values&... values) {
    TRY(auto* statement, prepare(sql));
    Query query(*this, statement);
    int at = 0;
    (query.bind(++at, values), ...);
    return query;
  }
  // Runs a statement to its end; answers how many rows it changed.
  template <class... Values>
  Result<std::int64_t> run(std::string_view sql, const Values&... values) {
    TRY(auto ready, query(sql, values...));
    return finish(ready);
  }
  // Several statements without parameters, not kept.
  Result<void> script(const std::string& sql);
  // A statement that answers one number, not kept.
  Result<std::int64_t> number(const std::string& sql);

  // SQLite may end a transaction by itself when the disk fails.
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  // The last failure of this connection as an Error.
  Error error() const;

 private:
  explicit Database(std::filesystem::path file) : file_(std::move(file)) {}
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Result<std::int64_t> finish(Query& query);
  bool disk_is_full() const;

  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

}  // namespace slipway::store
