// Rules for names and paths.
#include <algorithm>
#include <array>

#include "resources/checks.h"
#include "resources/rules.h"

namespace slipway::resources {

namespace {

// What a name may look like, and the sentence that says so.
struct NameRule {
  std::string_view what;
  std::string_view field;
  std::size_t min;
  std::size_t max;
  bool (*first)(char);
  bool (*rest)(char);
  bool (*last)(char);
  std::string_view rule;
};

bool is_letter(char c) { return is_alphanumeric(c) && !is_digit(c); }
bool is_any(char) { return true; }
bool is_workspace_rest(char c) { return is_alphanumeric(c) || c == '-' || c == '_'; }
bool is_model_rest(char c) { return is_workspace_rest(c) || c == '.'; }
bool is_service_rest(char c) { return is_lower(c) || is_digit(c) || c == '-'; }
bool is_service_last(char c) { return c != '-'; }
bool is_compute_rest(char c) { return is_alphanumeric(c) || c == '-'; }
bool is_environment_rest(char c) { return !is_control(c) && c != '/' && c != '\\' && c != ':'; }

constexpr NameRule kWorkspace{
    "workspace",
    "name",
    3,
    33,
    is_alphanumeric,
    is_workspace_rest,
    is_any,
    "it must be 3 to 33 characters, begin with a letter or digit, and hold only letters, digits, "
    "'-' and '_'"};
constexpr NameRule kModel{
    "model",
    "name",
    1,
    255,
    is_alphanumeric,
    is_model_rest,
    is_any,
    "it must be 1 to 255 characters, begin with a letter or digit, and hold only letters, digits, "
    "'-', '_' and '.'"};
constexpr NameRule kService{
    "service",
    "name",
    3,
    32,
    is_lower,
    is_service_rest,
    is_service_last,
    "it must be 3 to 32 characters, begin with a lower-case letter, hold only lower-case letters, "
    "digits and '-', and not end with '-'"};
constexpr NameRule kCompute{
    "compute",
    "name",
    3,
    24,
    is_letter,
    is_compute_rest,
    is_service_last,
    "it must be 3 to 24 characters, begin with a letter, hold only letters, digits and '-', and "
    "not end with '-'"};
constexpr NameRule kEnvironment{
    "environment",
    "name",
    1,
    255,
    is_environment_rest,
    is_environment_rest,
    is_any,
    "it must be 1 to 255 characters without '/', '\\', ':' or control characters"};

bool follows(const NameRule& rule, std::string_view name) {
  return name.size() >= rule.min && name.size() <= rule.max && rule.first(name.front()) &&
         std::all_of(name.begin(), name.end(), rule.rest) && rule.last(name.back());
}

Result<void> check_name(const NameRule& rule, std::string_view name) {
  if (follows(rule, name)) return {};
  return refuse(rule.field, "The " + std::string(rule.what) + " name " + shown(name) +
                                " is invalid: " + std::string(rule.rule) + ". Choose another name");
}

Error bad_path(std::string_view path, std::string_view why) {
  return refuse("path", "The path " + shown(path) + " is refused: " + std::string(why) +
                            ". Give a relative path with '/' that stays below its folder");
}

}  // namespace

Result<void> check_workspace_name(std::string_view name) { return check_name(kWorkspace, name); }
Result<void> check_model_name(std::string_view name) { return check_name(kModel, name); }
Result<void> check_service_name(std::string_view name) { return check_name(kService, name); }

Result<void> check_compute_name(std::string_view name) {
  for (std::string_view reserved : {"amlcompute", "local", "containerinstance"}) {
    if (equal_ignoring_case(name, reserved))
      return refuse("name", "The compute name " + shown(name) +
                                " is reserved; choose another name, e.g. 'myaks'");
  }
  return check_name(kCompute, name);
}

Result<void> check_environment_name(std::string_view name) {
  for (std::string_view prefix : {"Microsoft", "AzureML"}) {
    if (name.substr(0, prefix.size()) == prefix)
      return refuse("name", "The environment name " + shown(name) + " begins with '" +
                                std::string(prefix) +
                                "', which is reserved for curated environments; choose another "
                                "name, e.g. by putting 'my-' before it");
  }
  return check_name(kEnvironment, name);
}

Result<void> check_relative_path(std::string_view path) {
  constexpr std::size_t kMaxPathBytes = 1'024;
  constexpr std::size_t kMaxSegmentBytes = 255;  // NAME_MAX
  if (path.empty()) return bad_path(path, "it is empty");
  if (path.size() > kMaxPathBytes) return bad_path(path, "it is longer than 1024 bytes");
  if (path.front() == '/') return bad_path(path, "it is absolute");
  if (std::any_of(path.begin(), path.end(), is_control))
    return bad_path(path, "it holds a control character");
  if (path.find('\\') != path.npos) return bad_path(path, "it holds a backslash");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment.empty()) return bad_path(path, "it holds an empty segment");
    if (segment == "." || segment == "..") return bad_path(path, "it holds '.' or '..'");
    if (segment.size() > kMaxSegmentBytes) return bad_path(path, "a name in it is too long");
    begin = end + 1;
  }
  return {};
}

}  // namespace slipway::resources
