#include "artifacts/paths.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "base/json.h"

namespace slipway::artifacts {
namespace {

constexpr std::size_t kNameMax = 255;
constexpr std::size_t kShown = 120;  // bytes of a path in a message

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Paths are kept in JSON, whose reader takes valid UTF-8 only.
bool is_utf8(std::string_view text) {
  return parse_json(json::serialize(json::value(text))).has_value();
}

Error refuse(std::string_view path, std::string_view rule) {
  const bool printable = is_utf8(path) && path.size() <= kShown;
  return fail(ErrorCode::invalid_argument,
              fmt::format("the path {} {}; use a relative path of plain names",
                          printable ? json::serialize(json::value(path)) : "of a file", rule));
}

std::string_view fault_of_name(std::string_view name) {
  if (name.empty()) return "has an empty name in it";
  if (name == "." || name == "..") return "has \".\" or \"..\" in it";
  if (name.size() > kNameMax) return "has a name above 255 bytes";
  return {};
}

}  // namespace

bool is_digest(std::string_view text) { return text.size() == 64 && is_hex(text); }

bool is_upload_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_hex(text);
}

Result<void> check_relative_path(std::string_view path, const PathLimits& limits) {
  if (path.empty()) return refuse(path, "is empty");
  if (path.front() == '/') return refuse(path, "is absolute");
  if (path.size() > limits.bytes)
    return refuse(path, fmt::format("is above {} bytes", limits.bytes));
  if (path.find('\0') != std::string_view::npos || !is_utf8(path))
    return refuse(path, "is not UTF-8 text");
  if (std::count(path.begin(), path.end(), '/') >= limits.depth)
    return refuse(path, fmt::format("is more than {} folders deep", limits.depth));
  for (std::string_view rest = path;;) {
    const auto slash = rest.find('/');
    const auto fault = fault_of_name(rest.substr(0, slash));
    if (!fault.empty()) return refuse(path, fault);
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace slipway::artifacts
