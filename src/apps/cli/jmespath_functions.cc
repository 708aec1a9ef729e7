// The 26 functions of JMESPath. A table gives each its name and the types it takes; the bodies
// below it can rely on them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "apps/cli/jmespath_ast.h"

namespace slipway::cli::jmespath {
namespace {

using Arguments = std::vector<Argument>;
using Value = Result<json::value>;

Error bad(const std::string& what) {
  return fail(ErrorCode::invalid_argument, "--query: " + what, "InvalidQuery", "--query");
}

std::string_view type_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "boolean";
    case json::kind::string: return "string";
    case json::kind::array: return "array";
    case json::kind::object: return "object";
    default: return "number";
  }
}

// Whole numbers stay whole in the output.
json::value number(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::nearbyint(value) == value && std::abs(value) < kExact)
    return static_cast<std::int64_t>(value);
  return value;
}

double as_double(const json::value& value) { return as_number(value).value_or(0); }
std::string_view text(const json::value& value) { return value.get_string(); }
const json::array& items(const Argument& argument) { return argument.value.get_array(); }

bool all_of_type(const json::array& array, std::string_view type) {
  return std::ranges::all_of(array, [&](const auto& item) { return type_name(item) == type; });
}

// How sort, max and min order two values of the same type.
bool less(const json::value& a, const json::value& b) {
  return a.is_string() ? text(a) < text(b) : as_double(a) < as_double(b);
}

struct Keyed {
  json::value key;
  const json::value* item;
};

Result<std::vector<Keyed>> keys_of(const Arguments& arguments) {
  std::vector<Keyed> keyed;
  for (const auto& item : items(arguments[0])) {
    TRY(auto key, evaluate(*arguments[1].expression, item));
    const bool sortable = key.is_string() || key.is_number();
    if (!sortable || (!keyed.empty() && type_name(key) != type_name(keyed[0].key)))
      return bad("the keys to order by must be all numbers or all strings, not " +
                 std::string(type_name(key)));
    keyed.push_back({std::move(key), &item});
  }
  return keyed;
}

Value avg(const Arguments& a) {
  if (items(a[0]).empty()) return json::value(nullptr);
  double sum = 0;
  for (const auto& item : items(a[0])) sum += as_double(item);
  return number(sum / static_cast<double>(items(a[0]).size()));
}

Value contains(const Arguments& a) {
  if (a[0].value.is_array())
    return json::value(std::ranges::any_of(
        items(a[0]), [&](const auto& item) { return equal(item, a[1].value); }));
  if (!a[1].value.is_string()) return json::value(false);
  return json::value(text(a[0].value).find(text(a[1].value)) != std::string_view::npos);
}

Value join(const Arguments& a) {
  std::string out;
  for (const auto& item : items(a[1])) {
    if (&item != items(a[1]).data()) out += text(a[0].value);
    out += text(item);
  }
  return json::value(out);
}

Value keys(const Arguments& a) {
  json::array out;
  for (const auto& member : a[0].value.get_object()) out.emplace_back(member.key());
  return json::value(std::move(out));
}

// Characters of UTF-8, not bytes: continuation bytes are 10xxxxxx.
std::int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

Value length(const Arguments& a) {
  const auto& value = a[0].value;
  if (value.is_string()) return json::value(characters(text(value)));
  return json::value(value.is_array() ? value.get_array().size() : value.get_object().size());
}

Value map(const Arguments& a) {
  json::array out;
  for (const auto& item : items(a[1])) {
    TRY(auto value, evaluate(*a[0].expression, item));
    out.push_back(std::move(value));
  }
  return json::value(std::move(out));
}

Value extreme(const json::array& array, bool largest) {
  if (array.empty()) return json::value(nullptr);
  return largest ? *std::ranges::max_element(array, less) : *std::ranges::min_element(array, less);
}

Value extreme_by(const Arguments& a, bool largest) {
  TRY(auto keyed, keys_of(a));
  if (keyed.empty()) return json::value(nullptr);
  const auto by = [](const Keyed& x, const Keyed& y) { return less(x.key, y.key); };
  return largest ? *std::ranges::max_element(keyed, by)->item
                 : *std::ranges::min_element(keyed, by)->item;
}

Value merge(const Arguments& a) {
  json::object out;
  for (const auto& argument : a)
    for (const auto& member : argument.value.get_object())
      out.insert_or_assign(member.key(), member.value());
  return json::value(std::move(out));
}

Value not_null(const Arguments& a) {
  const auto found = std::ranges::find_if(a, [](const auto& one) { return !one.value.is_null(); });
  return found == a.end() ? json::value(nullptr) : found->value;
}

// Whole characters change places; the bytes of each stay in order.
std::string reversed(std::string_view text) {
  std::string out;
  for (std::size_t end = text.size(); end > 0;) {
    std::size_t start = end - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) --start;
    out += text.substr(start, end - start);
    end = start;
  }
  return out;
}

Value reverse(const Arguments& a) {
  if (a[0].value.is_string()) return json::value(reversed(text(a[0].value)));
  json::array out = items(a[0]);
  std::ranges::reverse(out);
  return json::value(std::move(out));
}

Value sort(const Arguments& a) {
  std::vector<json::value> sorted(items(a[0]).begin(), items(a[0]).end());
  std::ranges::sort(sorted, less);
  return json::value(json::array(sorted.begin(), sorted.end()));
}

