#include "base/json.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>

namespace slipway {

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonMaxDepth;
  json::error_code ec;
  json::stream_parser parser({}, options);
  const std::size_t used = parser.write_some(text.data(), text.size(), ec);
  if (!ec) parser.finish(ec);
  if (!ec && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    ec = json::error::extra_data;
  if (ec)
    return fail(ErrorCode::invalid_argument,
                fmt::format("not valid JSON at byte {}: {}", used, ec.message()));
  return parser.release();
}

namespace {

void pretty(const json::value& value, std::string& out, std::size_t indent) {
  const std::string pad(indent + 2, ' ');
  const auto list = [&](char open, char close, const auto& items, auto&& write) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
      out += first ? "\n" : ",\n";
      first = false;
      out += pad;
      write(item);
    }
    if (!first) out += "\n" + std::string(indent, ' ');
    out += close;
  };
  if (const auto* object = value.if_object()) {
    list('{', '}', *object, [&](const auto& member) {
      out += json::serialize(json::value(member.key())) + ": ";
      pretty(member.value(), out, indent + 2);
    });
  } else if (const auto* array = value.if_array()) {
    list('[', ']', *array, [&](const auto& item) { pretty(item, out, indent + 2); });
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string pretty_json(const json::value& value) {
  std::string out;
  pretty(value, out, 0);
  return out;
}

namespace detail {

Error wrong_type(std::string_view path, std::string_view expected, const json::value& got) {
  std::string text = json::serialize(got);
  constexpr std::size_t kShown = 80;
  if (text.size() > kShown) text = text.substr(0, kShown) + "…";
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} must be {}, but is {}", path.empty() ? "the body" : path, expected, text),
      "BadRequest", std::string(path));
}

Result<void> decode(const json::value& v, json::value& out, const std::string&) {
  out = v;
  return {};
}
Result<void> decode(const json::value& v, json::object& out, const std::string& path) {
  if (!v.is_object()) return wrong_type(path, "an object", v);
  out = v.get_object();
  return {};
}
Result<void> decode(const json::value& v, json::array& out, const std::string& path) {
  if (!v.is_array()) return wrong_type(path, "an array", v);
  out = v.get_array();
  return {};
}
Result<void> decode(const json::value& v, std::string& out, const std::string& path) {
  if (!v.is_string()) return wrong_type(path, "a string", v);
  out = v.get_string();
  return {};
}
Result<void> decode(const json::value& v, bool& out, const std::string& path) {
  if (!v.is_bool()) return wrong_type(path, "true or false", v);
  out = v.get_bool();
  return {};
}
Result<void> decode(const json::value& v, double& out, const std::string& path) {
  if (!v.is_number()) return wrong_type(path, "a number", v);
  out = v.to_number<double>();
  return {};
}
Result<void> decode(const json::value& v, std::int64_t& out, const std::string& path) {
  json::error_code ec;
  const auto number = v.is_number() ? v.to_number<std::int64_t>(ec) : 0;
  if (!v.is_number() || ec) return wrong_type(path, "a whole number", v);
  out = number;
  return {};
}
Result<void> decode(const json::value& v, int& out, const std::string& path) {
  std::int64_t wide = 0;
  TRY_VOID(decode(v, wide, path));
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
    return wrong_type(path, "a whole number of 32 bits", v);
  out = static_cast<int>(wide);
  return {};
}

}  // namespace detail

const json::value* find(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string string_or(const json::value& value, std::string_view key, std::string_view otherwise) {
  const auto* member = find(value, key);
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string(otherwise) : std::string(*text);
}

}  // namespace slipway
