#include "api/context.h"

#include <algorithm>
#include <charconv>

namespace slipway::api {

const std::string& Context::param(std::string_view name) const {
  const auto found = params.find(name);
  CHECK(found != params.end(), "the route's pattern has no such parameter");
  return found->second;
}

std::string Context::query_or(std::string_view name, std::string_view otherwise) const {
  return std::string(http::find(query, name).value_or(otherwise));
}

namespace {

Result<json::value> parse_body(const Context& context) {
  auto parsed = parse_json(context.body);
  if (parsed) return parsed;
  return fail(ErrorCode::invalid_argument,
              "the body of " + context.head.method + " is not JSON: " + parsed.error().message,
              "InvalidJson");
}

}  // namespace

Result<json::object> Context::object() const {
  if (body.find_first_not_of(" \r\n\t") == std::string::npos) return json::object{};
  TRY(auto value, parse_body(*this));
  if (value.is_null()) return json::object{};
  if (!value.is_object())
    return fail(ErrorCode::invalid_argument, "the body must be a JSON object", "InvalidJson");
  return std::move(value.get_object());
}

Result<json::array> Context::array() const {
  TRY(auto value, parse_body(*this));
  if (!value.is_array())
    return fail(ErrorCode::invalid_argument,
                "the body must be a JSON array of operations: "
                R"([{"op":"replace","path":"/description","value":"…"}])",
                "InvalidJson");
  return std::move(value.get_array());
}

Result<std::optional<std::int64_t>> Context::expected_generation() const {
  const auto header = head.headers.get("If-Match");
  if (!header || *header == "*") return std::optional<std::int64_t>{};
  std::string_view text = *header;
  std::int64_t generation = 0;
  const bool quoted = text.size() > 2 && text.front() == '"' && text.back() == '"';
  if (quoted) text = text.substr(1, text.size() - 2);
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), generation);
  if (quoted && fault == std::errc{} && end == text.data() + text.size())
    return std::optional(generation);
  return fail(ErrorCode::precondition_failed,
              "If-Match is '" + std::string(*header) +
                  "', which is no ETag of ours: send one as it was received, such as \"3\"",
              "PreconditionFailed", "If-Match");
}

http::Response reply(unsigned status, const json::value& body) {
  http::Response response{.status = status, .body = json::serialize(body)};
  response.headers.set("Content-Type", "application/json; charset=utf-8");
  return response;
}

http::Response reply_text(unsigned status, std::string body) {
  http::Response response{.status = status, .body = std::move(body)};
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  return response;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return out;
}

std::string workspace_id(const resources::Workspace& workspace) {
  return "/subscriptions/" + workspace.subscription + "/resourceGroups/" +
         workspace.resource_group + "/providers/Microsoft.MachineLearningServices/workspaces/" +
         workspace.name;
}

std::string management_path(const Context& context) {
  return "/modelmanagement/v1.0" + workspace_id(context.workspace);
}

store::Key workspace_key(std::string_view subscription, std::string_view group,
                         std::string_view name) {
  return {"workspace", "", lower(subscription) + "/" + lower(group) + "/" + lower(name)};
}

}  // namespace slipway::api
