#include "apps/cli/shape.h"

#include <initializer_list>

namespace slipway::cli {
namespace {

// Where a key of ours is found in the server's object; null when it is not there.
struct Key {
  std::string_view name;
  std::string_view from = {};  // dotted; empty: the same name
};

json::value at(const json::value& object, std::string_view path) {
  const auto dot = path.find('.');
  const auto* found = find(object, path.substr(0, dot));
  if (found == nullptr) return nullptr;
  return dot == std::string_view::npos ? *found : at(*found, path.substr(dot + 1));
}

json::value pick(const json::value& object, std::initializer_list<Key> keys) {
  json::object out;
  for (const auto& key : keys) out[key.name] = at(object, key.from.empty() ? key.name : key.from);
  return out;
}

}  // namespace

json::value shape_workspace(const json::value& workspace) {
  auto out = pick(workspace, {{"name"},
                              {"resourceGroup"},
                              {"subscriptionId"},
                              {"location"},
                              {"friendlyName", "properties.friendlyName"},
                              {"description", "properties.description"},
                              {"workspaceid", "properties.workspaceId"},
                              {"creationTime", "properties.creationTime"},
                              {"discoveryUrl", "properties.discoveryUrl"},
                              {"provisioningState", "properties.provisioningState"},
                              {"sku"},
                              {"tags"},
                              {"id"}});
  if (const auto name = parse_workspace_id(string_or(workspace, "id", ""))) {
    out.get_object()["resourceGroup"] = name->group;
    out.get_object()["subscriptionId"] = name->subscription;
  }
  return out;
}

json::value shape_model(const json::value& model) {
  return pick(model, {{"name"},
                      {"id"},
                      {"version"},
                      {"framework"},
                      {"frameworkVersion"},
                      {"createdTime"},
                      {"tags", "kvTags"},
                      {"properties"},
                      {"description"},
                      {"experimentName"},
                      {"runId"},
                      {"cpu", "resourceRequirements.cpu"},
                      {"memoryInGB", "resourceRequirements.memoryInGB"},
                      {"gpu", "resourceRequirements.gpu"},
                      {"sampleInputDatasetId", "sampleInputData.datasetId"},
                      {"sampleOutputDatasetId", "sampleOutputData.datasetId"}});
}

json::value shape_model_row(const json::value& model) {
  return pick(
      model, {{"name"}, {"id"}, {"version"}, {"framework"}, {"frameworkVersion"}, {"createdTime"}});
}

json::value shape_compute(const json::value& compute) {
  return pick(compute, {{"id"}, {"name"}, {"tags"}, {"location"}, {"properties"}});
}

json::value shape_service(const json::value& service) {
  return pick(service, {{"name"},
                        {"imageId"},
                        {"updatedAt", "updatedTime"},
                        {"computeType"},
                        {"scoringUri"},
                        {"state"},
                        {"tags", "kvTags"},
                        {"properties"},
                        {"environmentDetails", "environmentImageRequest.environment"}});
}

json::value shaped(const Context& context, const json::value& value, Shape shape) {
  if (context.verbose()) return value;
  if (!value.is_array()) return shape(value);
  json::array out;
  for (const auto& item : value.get_array()) out.push_back(shape(item));
  return out;
}

}  // namespace slipway::cli
