#include "api/models.h"

#include <set>

#include "api/artifact_store.h"
#include "api/handlers.h"
#include "api/paging.h"
#include "api/patch.h"
#include "api/reader.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

constexpr std::string_view kAssetScheme = "aml://asset/";

json::object asset_json(const resources::Asset& asset) {
  return {{"id", asset.id},
          {"name", asset.name},
          {"artifacts", asset.artifacts},
          {"createdTime", to_iso8601(asset.created_ms)}};
}

json::value resources_json(const std::optional<resources::ModelResources>& resources) {
  if (!resources) return nullptr;
  return {{"cpu", to_json(resources->cpu)},
          {"memoryInGB", to_json(resources->memory_gb)},
          {"gpu", to_json(resources->gpu)},
          {"fpga", nullptr}};
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object created_by(const resources::Actor& actor) {
  return {{"userObjectId", actor.object_id}, {"userTenantId", kTenant}, {"userName", actor.name}};
}

void read_resources(Reader& reader, std::optional<resources::ModelResources>& out) {
  json::object given;
  reader.read("resourceRequirements", given);
  if (given.empty()) return;
  auto members = reader.child("resourceRequirements");
  resources::ModelResources resources;
  members.read("cpu", resources.cpu);
  members.read("memoryInGB", resources.memory_gb);
  members.read("gpu", resources.gpu);
  out = resources;
}

// What a registration sends and a patch may change, over what `model` holds.
Result<void> read_model(const json::object& body, resources::Model& model) {
  Reader reader(body);
  reader.read("name", model.name);
  reader.read("framework", model.framework);
  reader.read("frameworkVersion", model.framework_version);
  reader.read("description", model.description);
  reader.read("url", model.url);
  reader.read("mimeType", model.mime_type);
  reader.read("unpack", model.unpack);
  reader.read("runId", model.run_id);
  reader.read("experimentName", model.experiment_name);
  reader.read("kvTags", model.tags);
  reader.read("properties", model.properties);
  reader.read("datasets", model.datasets);
  reader.read("sampleInputData", model.sample_input);
  reader.read("sampleOutputData", model.sample_output);
  read_resources(reader, model.resources);
  return reader.result();
}

Result<std::vector<resources::StoredFile>> unpacked(const Context& context,
                                                    std::vector<resources::StoredFile> files) {
  if (files.size() == 1) return context.artifacts().unpack(files.front().digest);
  return fail(ErrorCode::invalid_argument, "unpack needs exactly one archive", "BadRequest",
              "unpack");
}

Result<std::vector<resources::StoredFile>> files_of_model(const Context& context,
                                                          const resources::Model& model) {
  if (!model.url.starts_with(kAssetScheme))
    return fail(ErrorCode::invalid_argument,
                "url '" + model.url + "' must be aml://asset/<id>, the id of an asset",
                "BadRequest", "url");
  const auto id = model.url.substr(kAssetScheme.size());
  TRY(const auto record, context.store().get(context.key("asset", id)));
  if (!record)
    return fail(ErrorCode::invalid_argument, "there is no asset '" + id + "'", "AssetNotFound",
                "url");
  TRY(const auto asset, desired<resources::Asset>(*record));
  std::vector<resources::StoredFile> files;
  for (const auto& entry : asset.artifacts) {
    TRY(const auto some, files_of_entry(context, entry));
    files.insert(files.end(), some.begin(), some.end());
  }
  if (model.unpack) return unpacked(context, std::move(files));
  return files;
}

}  // namespace

json::object model_json(const resources::Model& model) {
  return {{"id", model.id()},
          {"name", model.name},
          {"version", model.version},
          {"framework", text_or_null(model.framework)},
          {"frameworkVersion", text_or_null(model.framework_version)},
          {"datasets", model.datasets},
          {"url", model.url},
          {"mimeType", model.mime_type},
          {"description", text_or_null(model.description)},
          {"createdTime", to_iso8601(model.created_ms)},
          {"modifiedTime", to_iso8601(model.modified_ms)},
          {"unpack", model.unpack},
          {"parentModelId", nullptr},
          {"runId", text_or_null(model.run_id)},
          {"experimentName", text_or_null(model.experiment_name)},
          {"kvTags", to_json(model.tags)},
          {"properties", to_json(model.properties)},
          {"derivedModelIds", json::array{}},
          {"sampleInputData", model.sample_input},
          {"sampleOutputData", model.sample_output},
          {"resourceRequirements", resources_json(model.resources)},
          {"createdBy", created_by(model.created_by)}};
}

