// The text of an operation's log: pieces at byte offsets, at most kLogLimit bytes in all.
#include <algorithm>

#include "store/rows.h"

namespace slipway::store {
namespace {

constexpr std::int64_t kLogLimit = 1 << 20;  // bytes, the note included
constexpr std::string_view kCutNote =
    "\n[the log reached 1 MiB; what came after this line was not kept]\n";
constexpr std::int64_t kTextLimit = kLogLimit - std::ssize(kCutNote);

Result<std::int64_t> end_of_log(Database& database, const std::string& operation) {
  TRY(auto row,
      database.query(
          "SELECT ends FROM operation_log WHERE operation = ?1 ORDER BY offset DESC LIMIT 1",
          operation));
  TRY(const bool found, row.step());
  return found ? row.integer(0) : 0;
}

// The longest head of at most `bytes` that does not end inside a UTF-8 character.
std::string_view whole_characters(std::string_view text, std::int64_t bytes) {
  auto size = static_cast<std::size_t>(bytes);
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

Result<void> append_to_log(Database& database, const std::string& operation,
                           std::string_view text) {
  TRY(const std::int64_t end, end_of_log(database, operation));
  if (text.empty() || end > kTextLimit) return {};
  std::string kept(text);
  if (end + std::ssize(text) > kTextLimit) {
    kept = whole_characters(text, kTextLimit - end);
    kept += kCutNote;
    // The next append must find the log closed, also when a character at the cut was left out.
    kept.resize(static_cast<std::size_t>(kLogLimit - end), '\n');
  }
  TRY_VOID(database.run(
      "INSERT INTO operation_log (operation, offset, ends, text) VALUES (?1, ?2, ?3, ?4)",
      operation, end, end + std::ssize(kept), Bytes{kept}));
  return {};
}

Result<std::string> read_from_log(Database& database, const std::string& operation,
                                  std::size_t offset) {
  TRY(auto row, database.query("SELECT offset, text FROM operation_log "
                               "WHERE operation = ?1 AND ends > ?2 ORDER BY offset",
                               operation, static_cast<std::int64_t>(offset)));
  std::string log;
  for (;;) {
    TRY(const bool more, row.step());
    if (!more) return log;
    const auto at = static_cast<std::size_t>(row.integer(0));
    log += row.text(1).substr(offset > at ? offset - at : 0);
  }
}

}  // namespace slipway::store
