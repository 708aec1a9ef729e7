#pragma once
// Small checks that the rules are made of: a range, a length, a set of tags. Inside resources only.
// Each refusal reads "<what> is <value>, but <rule>; <remedy>" and names the field as on the wire.
// Pure; any thread.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "resources/nouns.h"

namespace slipway::resources {

// The documented code of a request that breaks a rule.
inline constexpr std::string_view kBadRequest = "BadRequest";

inline constexpr std::size_t kMaxTags = 100;
inline constexpr std::size_t kMaxTagKeyBytes = 256;
inline constexpr std::size_t kMaxTagValueBytes = 8'192;
inline constexpr std::size_t kMaxDescriptionBytes = 10'000;

// invalid_argument, BadRequest, at `field` (a path as on the wire).
Error refuse(std::string_view field, std::string message);

// A value for a message: quoted, control characters escaped, cut at 80 bytes.
std::string shown(std::string_view value);
// 4 and 0.1 rather than 4.000000 and 0.100000.
std::string shown(double value);

// Where a value stands: as on the wire, and as the SDK's parameter is called.
struct Field {
  std::string_view path;
  std::string_view parameter;
};
template <class Number>
struct Range {
  Number min;
  Number max;
};
Result<void> check_range(const Field& field, std::int64_t value, Range<std::int64_t> range);
// Above zero and at most `max`; not NaN.
Result<void> check_positive(const Field& field, double value, double max);

Result<void> check_length(std::string_view field, std::string_view value, std::size_t max_bytes);
// Count, lengths, no empty key, no control characters in keys.
Result<void> check_tags(std::string_view field, const Tags& tags);

bool is_lower(char c);
bool is_digit(char c);
bool is_alphanumeric(char c);
bool is_control(char c);
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace slipway::resources
