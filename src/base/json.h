#pragma once
// JSON text and values: Boost.JSON behind a bounded parser, and the mapping of described structs.
//
//   struct Point { int x = 0; std::optional<int> y; };
//   BOOST_DESCRIBE_STRUCT(Point, (), (x, y))
//   json::object o = to_json(Point{1, 2});          // {"x":1,"y":2}
//   TRY(auto p, from_json<Point>(value));           // absent members keep their defaults
#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway {
namespace json = boost::json;

inline constexpr std::size_t kJsonMaxDepth = 64;

// invalid_argument with the byte offset of the first fault. Depth is bounded by kJsonMaxDepth.
Result<json::value> parse_json(std::string_view text);

// Pretty text, two spaces of indentation, for people.
std::string pretty_json(const json::value& value);

namespace detail {

inline json::value encode(const json::value& v) { return v; }
inline json::value encode(const json::object& v) { return v; }
inline json::value encode(const json::array& v) { return v; }
inline json::value encode(const std::string& v) { return json::value(v); }
inline json::value encode(bool v) { return v; }
template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
json::value encode(T v) {
  return v;
}
template <class E>
  requires std::is_enum_v<E>
json::value encode(E v) {
  return boost::describe::enum_to_string(v, "");
}
template <class T>
json::value encode(const std::optional<T>& v);
template <class T>
json::value encode(const std::vector<T>& v);
template <class T>
json::value encode(const std::map<std::string, T>& v);
template <class T>
  requires(boost::describe::has_describe_members<T>::value)
json::value encode(const T& v);

Error wrong_type(std::string_view path, std::string_view expected, const json::value& got);

Result<void> decode(const json::value& v, json::value& out, const std::string& path);
Result<void> decode(const json::value& v, json::object& out, const std::string& path);
Result<void> decode(const json::value& v, json::array& out, const std::string& path);
Result<void> decode(const json::value& v, std::string& out, const std::string& path);
Result<void> decode(const json::value& v, bool& out, const std::string& path);
Result<void> decode(const json::value& v, double& out, const std::string& path);
Result<void> decode(const json::value& v, std::int64_t& out, const std::string& path);
Result<void> decode(const json::value& v, int& out, const std::string& path);
template <class E>
  requires std::is_enum_v<E>
Result<void> decode(const json::value& v, E& out, const std::string& path) {
  const auto* s = v.if_string();
  if (s == nullptr || !boost::describe::enum_from_string(s->c_str(), out))
    return wrong_type(path, "one of its documented names", v);
  return {};
}
template <class T>
Result<void> decode(const json::value& v, std::optional<T>& out, const std::string& path);
template <class T>
Result<void> decode(const json::value& v, std::vector<T>& out, const std::string& path);
template <class T>
Result<void> decode(const json::value& v, std::map<std::string, T>& out, const std::string& path);
template <class T>
  requires(boost::describe::has_describe_members<T>::value)
Result<void> decode(const json::value& v, T& out, const std::string& path);

template <class T>
json::value encode(const std::optional<T>& v) {
  return v ? encode(*v) : json::value(nullptr);
}
template <class T>
json::value encode(const std::vector<T>& v) {
  json::array a;
  a.reserve(v.size());
  for (const auto& item : v) a.push_back(encode(item));
  return a;
}
template <class T>
json::value encode(const std::map<std::string, T>& v) {
  json::object o;
  for (const auto& [key, item] : v) o[key] = encode(item);
  return o;
}
template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public>;

template <class T>
  requires(boost::describe::has_describe_members<T>::value)
json::value encode(const T& v) {
  json::object o;
  boost::mp11::mp_for_each<Members<T>>([&](auto d) { o[d.name] = encode(v.*d.pointer); });
  return o;
}

template <class T>
Result<void> decode(const json::value& v, std::optional<T>& out, const std::string& path) {
  if (v.is_null()) {
    out.reset();
    return {};
  }
  T item{};
  TRY_VOID(decode(v, item, path));
  out = std::move(item);
  return {};
}
template <class T>
Result<void> decode(const json::value& v, std::vector<T>& out, const std::string& path) {
  const auto* a = v.if_array();
  if (a == nullptr) return wrong_type(path, "an array", v);
  out.clear();
  out.reserve(a->size());
  for (std::size_t i = 0; i < a->size(); ++i) {
    T item{};
    TRY_VOID(decode((*a)[i], item, path + "[" + std::to_string(i) + "]"));
    out.push_back(std::move(item));
  }
  return {};
}
template <class T>
Result<void> decode(const json::value& v, std::map<std::string, T>& out, const std::string& path) {
  const auto* o = v.if_object();
  if (o == nullptr) return wrong_type(path, "an object", v);
  out.clear();
  for (const auto& [key, value] : *o) {
    T item{};
    const std::string name(key);
    TRY_VOID(decode(value, item, path.empty() ? name : path + "." + name));
    out.emplace(name, std::move(item));
  }
  return {};
}
template <class T>
  requires(boost::describe::has_describe_members<T>::value)
Result<void> decode(const json::value& v, T& out, const std::string& path) {
  const auto* o = v.if_object();
  if (o == nullptr) return wrong_type(path, "an object", v);
  Result<void> result;
  boost::mp11::mp_for_each<Members<T>>([&](auto d) {
    const auto* member = result ? o->if_contains(d.name) : nullptr;
    if (member == nullptr) return;
    result = decode(*member, out.*d.pointer, path.empty() ? d.name : path + "." + d.name);
  });
  return result;
}

}  // namespace detail

// Every described member, in the order of its description. Enums are written by name.
template <class T>
json::value to_json(const T& value) {
  return detail::encode(value);
}

// Absent members keep the defaults of T, unknown ones are ignored; a member of the wrong type is
// invalid_argument and names its path ("resources.cpu").
template <class T>
Result<T> from_json(const json::value& value) {
  T out{};
  TRY_VOID(detail::decode(value, out, {}));
  return out;
}

// Members of an object, or nothing when `value` is no object or lacks the key.
const json::value* find(const json::value& value, std::string_view key);
const json::value* find(json::value&& value, std::string_view key) = delete;  // it would dangle
inline const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains(key);
}
std::string string_or(const json::value& value, std::string_view key, std::string_view otherwise);

}  // namespace slipway
