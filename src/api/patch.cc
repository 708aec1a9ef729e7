#include "api/patch.h"

#include <algorithm>
#include <string>
#include <vector>

namespace slipway::api {
namespace {

Error bad_patch(std::string message, std::string path) {
  return fail(ErrorCode::invalid_argument, std::move(message), "InvalidPatch", std::move(path));
}

bool is_allowed(std::string_view path, std::span<const std::string_view> allowed) {
  return std::ranges::any_of(allowed, [&](std::string_view pattern) {
    if (!pattern.ends_with("/*")) return path == pattern;
    const auto stem = pattern.substr(0, pattern.size() - 1);
    return path.starts_with(stem) && path.size() > stem.size() &&
           path.find('/', stem.size()) == std::string_view::npos;
  });
}

std::string unescape(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool escaped = segment[i] == '~' && i + 1 < segment.size();
    if (!escaped)
      out += segment[i];
    else
      out += segment[++i] == '1' ? '/' : '~';
  }
  return out;
}

std::vector<std::string> pointer(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto piece = path.substr(0, path.find('/'));
    out.push_back(unescape(piece));
    path.remove_prefix(piece.size());
  }
  return out;
}

// The object that holds the last member of `path`; parents that are absent or null are made.
Result<json::object*> holder_of(json::object& document, const std::vector<std::string>& path,
                                const std::string& text) {
  json::object* holder = &document;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    json::value& next = (*holder)[path[i]];
    if (next.is_null()) next.emplace_object();
    if (!next.is_object()) return bad_patch("'" + text + "' passes through a value", text);
    holder = &next.get_object();
  }
  return holder;
}

Result<void> apply_one(json::object& document, const json::value& operation,
                       std::span<const std::string_view> allowed) {
  const std::string op = string_or(operation, "op", "");
  const std::string path = string_or(operation, "path", "");
  if (op != "add" && op != "replace" && op != "remove")
    return bad_patch("the operation '" + op + "' is not known; use add, replace or remove", path);
  if (!path.starts_with('/') || !is_allowed(path, allowed)) {
    std::string known;
    for (const auto one : allowed) known += (known.empty() ? "" : ", ") + std::string(one);
    return bad_patch("'" + path + "' cannot be changed; what can be: " + known, path);
  }
  const auto parts = pointer(path);
  TRY(auto* holder, holder_of(document, parts, path));
  if (op == "remove") {
    holder->erase(parts.back());
    return {};
  }
  const auto* value = find(operation, "value");
  (*holder)[parts.back()] = value == nullptr ? json::value(nullptr) : *value;
  return {};
}

}  // namespace

Result<void> apply_patch(json::object& document, const json::array& operations,
                         std::span<const std::string_view> allowed) {
  constexpr std::size_t kMaxOperations = 1'000;
  if (operations.size() > kMaxOperations)
    return fail(ErrorCode::too_large, "a patch holds at most 1000 operations", "InvalidPatch");
  for (const auto& operation : operations) TRY_VOID(apply_one(document, operation, allowed));
  return {};
}

}  // namespace slipway::api
