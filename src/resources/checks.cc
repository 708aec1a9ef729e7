#include "resources/checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace slipway::resources {

namespace {

constexpr std::size_t kShownBytes = 80;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string name_of(const Field& field) {
  return std::string(field.parameter) + " (" + std::string(field.path) + ")";
}

}  // namespace

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_lower(lower(c)) || is_digit(c); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

Error refuse(std::string_view field, std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), std::string(kBadRequest),
              std::string(field));
}

std::string shown(std::string_view value) {
  std::string text = "'";
  for (char c : value.substr(0, kShownBytes)) text += is_control(c) ? '?' : c;
  text += value.size() > kShownBytes ? "…'" : "'";
  return text;
}

std::string shown(double value) {
  std::ostringstream out;
  out.precision(std::numeric_limits<double>::digits10 - 3);
  out << value;
  return out.str();
}

Result<void> check_range(const Field& field, std::int64_t value, Range<std::int64_t> range) {
  if (value >= range.min && value <= range.max) return {};
  const std::string found = "; it is " + std::to_string(value);
  const std::string remedy = ". Give a whole number from " + std::to_string(range.min) + " to " +
                             std::to_string(range.max);
  if (value <= 0 && range.min == 1)
    return refuse(field.path, "Invalid configuration, " + name_of(field) +
                                  " must be greater than zero" + found + remedy);
  const bool low = value < range.min;
  return refuse(field.path, "Invalid configuration, " + name_of(field) + " must be at " +
                                (low ? "least " : "most ") +
                                std::to_string(low ? range.min : range.max) + found + remedy);
}

Result<void> check_positive(const Field& field, double value, double max) {
  if (value > 0 && value <= max) return {};
  const std::string found = "; it is " + shown(value);
  const std::string remedy = ". Give a number above 0 and at most " + shown(max);
  if (std::isnan(value) || value <= 0)
    return refuse(field.path, "Invalid configuration, " + name_of(field) +
                                  " must be greater than zero" + found + remedy);
  return refuse(field.path, "Invalid configuration, " + name_of(field) + " must be at most " +
                                shown(max) + found + remedy);
}

Result<void> check_length(std::string_view field, std::string_view value, std::size_t max_bytes) {
  if (value.size() <= max_bytes) return {};
  return refuse(field, std::string(field) + " is " + std::to_string(value.size()) +
                           " bytes long, but may have at most " + std::to_string(max_bytes) +
                           "; shorten it");
}

Result<void> check_tags(std::string_view field, const Tags& tags) {
  if (tags.size() > kMaxTags)
    return refuse(field, std::string(field) + " has " + std::to_string(tags.size()) +
                             " entries, but may have at most " + std::to_string(kMaxTags) +
                             "; remove some");
  for (const auto& [key, value] : tags) {
    if (key.empty())
      return refuse(field, std::string(field) + " has an empty key; give every entry a name");
    if (std::any_of(key.begin(), key.end(), is_control))
      return refuse(field, std::string(field) + " has the key " + shown(key) +
                               " with a control character; remove it");
    TRY_VOID(check_length(std::string(field) + " key " + shown(key), key, kMaxTagKeyBytes));
    TRY_VOID(check_length(std::string(field) + "." + key, value, kMaxTagValueBytes));
  }
  return {};
}

}  // namespace slipway::resources