json::object service_model_json(const resources::Model& model) {
  auto body = model_json(model);
  body["tags"] = body["kvTags"];
  return body;
}

Result<store::Record> find_model_record(const Context& context, const std::string& id) {
  const Error missing = fail(ErrorCode::not_found,
                             "there is no model '" + id + "' in workspace '" +
                                 context.workspace.name + "'; Model.list shows those there are",
                             "ModelNotFound", id);
  if (id.find(':') != std::string::npos) {
    TRY(auto record, context.store().get(context.key("model", id)));
    if (!record) return missing;
    return std::move(*record);
  }
  TRY(auto newest,
      context.store().list("model",
                           {.scope = context.workspace.uid, .name_prefix = id + ":", .limit = 1}));
  if (newest.empty()) return missing;
  return std::move(newest.front());
}

Result<resources::Model> find_model(const Context& context, const std::string& id) {
  TRY(const auto record, find_model_record(context, id));
  return desired<resources::Model>(record);
}

Result<http::Response> create_asset(Context& context) {
  TRY(const auto body, context.object());
  resources::Asset asset{.id = random_hex(16), .created_ms = context.now()};
  Reader reader(body);
  reader.read("name", asset.name);
  reader.read("artifacts", asset.artifacts);
  TRY_VOID(reader.result());
  if (asset.artifacts.empty())
    return fail(ErrorCode::invalid_argument, "'artifacts' must name at least one upload",
                "BadRequest", "artifacts");
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(tx.create(context.key("asset", asset.id), to_json(asset)));
    return {};
  }));
  return reply(200, asset_json(asset));
}

Result<http::Response> get_asset(Context& context) {
  const auto& id = context.param("asset");
  TRY(const auto record, context.store().get(context.key("asset", id)));
  if (!record)
    return fail(ErrorCode::not_found, "there is no asset '" + id + "'", "AssetNotFound", id);
  TRY(const auto asset, desired<resources::Asset>(*record));
  return reply(200, asset_json(asset));
}

Result<http::Response> register_model(Context& context) {
  TRY(const auto body, context.object());
  resources::Model model{.version = 1, .created_by = context.actor};
  model.created_ms = model.modified_ms = context.now();
  TRY_VOID(read_model(body, model));
  TRY_VOID(resources::validate(model));
  TRY(model.files, files_of_model(context, model));
  store::Record made;
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(model.version, tx.next("model/" + context.workspace.uid + "/" + model.name));
    TRY(made, tx.create(context.key("model", model.id()), to_json(model)));
    return {};
  }));
  auto response = reply(200, model_json(model));
  response.headers.set("ETag", made.etag());
  return response;
}

namespace {

// Names of models seen so far: newest first, so the first of a name is its latest version.
class LatestOnly {
 public:
  bool operator()(const store::Record& record) {
    return seen_.insert(record.key.name.substr(0, record.key.name.rfind(':'))).second;
  }

 private:
  std::set<std::string> seen_;
};

bool model_passes(const Context& context, const store::Record& record) {
  const auto model = desired<resources::Model>(record);
  if (!model) return false;
  const auto same = [&](std::string_view name, const std::string& value) {
    const auto wanted = context.query_or(name, "");
    return wanted.empty() || wanted == value;
  };
  return same("name", model->name) && same("framework", model->framework) &&
         same("runId", model->run_id) && tags_match(model->tags, context.query_or("tags", "")) &&
         tags_match(model->properties, context.query_or("properties", ""));
}

}  // namespace

