#include "api/service_json.h"

#include "api/errors.h"
#include "api/models.h"
#include "api/reader.h"

namespace slipway::api {
namespace {

using resources::Service;

void read_resources(Reader members, resources::ContainerResources& out) {
  members.read("cpu", out.cpu);
  members.read("memoryInGB", out.memory_gb);
  members.read("cpuLimit", out.cpu_limit);
  members.read("memoryInGBLimit", out.memory_gb_limit);
  members.read("gpu", out.gpu);
}

void read_probe(Reader members, resources::ProbePolicy& out) {
  members.read("initialDelaySeconds", out.initial_delay_seconds);
  members.read("periodSeconds", out.period_seconds);
  members.read("timeoutSeconds", out.timeout_seconds);
  members.read("successThreshold", out.success_threshold);
  members.read("failureThreshold", out.failure_threshold);
}

void read_autoscaler(Reader members, resources::AutoscalePolicy& out) {
  members.read("autoscaleEnabled", out.enabled);
  members.read("minReplicas", out.min_replicas);
  members.read("maxReplicas", out.max_replicas);
  members.read("targetUtilization", out.target_utilization);
  members.read("refreshPeriodInSeconds", out.refresh_seconds);
}

json::object resources_json(const resources::ContainerResources& resources) {
  return {{"cpu", resources.cpu},
          {"cpuLimit", to_json(resources.cpu_limit)},
          {"memoryInGB", resources.memory_gb},
          {"memoryInGBLimit", to_json(resources.memory_gb_limit)},
          {"gpu", to_json(resources.gpu)}};
}

json::object probe_json(const resources::ProbePolicy& probe) {
  return {{"initialDelaySeconds", probe.initial_delay_seconds},
          {"periodSeconds", probe.period_seconds},
          {"timeoutSeconds", probe.timeout_seconds},
          {"successThreshold", probe.success_threshold},
          {"failureThreshold", probe.failure_threshold}};
}

json::object autoscaler_json(const resources::AutoscalePolicy& policy) {
  return {{"autoscaleEnabled", policy.enabled},
          {"minReplicas", policy.min_replicas},
          {"maxReplicas", policy.max_replicas},
          {"targetUtilization", policy.target_utilization},
          {"refreshPeriodInSeconds", policy.refresh_seconds}};
}

}  // namespace

Result<void> read_service(const json::object& body, Service& service) {
  Reader reader(body);
  reader.read("name", service.name);
  reader.read("description", service.description);
  reader.read("tags", service.tags);
  reader.read("kvTags", service.tags);
  reader.read("properties", service.properties);
  reader.read("computeType", service.compute_type);
  reader.read("computeName", service.compute_name);
  reader.read("numReplicas", service.num_replicas);
  reader.read("maxConcurrentRequestsPerContainer", service.spec.max_concurrent_requests);
  reader.read("maxQueueWaitMs", service.spec.max_queue_wait_ms);
  reader.read("scoringTimeoutMs", service.spec.scoring_timeout_ms);
  reader.read("namespace", service.kube_namespace);
  reader.read("appInsightsEnabled", service.app_insights_enabled);
  reader.read("authEnabled", service.auth_enabled);
  reader.read("aadAuthEnabled", service.token_auth_enabled);
  reader.read("environmentImageRequest", service.environment_image_request);
  reader.child("dataCollection").read("storageEnabled", service.collect_model_data);
  read_resources(reader.child("containerResourceRequirements"), service.spec.resources);
  read_probe(reader.child("livenessProbeRequirements"), service.spec.probe);
  read_autoscaler(reader.child("autoScaler"), service.autoscale);
  return reader.result();
}

json::object service_document(const Service& service) {
  return {{"name", service.name},
          {"description", service.description},
          {"kvTags", to_json(service.tags)},
          {"properties", to_json(service.properties)},
          {"computeType", service.compute_type},
          {"computeName", service.compute_name},
          {"numReplicas", to_json(service.num_replicas)},
          {"maxConcurrentRequestsPerContainer", service.spec.max_concurrent_requests},
          {"maxQueueWaitMs", service.spec.max_queue_wait_ms},
          {"scoringTimeoutMs", service.spec.scoring_timeout_ms},
          {"namespace", service.kube_namespace},
          {"appInsightsEnabled", service.app_insights_enabled},
          {"authEnabled", service.auth_enabled},
          {"aadAuthEnabled", service.token_auth_enabled},
          {"environmentImageRequest", service.environment_image_request},
          {"dataCollection",
           {{"storageEnabled", service.collect_model_data}, {"eventHubEnabled", false}}},
          {"containerResourceRequirements", resources_json(service.spec.resources)},
          {"livenessProbeRequirements", probe_json(service.spec.probe)},
          {"autoScaler", autoscaler_json(service.autoscale)}};
}

std::span<const std::string_view> service_paths() {
  static constexpr std::string_view kPaths[] = {"/environmentImageRequest",
                                                "/autoScaler/*",
                                                "/dataCollection/storageEnabled",
                                                "/authEnabled",
                                                "/aadAuthEnabled",
                                                "/containerResourceRequirements/*",
                                                "/appInsightsEnabled",
                                                "/scoringTimeoutMs",
                                                "/maxConcurrentRequestsPerContainer",
                                                "/maxQueueWaitMs",
                                                "/numReplicas",
                                                "/livenessProbeRequirements/*",
                                                "/namespace",
                                                "/kvTags",
                                                "/kvTags/*",
                                                "/description",
                                                "/properties/*"};
  return kPaths;
}

Result<ServiceView> view_of(const Context& context, const store::Record& record) {
  ServiceView view;
  TRY(view.service, desired<Service>(record));
  TRY(view.observed, observed<resources::ServiceObserved>(record));
  for (const auto& used : view.service.spec.models) {
    auto model = find_model(context, used.name + ":" + std::to_string(used.version));
    if (model) view.models.push_back(std::move(*model));
  }
  return view;
}

namespace {

std::string service_url(const Context& context, const Service& service, std::string_view leaf) {
  return context.state.options.scoring_url + "/api/v1/service/" + service.route + "/" +
         std::string(leaf);
}

json::object status_json(const resources::ServiceObserved& observed) {
  json::object status{{"desiredReplicas", observed.desired_replicas},
                      {"updatedReplicas", observed.updated_replicas},
                      {"availableReplicas", observed.available_replicas}};
  status["error"] = observed.error ? failure_json(*observed.error) : json::value(nullptr);
  if (!observed.environment_note.empty()) status["environmentNote"] = observed.environment_note;
  return status;
}

void add_aci_members(json::object& body) {
  for (const auto* name : {"cname", "publicIp", "publicFqdn", "sslCertificate", "sslKey"})
    body[name] = nullptr;
  body["sslEnabled"] = true;
  body["location"] = "local";
}

void add_common_members(const Context& context, const ServiceView& view, json::object& body) {
  const auto& service = view.service;
  body["id"] = service.name;
  body["tags"] = body["kvTags"];
  body["state"] = service.deleting ? "Deleting" : view.observed.state;
  body["createdTime"] = to_iso8601(service.created_ms);
  body["updatedTime"] = to_iso8601(service.updated_ms);
  body["operationId"] = service.operation_id;
  body["error"] = view.observed.error ? failure_json(*view.observed.error) : json::value(nullptr);
  body["scoringUri"] = service_url(context, service, "score");
  body["swaggerUri"] = service_url(context, service, "swagger.json");
  body["deploymentStatus"] = status_json(view.observed);
  body["imageId"] = nullptr;
  body["createdBy"] = {{"userObjectId", service.created_by.object_id},
                       {"userTenantId", kTenant},
                       {"userName", service.created_by.name}};
}

}  // namespace

json::object service_json(const Context& context, const ServiceView& view) {
  auto body = service_document(view.service);
  add_common_members(context, view, body);
  json::array models;
  for (const auto& model : view.models) models.push_back(service_model_json(model));
  body["models"] = std::move(models);
  if (view.service.compute_type == "ACI") add_aci_members(body);
  return body;
}

}  // namespace slipway::api
