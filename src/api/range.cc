#include "api/range.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>

namespace slipway::api {
namespace {

// Nothing for empty text; -1 for what is no number.
std::optional<std::int64_t> number(std::string_view text) {
  if (text.empty()) return {};
  std::int64_t value = -1;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc{} && end == text.data() + text.size() ? value : -1;
}

}  // namespace

Result<ByteRange> parse_range(std::string_view header, std::int64_t total) {
  constexpr std::string_view kUnit = "bytes=";
  const ByteRange whole{0, total, false};
  if (!header.starts_with(kUnit) || header.find(',') != std::string_view::npos) return whole;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto first = number(header.substr(0, dash));
  const auto last = number(header.substr(dash + 1));
  if ((!first && !last) || first == -1 || last == -1) return whole;
  if (!first) {
    const auto length = std::min(*last, total);
    return ByteRange{total - length, length, true};
  }
  if (*first >= total)
    return fail(ErrorCode::invalid_argument,
                "the range begins behind the last of " + std::to_string(total) + " bytes",
                "InvalidRange", "Range");
  const auto end = std::min(last.value_or(total - 1), total - 1);
  if (end < *first) return whole;
  return ByteRange{*first, end - *first + 1, true};
}

std::string http_date(TimeMs time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     fmt::gmtime(static_cast<std::time_t>(time / 1000)));
}

}  // namespace slipway::api
