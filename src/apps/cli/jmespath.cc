#include "apps/cli/jmespath.h"

#include <algorithm>
#include <utility>

#include "apps/cli/jmespath_ast.h"

namespace slipway::cli {
namespace jmespath {

bool truthy(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return false;
    case json::kind::bool_: return value.get_bool();
    case json::kind::string: return !value.get_string().empty();
    case json::kind::array: return !value.get_array().empty();
    case json::kind::object: return !value.get_object().empty();
    default: return true;
  }
}

std::optional<double> as_number(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  return value.to_number<double>();
}

bool equal(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return as_number(a) == as_number(b);
  if (a.is_array() && b.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), equal);
  if (!a.is_object() || !b.is_object()) return a == b;
  if (a.get_object().size() != b.get_object().size()) return false;
  return std::ranges::all_of(a.get_object(), [&](const auto& member) {
    const auto* other = b.get_object().if_contains(member.key());
    return other != nullptr && equal(member.value(), *other);
  });
}

namespace {

using Value = Result<json::value>;

Value index(const json::value& data, std::int64_t number) {
  const auto* items = data.if_array();
  if (items == nullptr) return json::value(nullptr);
  const auto size = static_cast<std::int64_t>(items->size());
  if (number < 0) number += size;
  if (number < 0 || number >= size) return json::value(nullptr);
  return (*items)[static_cast<std::size_t>(number)];
}

// A bound of a slice, negative ones counted from the end, cut to what a walk by `step` can reach.
std::int64_t bound(std::int64_t given, std::int64_t size, std::int64_t step) {
  if (given < 0) given = given < -size ? -1 - (step > 0 ? -1 : 0) : given + size;
  if (given < 0) return step < 0 ? -1 : 0;
  return given >= size ? (step < 0 ? size - 1 : size) : given;
}

Value slice(const Node& node, const json::value& data) {
  const auto* items = data.if_array();
  if (items == nullptr) return json::value(nullptr);
  const auto size = static_cast<std::int64_t>(items->size());
  // Beyond the size a step takes at most one item; cutting it keeps the sums below from overflow.
  const auto step = std::clamp<std::int64_t>(node.step.value_or(1), -size - 1, size + 1);
  auto at = node.start ? bound(*node.start, size, step) : (step < 0 ? size - 1 : 0);
  const auto stop = node.stop ? bound(*node.stop, size, step) : (step < 0 ? -1 : size);
  json::array taken;
  for (; step > 0 ? at < stop : at > stop; at += step)
    taken.push_back((*items)[static_cast<std::size_t>(at)]);
  return json::value(std::move(taken));
}

template <class Keep>
Value project(const json::array& items, const Node& right, const Keep& keep) {
  json::array out;
  for (const auto& item : items) {
    TRY(const bool kept, keep(item));
    if (!kept) continue;
    TRY(auto value, evaluate(right, item));
    if (!value.is_null()) out.push_back(std::move(value));
  }
  return json::value(std::move(out));
}

Result<bool> keep_all(const json::value&) { return true; }

Value projection(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  if (!left.is_array()) return json::value(nullptr);
  return project(left.get_array(), *node.children[1], keep_all);
}

Value value_projection(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  if (!left.is_object()) return json::value(nullptr);
  json::array members;
  for (auto& member : left.get_object()) members.push_back(std::move(member.value()));
  return project(members, *node.children[1], keep_all);
}

Value filter(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  if (!left.is_array()) return json::value(nullptr);
  return project(left.get_array(), *node.children[1], [&](const json::value& item) -> Result<bool> {
    TRY(auto holds, evaluate(*node.children[2], item));
    return truthy(holds);
  });
}

Value flatten(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  if (!left.is_array()) return json::value(nullptr);
  json::array out;
  for (auto& item : left.get_array()) {
    if (auto* inner = item.if_array(); inner != nullptr)
      out.insert(out.end(), inner->begin(), inner->end());
    else
      out.push_back(std::move(item));
  }
  return json::value(std::move(out));
}

Value list(const Node& node, const json::value& data) {
  if (data.is_null()) return json::value(nullptr);
  json::array out;
  for (const auto& child : node.children) {
    TRY(auto value, evaluate(*child, data));
    out.push_back(std::move(value));
  }
  return json::value(std::move(out));
}

Value hash(const Node& node, const json::value& data) {
  if (data.is_null()) return json::value(nullptr);
  json::object out;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    TRY(auto value, evaluate(*node.children[i], data));
    out.insert_or_assign(node.keys[i], std::move(value));
  }
  return json::value(std::move(out));
}

json::value compare(const std::string& op, const json::value& a, const json::value& b) {
  if (op == "==") return equal(a, b);
  if (op == "!=") return !equal(a, b);
  const auto x = as_number(a), y = as_number(b);
  if (!x || !y) return nullptr;
  if (op == "<") return *x < *y;
  if (op == "<=") return *x <= *y;
  return op == ">" ? *x > *y : *x >= *y;
}

// Evaluates both sides, the right one only when the left one does not decide.
Value logic(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  if (truthy(left) == (node.kind == NodeKind::either)) return left;
  return evaluate(*node.children[1], data);
}

Value comparison(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  TRY(auto right, evaluate(*node.children[1], data));
  return compare(node.text, left, right);
}

Value chain(const Node& node, const json::value& data) {
  TRY(auto left, evaluate(*node.children[0], data));
  return evaluate(*node.children[1], left);
}

Value negation(const Node& node, const json::value& data) {
  TRY(auto value, evaluate(*node.children[0], data));
  return json::value(!truthy(value));
}

Value call(const Node& node, const json::value& data) {
  std::vector<Argument> arguments;
  for (const auto& child : node.children) {
    if (child->kind == NodeKind::expression) {
      arguments.push_back({nullptr, child->children[0].get()});
      continue;
    }
    TRY(auto value, evaluate(*child, data));
    arguments.push_back({std::move(value), nullptr});
  }
  return call_function(node.text, arguments);
}

Value field(const Node& node, const json::value& data) {
  const auto* member = find(data, node.text);
  return member == nullptr ? json::value(nullptr) : *member;
}

}  // namespace

Result<json::value> evaluate(const Node& node, const json::value& data) {
  switch (node.kind) {
    case NodeKind::current: return data;
    case NodeKind::field: return field(node, data);
    case NodeKind::index: return index(data, node.number);
    case NodeKind::slice: return slice(node, data);
    case NodeKind::literal: return node.literal;
    case NodeKind::chain: return chain(node, data);
    case NodeKind::projection: return projection(node, data);
    case NodeKind::value_projection: return value_projection(node, data);
    case NodeKind::filter: return filter(node, data);
    case NodeKind::flatten: return flatten(node, data);
    case NodeKind::list: return list(node, data);
    case NodeKind::hash: return hash(node, data);
    case NodeKind::either:
    case NodeKind::both: return logic(node, data);
    case NodeKind::negation: return negation(node, data);
    case NodeKind::comparison: return comparison(node, data);
    case NodeKind::call: return call(node, data);
    case NodeKind::expression: break;
  }
  return fail(ErrorCode::invalid_argument,
              "--query: '&' is only for the arguments of sort_by, max_by, min_by and map",
              "InvalidQuery", "--query");
}

}  // namespace jmespath

Result<JmesPath> JmesPath::compile(std::string_view expression) {
  TRY(auto root, jmespath::parse(expression));
  return JmesPath(std::move(root));
}

Result<json::value> JmesPath::search(const json::value& data) const {
  return jmespath::evaluate(*root_, data);
}

}  // namespace slipway::cli