Value sort_by(const Arguments& a) {
  TRY(auto keyed, keys_of(a));
  // Equal keys keep their order: items lie in memory in the order of the array.
  std::ranges::sort(keyed, [](const auto& x, const auto& y) {
    if (less(x.key, y.key)) return true;
    return !less(y.key, x.key) && x.item < y.item;
  });
  json::array out;
  for (const auto& one : keyed) out.push_back(*one.item);
  return json::value(std::move(out));
}

Value sum(const Arguments& a) {
  double total = 0;
  for (const auto& item : items(a[0])) total += as_double(item);
  return number(total);
}

Value to_array(const Arguments& a) {
  if (a[0].value.is_array()) return a[0].value;
  return json::value(json::array{a[0].value});
}

Value to_string(const Arguments& a) {
  if (a[0].value.is_string()) return a[0].value;
  return json::value(json::serialize(a[0].value));
}

Value to_number(const Arguments& a) {
  if (a[0].value.is_number()) return a[0].value;
  if (!a[0].value.is_string()) return json::value(nullptr);
  auto parsed = parse_json(text(a[0].value));
  return parsed && parsed->is_number() ? *parsed : json::value(nullptr);
}

Value values(const Arguments& a) {
  json::array out;
  for (const auto& member : a[0].value.get_object()) out.push_back(member.value());
  return json::value(std::move(out));
}

// Types separated by '|': the names of type_name, "numbers" and "strings" for arrays of one kind
// ("ordered": either), "any", "expression". A last type that ends in "..." may repeat.
struct Function {
  std::string_view name;
  std::vector<std::string_view> types;
  std::function<Value(const Arguments&)> body;
};

const std::vector<Function>& functions() {
  static const std::vector<Function> kFunctions = {
      {"abs", {"number"}, [](const auto& a) { return number(std::abs(as_double(a[0].value))); }},
      {"avg", {"numbers"}, avg},
      {"ceil", {"number"}, [](const auto& a) { return number(std::ceil(as_double(a[0].value))); }},
      {"contains", {"array|string", "any"}, contains},
      {"ends_with",
       {"string", "string"},
       [](const auto& a) { return json::value(text(a[0].value).ends_with(text(a[1].value))); }},
      {"floor",
       {"number"},
       [](const auto& a) { return number(std::floor(as_double(a[0].value))); }},
      {"join", {"string", "strings"}, join},
      {"keys", {"object"}, keys},
      {"length", {"string|array|object"}, length},
      {"map", {"expression", "array"}, map},
      {"max", {"ordered"}, [](const auto& a) { return extreme(items(a[0]), true); }},
      {"max_by", {"array", "expression"}, [](const auto& a) { return extreme_by(a, true); }},
      {"merge", {"object..."}, merge},
      {"min", {"ordered"}, [](const auto& a) { return extreme(items(a[0]), false); }},
      {"min_by", {"array", "expression"}, [](const auto& a) { return extreme_by(a, false); }},
      {"not_null", {"any..."}, not_null},
      {"reverse", {"array|string"}, reverse},
      {"sort", {"ordered"}, sort},
      {"sort_by", {"array", "expression"}, sort_by},
      {"starts_with",
       {"string", "string"},
       [](const auto& a) { return json::value(text(a[0].value).starts_with(text(a[1].value))); }},
      {"sum", {"numbers"}, sum},
      {"to_array", {"any"}, to_array},
      {"to_number", {"any"}, to_number},
      {"to_string", {"any"}, to_string},
      {"type", {"any"}, [](const auto& a) { return json::value(type_name(a[0].value)); }},
      {"values", {"object"}, values},
  };
  return kFunctions;
}

bool fits_one(const Argument& argument, std::string_view type) {
  if (type == "expression") return argument.expression != nullptr;
  if (argument.expression != nullptr) return false;
  if (type == "any") return true;
  const auto* array = argument.value.if_array();
  if (type == "numbers") return array != nullptr && all_of_type(*array, "number");
  if (type == "strings") return array != nullptr && all_of_type(*array, "string");
  if (type == "ordered") return fits_one(argument, "numbers") || fits_one(argument, "strings");
  return type_name(argument.value) == type;
}

bool fits(const Argument& argument, std::string_view types) {
  while (!types.empty()) {
    const auto end = std::min(types.find('|'), types.size());
    if (fits_one(argument, types.substr(0, end))) return true;
    types.remove_prefix(std::min(end + 1, types.size()));
  }
  return false;
}

Result<void> check(const Function& function, const Arguments& arguments) {
  const bool repeats = function.types.back().ends_with("...");
  const auto wanted = function.types.size();
  if (repeats ? arguments.size() < wanted : arguments.size() != wanted)
    return bad(std::string(function.name) + "() takes " + std::to_string(wanted) +
               (repeats ? " or more" : "") + " arguments, not " + std::to_string(arguments.size()));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto type = function.types[std::min(i, wanted - 1)];
    if (type.ends_with("...")) type.remove_suffix(3);
    if (fits(arguments[i], type)) continue;
    const auto& argument = arguments[i];
    return bad(std::string(function.name) + "() wants " + std::string(type) + " as argument " +
               std::to_string(i + 1) + ", not " +
               std::string(argument.expression ? "expression" : type_name(argument.value)));
  }
  return {};
}

}  // namespace

Result<json::value> call_function(const std::string& name, const Arguments& arguments) {
  const auto& all = functions();
  const auto found = std::ranges::find(all, name, &Function::name);
  if (found == all.end()) return bad("there is no function '" + name + "'");
  TRY_VOID(check(*found, arguments));
  return found->body(arguments);
}

}  // namespace slipway::cli::jmespath