Result<http::Response> list_models(Context& context) {
  const bool latest = lower(context.query_or("latestVersionOnly", "false")) == "true";
  LatestOnly latest_only;
  const auto name = context.query_or("name", "");
  TRY(const auto page,
      list_page(context, "model", name.empty() ? "" : name + ":",
                latest ? ScanFrom::top : ScanFrom::token, [&](const store::Record& record) {
                  return (!latest || latest_only(record)) && model_passes(context, record);
                }));
  json::array value;
  for (const auto& record : page.records) {
    TRY(const auto model, desired<resources::Model>(record));
    value.push_back(model_json(model));
  }
  auto body = page_body(context, std::move(value), page.next);
  if (page.next.empty()) body["nextLink"] = nullptr;
  return reply(200, body);
}

Result<http::Response> get_model(Context& context) {
  TRY(const auto record, find_model_record(context, context.param("model")));
  TRY(const auto model, desired<resources::Model>(record));
  auto response = reply(200, model_json(model));
  response.headers.set("ETag", record.etag());
  return response;
}

namespace {

constexpr std::string_view kModelPaths[] = {
    "/kvTags",      "/kvTags/*",        "/properties",       "/properties/*",
    "/description", "/sampleInputData", "/sampleOutputData", "/resourceRequirements",
    "/datasets"};

// Properties may be added but neither changed nor removed.
Result<void> check_properties_kept(const resources::Tags& before, const resources::Tags& after) {
  for (const auto& [key, value] : before)
    if (const auto found = after.find(key); found == after.end() || found->second != value)
      return fail(ErrorCode::invalid_argument,
                  "the property '" + key +
                      "' was set when the model was registered and cannot "
                      "change; use a tag for what changes",
                  "ImmutableProperty", "properties." + key);
  return {};
}

}  // namespace

Result<http::Response> patch_model(Context& context) {
  TRY(const auto operations, context.array());
  TRY(const auto expected, context.expected_generation());
  TRY(const auto record, find_model_record(context, context.param("model")));
  store::Record saved;
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(const auto now, tx.get(record.key));
    if (!now) return fail(ErrorCode::not_found, "the model was deleted", "ModelNotFound");
    TRY(auto model, desired<resources::Model>(*now));
    const auto properties = model.properties;
    auto document = model_json(model);
    TRY_VOID(apply_patch(document, operations, kModelPaths));
    // Absent now means removed, so the defaults stand behind it.
    model.tags.clear();
    model.properties.clear();
    model.description.clear();
    model.resources.reset();
    TRY_VOID(read_model(document, model));
    TRY_VOID(check_properties_kept(properties, model.properties));
    TRY_VOID(resources::validate(model));
    model.modified_ms = context.now();
    TRY(saved, tx.update(record.key, to_json(model), expected));
    return {};
  }));
  TRY(const auto model, desired<resources::Model>(saved));
  auto response = reply(200, model_json(model));
  response.headers.set("ETag", saved.etag());
  return response;
}

namespace {

Result<void> check_unused(store::Transaction& tx, const Context& context, const std::string& id) {
  TRY(const auto services, tx.list("service", {.scope = context.workspace.uid}));
  std::string users;
  for (const auto& record : services) {
    TRY(const auto service, desired<resources::Service>(record));
    for (const auto& model : service.spec.models)
      if (model.name + ":" + std::to_string(model.version) == id)
        users += (users.empty() ? "" : ", ") + service.name;
  }
  if (users.empty()) return {};
  return fail(ErrorCode::precondition_failed,
              "DeletionRequired: the model '" + id + "' is used by " + users +
                  "; delete or update that service first",
              "DeletionRequired", id);
}

}  // namespace

Result<http::Response> delete_model(Context& context) {
  const auto& id = context.param("model");
  TRY(const auto expected, context.expected_generation());
  bool existed = false;
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(const auto record, tx.get(context.key("model", id)));
    if (!record) return {};
    existed = true;
    if (expected && *expected != record->generation)
      return fail(ErrorCode::precondition_failed, "the model has changed since it was read",
                  "PreconditionFailed", "If-Match");
    TRY_VOID(check_unused(tx, context, id));
    return tx.remove(record->key);
  }));
  return http::Response{.status = existed ? 200U : 204U};
}

}  // namespace slipway::api
