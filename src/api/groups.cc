#include "api/handlers.h"
#include "api/workspaces.h"
#include "base/crypto.h"

// Resource groups are only names here: each exists as soon as it is named. Template deployments do
// the one thing that clients use them for, which is to make a workspace.
namespace slipway::api {
namespace {

std::string group_id(const Context& context) {
  return "/subscriptions/" + context.param("subscription") + "/resourceGroups/" +
         context.param("group");
}

store::Key deployment_key(const Context& context) {
  return {"operation", "",
          lower("deployment/" + context.param("subscription") + "/" + context.param("group") + "/" +
                context.param("deployment"))};
}

Error not_found_here(const Context& context) {
  return fail(ErrorCode::not_found,
              "there is no deployment '" + context.param("deployment") + "' in this resource group",
              "DeploymentNotFound");
}

json::object deployment_json(const Context& context) {
  return {{"id", group_id(context) + "/providers/Microsoft.Resources/deployments/" +
                     context.param("deployment")},
          {"name", context.param("deployment")},
          {"type", "Microsoft.Resources/deployments"},
          {"properties",
           {{"provisioningState", "Succeeded"}, {"mode", "Incremental"}, {"duration", "PT1S"}}}};
}

Result<void> require_deployment(const Context& context) {
  TRY(const auto record, context.store().get(deployment_key(context)));
  if (!record) return not_found_here(context);
  return {};
}

constexpr std::string_view kWorkspaceType = "Microsoft.MachineLearningServices/workspaces";

Result<json::object> workspace_of_template(const json::object& body) {
  const auto* properties = body.if_contains("properties");
  const auto* inner = properties == nullptr ? nullptr : find(*properties, "template");
  const auto* resources = inner == nullptr ? nullptr : find(*inner, "resources");
  if (resources != nullptr && resources->is_array())
    for (const auto& one : resources->get_array())
      if (lower(string_or(one, "type", "")) == lower(kWorkspaceType)) return one.as_object();
  return fail(ErrorCode::invalid_argument,
              "properties.template.resources holds no " + std::string(kWorkspaceType) +
                  ", which is the only kind of resource a template can make here",
              "InvalidTemplate", "properties.template.resources");
}

Result<void> keep_deployment(const Context& context) {
  return context.store().write([&](store::Transaction& tx) -> Result<void> {
    const auto key = deployment_key(context);
    TRY(const auto known, tx.get(key));
    if (known) return {};
    resources::Operation operation{.id = key.name, .type = "Deployment", .state = "Succeeded"};
    operation.actor = context.actor;
    operation.created_ms = operation.ended_ms = context.now();
    TRY_VOID(tx.create(key, to_json(operation)));
    return {};
  });
}

}  // namespace

Result<http::Response> get_resource_group(Context& context) {
  return reply(200, {{"id", group_id(context)},
                     {"name", context.param("group")},
                     {"type", "Microsoft.Resources/resourceGroups"},
                     {"location", "local"},
                     {"tags", json::object{}},
                     {"properties", {{"provisioningState", "Succeeded"}}}});
}

Result<http::Response> list_resources(Context&) { return reply(200, {{"value", json::array{}}}); }
Result<http::Response> list_deployments(Context&) { return reply(200, {{"value", json::array{}}}); }

Result<http::Response> put_deployment(Context& context) {
  TRY(const auto body, context.object());
  TRY(const auto wanted, workspace_of_template(body));
  TRY_VOID(save_workspace(context, context.param("subscription"), context.param("group"),
                          string_or(wanted, "name", ""), wanted));
  TRY_VOID(keep_deployment(context));
  auto made = deployment_json(context);
  const auto url = context.base_url + std::string(made["id"].as_string()) + "/operationStatuses/1" +
                   "?api-version=2019-10-01";
  auto response = reply(201, made);
  response.headers.set("Azure-AsyncOperation", url);
  response.headers.set("Retry-After", "1");
  return response;
}

Result<http::Response> get_deployment(Context& context) {
  TRY_VOID(require_deployment(context));
  return reply(200, deployment_json(context));
}

Result<http::Response> get_deployment_status(Context& context) {
  TRY_VOID(require_deployment(context));
  auto response = reply(200, {{"status", "Succeeded"}});
  response.headers.set("Retry-After", "1");
  return response;
}

Result<http::Response> list_deployment_operations(Context& context) {
  TRY_VOID(require_deployment(context));
  return reply(200, {{"value", json::array{}}});
}

}  // namespace slipway::api
