#include "modelserver/output.h"

#include <fmt/core.h>
#include <unistd.h>

#include <ctime>

#include "base/clock.h"

namespace slipway::modelserver::output {
namespace {

constexpr std::size_t kGatherBytes = 32 << 10;

std::string& gathered() {
  static std::string lines;
  return lines;
}

// Splitting a time costs more than the rest of a line, so it is done once a second.
std::string_view second_text(TimeMs now) {
  thread_local std::time_t shown = 0;
  thread_local char text[32];
  const std::time_t second = now / 1000;
  if (second != shown) {
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    shown = second;
  }
  return text;
}

std::string line(char level, std::string_view message) {
  static const int pid = ::getpid();
  const TimeMs now = system_clock().now_ms();
  return fmt::format("{},{:03} {} [{}] slipway - {}\n", second_text(now), now % 1000, level, pid,
                     message);
}

// A log that cannot be written must not stop the server.
void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

void info(std::string_view message) { write_all(line('I', message)); }
void error(std::string_view message) { write_all(line('E', message)); }

bool gather(std::string_view message) {
  const bool first = gathered().empty();
  gathered() += line('I', message);
  if (gathered().size() > kGatherBytes) flush();
  return first;
}

void flush() {
  write_all(gathered());
  gathered().clear();
}

}  // namespace slipway::modelserver::output
