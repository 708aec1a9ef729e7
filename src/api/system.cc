#include <set>

#include "api/handlers.h"
#include "base/crypto.h"

namespace slipway::api {

Result<http::Response> get_health(Context&) { return reply_text(200, "ok\n"); }

Result<http::Response> get_openapi(Context&) { return reply(200, openapi()); }

namespace {

Result<json::object> counts(const Context& context) {
  json::object out;
  TRY(const auto workspaces, context.store().list("workspace", {}));
  for (const std::string_view kind : {"model", "environment", "compute", "service", "operation"}) {
    std::size_t total = 0;
    for (const auto& workspace : workspaces) {
      TRY(const auto in_scope, desired<resources::Workspace>(workspace));
      TRY(const auto some, context.store().count(kind, in_scope.uid));
      total += some;
    }
    out[std::string(kind) + "s"] = total;
  }
  out["workspaces"] = workspaces.size();
  return out;
}

json::value capacity_json(const resources::Capacity& capacity) {
  return {{"cpu", capacity.cpu}, {"memoryInGB", capacity.memory_gb}};
}

// What the compute targets promise together, which may be more than the machine has.
Result<resources::Capacity> logical_capacity(const Context& context) {
  resources::Capacity total;
  TRY(const auto workspaces, context.store().list("workspace", {}));
  for (const auto& workspace : workspaces) {
    TRY(const auto scope, desired<resources::Workspace>(workspace));
    TRY(const auto targets, context.store().list("compute", {.scope = scope.uid}));
    for (const auto& record : targets) {
      TRY(const auto target, desired<resources::ComputeTarget>(record));
      const auto one = resources::capacity_of(target);
      total.cpu += one.cpu;
      total.memory_gb += one.memory_gb;
    }
  }
  return total;
}

}  // namespace

Result<http::Response> get_status(Context& context) {
  TRY(auto counted, counts(context));
  TRY(const auto logical, logical_capacity(context));
  resources::Capacity machine;
  if (context.state.options.true_capacity) machine = context.state.options.true_capacity();
  return reply(
      200,
      {{"version", SLIPWAY_VERSION},
       {"startedTime", to_iso8601(context.state.started_ms)},
       {"uptimeSeconds", (context.now() - context.state.started_ms) / 1000},
       {"managementUrl", context.base_url},
       {"scoringUrl", context.state.options.scoring_url},
       {"counts", std::move(counted)},
       {"capacity",
        {{"machine", capacity_json(machine)},
         {"computeTargets", capacity_json(logical)},
         {"overcommitted", logical.cpu > machine.cpu || logical.memory_gb > machine.memory_gb}}}});
}

// The shape of 2019-05-01 is an array; newer versions ask for one object.
Result<http::Response> get_cloud_metadata(Context& context) {
  const auto& base = context.base_url;
  json::object suffixes;
  for (const auto* name : {"storage", "keyVaultDns", "sqlServerHostname", "acrLoginServer",
                           "azureDataLakeStoreFileSystem", "azureDataLakeAnalyticsCatalogAndJob"})
    suffixes[name] = "slipway.local";
  json::object cloud{{"name", "AzureCloud"},
                     {"portal", "https://portal.azure.com"},
                     {"resourceManager", base},
                     {"authentication",
                      {{"loginEndpoint", base},
                       {"audiences", {"https://management.core.windows.net/"}},
                       {"tenant", "common"},
                       {"identityProvider", "AAD"}}},
                     {"suffixes", std::move(suffixes)}};
  for (const auto* name : {"graphAudience", "batch", "gallery", "media", "sqlManagement",
                           "vmImageAliasDoc", "activeDirectoryDataLake", "graph"})
    cloud[name] = base + "/";
  if (context.query_or("api-version", "2019-05-01") > "2019-05-01") return reply(200, cloud);
  return reply(200, json::array{cloud});
}

Result<http::Response> get_discovery(Context& context) {
  json::object body;
  for (const auto* name : {"api", "experimentation", "history", "hyperdrive", "modelmanagement",
                           "studio", "catalog", "gallery", "pipelines", "notebooks"})
    body[name] = context.base_url;
  return reply(200, body);
}

Result<http::Response> post_msi_token(Context& context) {
  const auto& secret = context.state.msi_secret;
  if (!constant_time_equal(context.param("secret"), secret))
    return fail(ErrorCode::not_found, "there is nothing at this path", "NotFound");
  TRY(const auto form, http::parse_query(context.body));
  const std::string resource(
      http::find(form, "resource").value_or("https://management.core.windows.net/"));
  const auto token = mint_token(context.state, resource);
  const auto now = context.now() / 1000;
  return reply(200, {{"access_token", token},
                     {"expires_in", std::to_string(kTokenSeconds)},
                     {"expires_on", std::to_string(now + kTokenSeconds)},
                     {"not_before", std::to_string(now)},
                     {"resource", resource},
                     {"token_type", "Bearer"}});
}

Result<http::Response> list_subscriptions(Context& context) {
  std::set<std::string> ids;
  TRY(const auto workspaces, context.store().list("workspace", {}));
  for (const auto& record : workspaces) {
    TRY(const auto workspace, desired<resources::Workspace>(record));
    ids.insert(workspace.subscription);
  }
  ids.emplace(kDefaultSubscription);
  json::array value;
  for (const auto& id : ids)
    value.push_back({{"id", "/subscriptions/" + id},
                     {"subscriptionId", id},
                     {"displayName", "Slipway"},
                     {"state", "Enabled"},
                     {"tenantId", kTenant},
                     {"authorizationSource", "RoleBased"},
                     {"subscriptionPolicies", json::object{}}});
  const auto total = value.size();
  return reply(200,
               {{"value", std::move(value)}, {"count", {{"type", "Total"}, {"value", total}}}});
}

Result<http::Response> get_provider(Context& context) {
  json::array types;
  for (const auto* type : {"workspaces", "workspaces/computes"})
    types.push_back({{"resourceType", type},
                     {"locations", {"local"}},
                     {"apiVersions", {"2022-05-01", "2020-02-02"}}});
  return reply(200, {{"id", "/subscriptions/" + context.param("subscription") +
                                "/providers/Microsoft.MachineLearningServices"},
                     {"namespace", "Microsoft.MachineLearningServices"},
                     {"registrationState", "Registered"},
                     {"resourceTypes", std::move(types)}});
}

}  // namespace slipway::api
