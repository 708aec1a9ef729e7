#include "api/route.h"

namespace slipway::api {
namespace {

using Params = std::map<std::string, std::string, std::less<>>;

std::vector<std::string_view> pattern_segments(std::string_view pattern) {
  std::vector<std::string_view> out;
  pattern.remove_prefix(1);
  while (!pattern.empty()) {
    const auto slash = pattern.find('/');
    out.push_back(pattern.substr(0, slash));
    if (slash == std::string_view::npos) break;
    pattern.remove_prefix(slash + 1);
  }
  return out;
}

struct Compiled {
  const Route* route;
  std::vector<std::string_view> segments;
};

const std::vector<Compiled>& compiled() {
  static const auto table = [] {
    std::vector<Compiled> out;
    for (const auto& route : routes()) out.push_back({&route, pattern_segments(route.pattern)});
    return out;
  }();
  return table;
}

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

std::string join_from(const std::vector<std::string>& segments, std::size_t first) {
  std::string out;
  for (std::size_t i = first; i < segments.size(); ++i)
    out += (out.empty() ? "" : "/") + segments[i];
  return out;
}

bool fits(const Compiled& row, const std::vector<std::string>& path, Params& params) {
  for (std::size_t i = 0; i < row.segments.size(); ++i) {
    const auto piece = row.segments[i];
    if (i >= path.size()) return false;
    if (piece.front() != '{') {
      if (!same_text(piece, path[i])) return false;
      continue;
    }
    const auto name = piece.substr(1, piece.size() - 2);
    if (name.back() == '*') {
      params[std::string(name.substr(0, name.size() - 1))] = join_from(path, i);
      return true;
    }
    params[std::string(name)] = path[i];
  }
  return row.segments.size() == path.size();
}

}  // namespace

Match match(std::string_view method, const std::vector<std::string>& segments) {
  Match found;
  for (const auto& row : compiled()) {
    Params params;
    if (!fits(row, segments, params)) continue;
    if (row.route->method == method) return {row.route, std::move(params), {}};
    if (found.allow.find(row.route->method) != std::string::npos) continue;
    found.allow += (found.allow.empty() ? "" : ", ") + std::string(row.route->method);
  }
  return found;
}

Face face_of(std::string_view path) {
  const auto text = lower(path);
  if (text.starts_with("/modelmanagement/")) return Face::management;
  if (text.starts_with("/artifact/") || text.starts_with("/environment/")) return Face::data;
  if (text.starts_with("/azureml/")) return Face::blob;
  return Face::arm;
}

}  // namespace slipway::api
