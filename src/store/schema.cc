#include "store/schema.h"

#include <fmt/core.h>

#include <iterator>
#include <string>

namespace slipway::store {
namespace {

// Entry n makes version n + 1 out of version n. An entry that was released is never edited.
constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE resource (
  sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
  kind                TEXT    NOT NULL,
  scope               TEXT    NOT NULL,
  name                TEXT    NOT NULL,
  generation          INTEGER NOT NULL,
  observed_generation INTEGER NOT NULL,
  desired             TEXT    NOT NULL,
  observed            TEXT    NOT NULL,
  created_ms          INTEGER NOT NULL,
  updated_ms          INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX resource_by_name ON resource (kind, scope, name);
CREATE INDEX resource_by_age ON resource (kind, sequence);
CREATE INDEX resource_by_scope ON resource (kind, scope, sequence);
CREATE TABLE counter (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE secret (
  kind   TEXT NOT NULL,
  scope  TEXT NOT NULL,
  name   TEXT NOT NULL,
  secret TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (kind, scope, name, secret)
) STRICT, WITHOUT ROWID;
CREATE TABLE operation_log (
  operation TEXT    NOT NULL,
  offset    INTEGER NOT NULL,
  ends      INTEGER NOT NULL,
  text      BLOB    NOT NULL,
  PRIMARY KEY (operation, offset)
) STRICT;
)sql",
};

}  // namespace

std::int64_t schema_version() { return std::ssize(kMigrations); }

Result<void> migrate(Database& database, const std::string& folder) {
  TRY(const std::int64_t found, database.number("PRAGMA user_version"));
  if (found > schema_version())
    return fail(
        ErrorCode::precondition_failed,
        fmt::format("the data in {} has schema version {}, written by a newer Slipway; this "
                    "one ({}) knows versions up to {}; start the newer Slipway, or use "
                    "another --data-dir",
                    folder, found, SLIPWAY_VERSION, schema_version()));
  for (auto version = found; version < schema_version(); ++version)
    TRY_VOID(database.script(fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;",
                                         kMigrations[version], version + 1)));
  return {};
}

}  // namespace slipway::store
