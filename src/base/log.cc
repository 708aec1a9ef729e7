#include "base/log.h"

#include <fmt/core.h>
#include <unistd.h>

#include <atomic>

#include "base/clock.h"
#include "base/json.h"

namespace slipway::log {
namespace {

std::atomic<Level> g_level{Level::info};
std::atomic<Format> g_format{Format::text};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

// Quoted whenever a reader could take it for more than one value or line.
std::string quoted(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \t\r\n\"=") == std::string::npos) return value;
  return json::serialize(json::value(value));
}

std::string text_line(Level level, std::string_view room, std::string_view event, Fields fields) {
  std::string line =
      fmt::format("{} {} {}: {}", to_iso8601(system_clock().now_ms()), name_of(level), room, event);
  for (const auto& field : fields) line += fmt::format(" {}={}", field.key, quoted(field.value));
  return line;
}

std::string json_line(Level level, std::string_view room, std::string_view event, Fields fields) {
  json::object line{{"time", to_iso8601(system_clock().now_ms())},
                    {"level", name_of(level)},
                    {"room", room},
                    {"event", event}};
  for (const auto& field : fields) line[field.key] = field.value;
  return json::serialize(line);
}

}  // namespace

void configure(Level level, Format format) {
  g_level = level;
  g_format = format;
}

void write(Level level, std::string_view room, std::string_view event, Fields fields) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  std::string line = g_format == Format::json ? json_line(level, room, event, fields)
                                              : text_line(level, room, event, fields);
  line += '\n';
  // A log that cannot be written must not stop the program.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace slipway::log
