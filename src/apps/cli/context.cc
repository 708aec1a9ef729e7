#include "apps/cli/context.h"

#include <fmt/format.h>

#include "base/file.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kWorkspaceVersion = "2022-05-01";
constexpr std::string_view kComputeVersion = "2020-02-02";

std::string_view prefix_of(Face face) {
  switch (face) {
    case Face::management: return "/modelmanagement/v1.0";
    case Face::artifact: return "/artifact/v2.0";
    case Face::environment: return "/environment/v1.0";
    case Face::compute: return "/rp/workspaces";
    case Face::manager: break;
  }
  return "";
}

void fill(std::string& empty, const std::string& value) {
  if (empty.empty()) empty = value;
}

std::string or_default(const std::map<std::string, std::string>& defaults, const char* name,
                       const char* other) {
  const auto found = defaults.find(name);
  if (found != defaults.end()) return found->second;
  const auto second = defaults.find(other);
  return second == defaults.end() ? "" : second->second;
}

bool agrees(const std::string& wanted, const std::string& there) {
  return wanted.empty() || wanted == there;
}

Error which_workspace(const std::vector<WorkspaceName>& found) {
  if (found.empty())
    return fail(ErrorCode::not_found,
                "there is no such workspace; `ml workspace create -w NAME -g GROUP` makes one",
                "WorkspaceNotFound");
  std::string names;
  for (const auto& one : found) names += fmt::format("\n  -w {} -g {}", one.name, one.group);
  return fail(
      ErrorCode::invalid_argument,
      "the server has several workspaces; name one, or run `ml folder attach` once:" + names,
      "Usage");
}

}  // namespace

std::filesystem::path Context::folder() const { return arguments().text_or("--path", "."); }

std::filesystem::path Context::file(std::string_view option) const {
  return (folder() / arguments().text(option)).lexically_normal();
}

Result<Rest*> Context::rest() {
  if (!rest_) {
    TRY(auto server, find_server());
    TRY(rest_, Rest::open(std::move(server)));
  }
  return rest_.get();
}

WorkspaceName Context::named() const {
  return {arguments().text("--subscription-id"), arguments().text("--resource-group"),
          arguments().text("--workspace-name")};
}

Result<WorkspaceName> Context::workspace() {
  if (workspace_) return *workspace_;
  WorkspaceName name = named();
  if (name.name.empty()) {
    if (auto config = find_project_config(folder())) {
      fill(name.name, config->name);
      fill(name.group, config->group);
      fill(name.subscription, config->subscription);
    }
  }
  const auto defaults = az_defaults();
  fill(name.name, or_default(defaults, "workspace_name", "aml_workspace"));
  if (name.group.empty() && !name.name.empty()) name.group = or_default(defaults, "group", "group");
  if (!name.complete()) {
    TRY(name, complete(name));
  }
  workspace_ = name;
  return name;
}

// Asks the server for what is missing; one workspace must fit.
Result<WorkspaceName> Context::complete(WorkspaceName partial) {
  TRY(const auto all, workspaces(partial.subscription));
  std::vector<WorkspaceName> fitting;
  for (const auto& item : all) {
    const auto name = parse_workspace_id(string_or(item, "id", ""));
    if (name && agrees(partial.name, name->name) && agrees(partial.group, name->group))
      fitting.push_back(*name);
  }
  if (fitting.size() == 1) return fitting[0];
  if (fitting.empty() && !partial.name.empty())
    return fail(ErrorCode::not_found,
                fmt::format("there is no workspace '{}'; `ml workspace list` shows those there are",
                            partial.name),
                "WorkspaceNotFound", "--workspace-name");
  return which_workspace(fitting);
}

Result<std::string> Context::first_subscription() {
  TRY(auto* server, rest());
  TRY(const auto answer, server->get("/subscriptions?api-version=2022-12-01"));
  const auto* value = find(answer, "value");
  if (value == nullptr || !value->is_array() || value->get_array().empty())
    return fail(ErrorCode::not_found, "the server lists no subscription", "SubscriptionNotFound");
  return string_or(value->get_array()[0], "subscriptionId", "");
}

Result<json::array> Context::workspaces(const std::string& subscription) {
  TRY(auto* server, rest());
  json::array subscriptions{json::object{{"subscriptionId", subscription}}};
  if (subscription.empty()) {
    TRY(const auto answer, server->get("/subscriptions?api-version=2022-12-01"));
    if (const auto* value = find(answer, "value"); value != nullptr && value->is_array())
      subscriptions = value->get_array();
  }
  json::array all;
  for (const auto& one : subscriptions) {
    std::string target = "/subscriptions/" +
                         http::percent_encode(string_or(one, "subscriptionId", "")) + "/resources";
    add_query(target, "$filter", "resourceType eq 'Microsoft.MachineLearningServices/workspaces'");
    add_query(target, "api-version", "2025-04-01");
    TRY(const auto answer, server->get(target));
    const auto* value = find(answer, "value");
    if (value == nullptr || !value->is_array()) continue;
    all.insert(all.end(), value->get_array().begin(), value->get_array().end());
  }
  return all;
}

Result<std::string> Context::url(Face face, std::string_view rest) {
  TRY(const auto name, workspace());
  std::string target = std::string(prefix_of(face)) + name.path() + std::string(rest);
  if (face == Face::manager)
    add_query(target, "api-version",
              rest.starts_with("/computes") ? kComputeVersion : kWorkspaceVersion);
  if (face == Face::compute) add_query(target, "api-version", kComputeVersion);
  return target;
}

Result<Reply> Context::call(std::string_view method, Face face, std::string_view rest_of_url,
                            const json::value& body, std::string_view content_type) {
  TRY(auto* server, rest());
  TRY(const auto target, url(face, rest_of_url));
  return server->call(method, target, body, content_type);
}

Result<json::value> Context::get(Face face, std::string_view rest_of_url) {
  TRY(auto reply, call("GET", face, rest_of_url));
  return std::move(reply.body);
}

// Pages are joined by nextLink (a full URL) or, for environments and artifacts, a token.
Result<json::array> Context::list(Face face, const std::string& rest_of_url) {
  TRY(auto* server, rest());
  TRY(const auto first, url(face, rest_of_url));
  json::array all;
  for (std::string target = first; !target.empty();) {
    TRY(const auto page, server->get(target));
    if (const auto* value = find(page, "value"); value != nullptr && value->is_array())
      all.insert(all.end(), value->get_array().begin(), value->get_array().end());
    target = string_or(page, "nextLink", "");
    const auto token = string_or(page, "continuationToken", "");
    if (token.empty()) continue;
    target = first;
    add_query(target, face == Face::environment ? "continuation" : "continuationToken", token);
  }
  return all;
}

Result<void> write_metadata(const Context& context, const json::value& answer) {
  if (!context.arguments().has("--output-metadata-file")) return {};
  return write_file_atomic(context.file("--output-metadata-file"), pretty_json(answer) + "\n",
                           0644);
}

void add_query(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += std::string(name) + "=" + http::percent_encode(value);
}

}  // namespace slipway::cli
