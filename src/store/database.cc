#include "store/database.h"

#include <fmt/core.h>

#include <cerrno>
#include <utility>

namespace slipway::store {
namespace {

// How long a statement waits for a lock that another program holds (a shell, a backup).
constexpr int kBusyTimeoutMs = 5'000;

// FULL syncs the log at every commit: an acknowledged write survives a power cut.
constexpr const char* kWriterSettings =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA journal_size_limit = 16777216;"  // bytes of log kept on disk after a checkpoint
    "PRAGMA temp_store = MEMORY;";

int open_flags(Database::Mode mode) {
  // Each connection is used by one thread at a time, so SQLite's own mutex is not needed.
  const int access = mode == Database::Mode::writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  return access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
}

}  // namespace

Query::Query(Query&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Query::step() {
  const int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return database_->error();
}

std::string Query::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

void Query::bind(int at, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();  // a null pointer binds NULL
  sqlite3_bind_text64(statement_, at, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Query::bind(int at, Bytes value) {
  sqlite3_bind_blob64(statement_, at, value.value.data(), value.value.size(), SQLITE_TRANSIENT);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, Mode mode) {
  std::unique_ptr<Database> database(new Database(file));
  if (sqlite3_open_v2(file.c_str(), &database->handle_, open_flags(mode), nullptr) != SQLITE_OK)
    return database->error();
  sqlite3_busy_timeout(database->handle_, kBusyTimeoutMs);
  if (mode == Mode::writer) TRY_VOID(database->script(kWriterSettings));
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql) {
  auto [at, is_new] = statements_.try_emplace(std::string(sql), nullptr);
  if (!is_new) {
    CHECK(sqlite3_stmt_busy(at->second) == 0, "a statement is used within itself");
    return at->second;
  }
  const int size = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(handle_, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &at->second,
                         nullptr) == SQLITE_OK)
    return at->second;
  statements_.erase(at);
  return error();
}

Result<std::int64_t> Database::finish(Query& query) {
  for (;;) {
    TRY(const bool more, query.step());
    if (!more) return static_cast<std::int64_t>(sqlite3_changes64(handle_));
  }
}

Result<void> Database::script(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<std::int64_t> Database::number(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
    return error();
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> owner(statement,
                                                                         &sqlite3_finalize);
  if (sqlite3_step(statement) != SQLITE_ROW) return error();
  return static_cast<std::int64_t>(sqlite3_column_int64(statement, 0));
}

bool Database::disk_is_full() const {
  const int extended = sqlite3_extended_errcode(handle_);
  const int os_error = sqlite3_system_errno(handle_);
  const int kind = extended & 0xff;
  if (kind == SQLITE_FULL || extended == SQLITE_IOERR_SHMSIZE) return true;
  return (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) &&
         (os_error == ENOSPC || os_error == EDQUOT);
}

Error Database::error() const {
  const std::string folder = file_.parent_path().string();
  const std::string said = handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_);
  if (handle_ != nullptr && disk_is_full())
    return fail(
        ErrorCode::exhausted,
        fmt::format("the disk of {} is full: {}; nothing was changed; free space and try again",
                    folder, said));
  switch (handle_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(handle_) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorCode::unavailable,
                  fmt::format("another program holds {} locked; nothing was changed; close it and "
                              "try again",
                              file_.string()));
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return fail(ErrorCode::forbidden, fmt::format("cannot write {}: {}; give this user read and "
                                                    "write permission on {}",
                                                    file_.string(), said, folder));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(ErrorCode::internal,
                  fmt::format("{} is damaged or no Slipway database: {}; restore "
                              "it from a backup",
                              file_.string(), said));
    default: return fail(ErrorCode::internal, fmt::format("{}: {}", file_.string(), said));
  }
}

}  // namespace slipway::store
