#pragma once
// The schema and its numbered migrations. SCHEMA.md tells what the tables mean. The version of a
// database is SQLite's user_version; each migration and its number are committed together.
#include <cstdint>

#include "base/result.h"
#include "store/database.h"

namespace slipway::store {

// Of the schema that this program writes.
std::int64_t schema_version();

// Brings the database to schema_version(). precondition_failed when it is of a newer one.
Result<void> migrate(Database& database, const std::string& folder);

}  // namespace slipway::store
