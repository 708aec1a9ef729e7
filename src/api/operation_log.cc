#include "api/operation_log.h"

#include <algorithm>

namespace slipway::api {
namespace {

constexpr std::size_t kStamp = 14;  // yyyymmddHHMMSS

bool has_stamp(std::string_view line) {
  return line.size() > kStamp && line[kStamp] == '|' &&
         std::ranges::all_of(line.substr(0, kStamp), [](char c) { return c >= '0' && c <= '9'; });
}

void append_line(std::string_view line, std::string& out) {
  if (has_stamp(line)) {
    out.append(line.substr(0, kStamp + 1));
    line.remove_prefix(kStamp + 1);
  }
  for (const char c : line) out += c == '#' || c == '|' ? ' ' : c;
}

std::size_t bytes_of(std::string_view text, std::size_t characters) {
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (begins && characters-- == 0) return i;
  }
  return i;
}

}  // namespace

std::string streaming_log(std::string_view log, std::size_t offset) {
  std::string out;
  while (!log.empty()) {
    const auto end = log.find('\n');
    append_line(log.substr(0, end), out);
    if (end == std::string_view::npos) break;
    out += '#';
    log.remove_prefix(end + 1);
  }
  return out.substr(bytes_of(out, offset));
}

}  // namespace slipway::api
