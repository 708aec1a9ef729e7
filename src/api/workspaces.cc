#include "api/workspaces.h"

#include "api/handlers.h"
#include "api/reader.h"
#include "base/crypto.h"

namespace slipway::api {

json::object workspace_json(const Context& context, const resources::Workspace& workspace) {
  const auto id = workspace_id(workspace);
  return {{"id", id},
          {"name", workspace.name},
          {"type", "Microsoft.MachineLearningServices/workspaces"},
          {"location", workspace.location},
          {"tags", to_json(workspace.tags)},
          {"identity", nullptr},
          {"sku", workspace.sku.empty() ? json::object{{"name", "Basic"}, {"tier", "Basic"}}
                                        : workspace.sku},
          {"properties",
           {{"workspaceId", workspace.uid},
            {"friendlyName", workspace.friendly_name},
            {"description", workspace.description},
            {"storageAccount", id + "/storage"},
            {"keyVault", id + "/secrets"},
            {"applicationInsights", id + "/telemetry"},
            {"containerRegistry", nullptr},
            {"hbiWorkspace", false},
            {"provisioningState", "Succeeded"},
            {"creationTime", to_iso8601(workspace.created_ms)},
            {"discoveryUrl", context.base_url + "/discovery/workspaces/" + workspace.uid},
            {"sdkTelemetryAppInsightsKey", nullptr},
            {"imageBuildCompute", ""},
            {"systemDatastoresAuthMode", "accessKey"},
            {"v1LegacyMode", false},
            {"allowPublicAccessWhenBehindVnet", false}}}};
}

Result<void> read_workspace(const json::object& body, resources::Workspace& workspace) {
  Reader reader(body);
  reader.read("location", workspace.location);
  reader.read("tags", workspace.tags);
  reader.read("sku", workspace.sku);
  auto properties = reader.child("properties");
  properties.read("friendlyName", workspace.friendly_name);
  properties.read("description", workspace.description);
  return reader.result();
}

Result<resources::Workspace> find_workspace(store::Store& store, const std::string& subscription,
                                            const std::string& group, const std::string& name) {
  TRY(const auto record, store.get(workspace_key(subscription, group, name)));
  if (record) return desired<resources::Workspace>(*record);
  return fail(ErrorCode::not_found,
              "there is no workspace '" + name + "' in resource group '" + group +
                  "' of subscription " + subscription +
                  "; make it with Workspace.create, or see which there are with Workspace.list",
              "ResourceNotFound", "workspace");
}

Result<store::Record> save_workspace(const Context& context, const std::string& subscription,
                                     const std::string& group, const std::string& name,
                                     const json::object& body) {
  TRY(const auto expected, context.expected_generation());
  store::Record saved;
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    const auto key = workspace_key(subscription, group, name);
    TRY(const auto before, tx.get(key));
    resources::Workspace workspace{.uid = random_uuid(),
                                   .subscription = subscription,
                                   .resource_group = group,
                                   .name = name,
                                   .friendly_name = name,
                                   .created_by = context.actor,
                                   .created_ms = context.now()};
    if (before) {
      TRY(workspace, desired<resources::Workspace>(*before));
    }
    TRY_VOID(read_workspace(body, workspace));
    TRY_VOID(resources::validate(workspace));
    if (!before) {
      TRY(saved, tx.create(key, to_json(workspace)));
    } else {
      TRY(saved, tx.update(key, to_json(workspace), expected));
    }
    return {};
  }));
  return saved;
}

namespace {

Result<http::Response> answer(const Context& context, const store::Record& record,
                              unsigned status) {
  TRY(const auto workspace, desired<resources::Workspace>(record));
  auto response = reply(status, workspace_json(context, workspace));
  response.headers.set("ETag", record.etag());
  return response;
}

store::Key own_key(const Context& context) {
  return workspace_key(context.workspace.subscription, context.workspace.resource_group,
                       context.workspace.name);
}

}  // namespace

Result<http::Response> list_workspaces(Context& context) {
  TRY(const auto records, context.store().list("workspace", {}));
  const auto group = context.params.find("group");
  json::array value;
  for (const auto& record : records) {
    TRY(const auto workspace, desired<resources::Workspace>(record));
    if (lower(workspace.subscription) != lower(context.param("subscription"))) continue;
    if (group != context.params.end() && lower(workspace.resource_group) != lower(group->second))
      continue;
    value.push_back(workspace_json(context, workspace));
  }
  return reply(200, {{"value", std::move(value)}});
}

Result<http::Response> get_workspace(Context& context) {
  TRY(const auto record, context.store().get(own_key(context)));
  if (!record) return fail(ErrorCode::not_found, "the workspace was deleted", "ResourceNotFound");
  return answer(context, *record, 200);
}

Result<http::Response> put_workspace(Context& context) {
  TRY(const auto body, context.object());
  TRY(const auto record, save_workspace(context, context.param("subscription"),
                                        context.param("group"), context.param("name"), body));
  return answer(context, record, record.generation == 1 ? 201 : 200);
}

Result<http::Response> patch_workspace(Context& context) {
  TRY(const auto body, context.object());
  TRY(const auto record,
      save_workspace(context, context.workspace.subscription, context.workspace.resource_group,
                     context.workspace.name, body));
  return answer(context, record, 200);
}

namespace {

// What lies in the workspace goes with it; running services have to be deleted first.
Result<void> remove_contents(store::Transaction& tx, const std::string& uid) {
  for (const std::string_view kind : {"compute", "model", "environment", "asset", "artifact"}) {
    TRY(const auto records, tx.list(kind, {.scope = uid}));
    for (const auto& record : records) TRY_VOID(tx.remove(record.key));
  }
  return {};
}

}  // namespace

Result<http::Response> delete_workspace(Context& context) {
  TRY(const auto expected, context.expected_generation());
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(const auto record, tx.get(own_key(context)));
    if (!record) return {};
    if (expected && *expected != record->generation)
      return fail(ErrorCode::precondition_failed, "the workspace has changed since it was read",
                  "PreconditionFailed", "If-Match");
    TRY(const auto services, tx.list("service", {.scope = context.workspace.uid}));
    std::string names;
    for (const auto& service : services) names += (names.empty() ? "" : ", ") + service.key.name;
    if (!names.empty())
      return fail(ErrorCode::conflict,
                  "the workspace still has services (" + names + "); delete them first",
                  "Conflict");
    TRY_VOID(remove_contents(tx, context.workspace.uid));
    return tx.remove(record->key);
  }));
  return http::Response{.status = 200};
}

// There is no storage account behind us, so there are no keys of one.
Result<http::Response> list_workspace_keys(Context&) {
  return reply(200, {{"userStorageKey", ""},
                     {"userStorageResourceId", ""},
                     {"appInsightsInstrumentationKey", ""},
                     {"containerRegistryCredentials",
                      {{"location", ""}, {"username", ""}, {"passwords", json::array{}}}}});
}

Result<http::Response> resync_workspace_keys(Context&) { return http::Response{.status = 200}; }

}  // namespace slipway::api
