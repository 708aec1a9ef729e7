// Rules for services, models, environments and workspaces.
#include "resources/rules.h"

#include <algorithm>

#include "resources/checks.h"

namespace slipway::resources {

namespace {

// One size above the largest virtual machine sold, so that a slip of units is caught here.
constexpr double kMaxCpu = 1'024;
constexpr double kMaxMemoryGb = 16'384;
constexpr int kMaxGpus = 64;
constexpr int kMaxReplicas = 1'000;
constexpr int kMaxConcurrent = 10'000;
constexpr int kMaxRefreshSeconds = 3'600;
constexpr int kMaxProbeSeconds = 3'600;
constexpr int kMaxProbeCount = 1'000;
constexpr int kMaxTimeMs = 300'000;        // documented cap of the scoring time-out
constexpr std::size_t kMaxModels = 1'000;  // documented, per deployment
constexpr std::size_t kMaxKubeNamespace = 63;
constexpr std::size_t kMaxVariables = 500;
constexpr std::size_t kMaxVariableBytes = 32 << 10;
constexpr std::size_t kMaxShortText = 1'024;
constexpr std::size_t kMaxVersionText = 128;
constexpr std::string_view kVariablesPath =
    "environmentImageRequest.environment.environmentVariables";

Result<void> check_limit(const Field& field, std::optional<double> limit, double request,
                         double max) {
  if (!limit) return {};
  TRY_VOID(check_positive(field, *limit, max));
  if (*limit >= request) return {};
  return refuse(field.path, "Invalid configuration, " + std::string(field.parameter) + " is " +
                                shown(*limit) + ", less than the " + shown(request) +
                                " that is requested; raise the limit or lower the request");
}

Result<void> check_resources(const ContainerResources& resources) {
  TRY_VOID(
      check_positive({"containerResourceRequirements.cpu", "cpu_cores"}, resources.cpu, kMaxCpu));
  TRY_VOID(check_positive({"containerResourceRequirements.memoryInGB", "memory_gb"},
                          resources.memory_gb, kMaxMemoryGb));
  TRY_VOID(check_limit({"containerResourceRequirements.cpuLimit", "cpu_cores_limit"},
                       resources.cpu_limit, resources.cpu, kMaxCpu));
  TRY_VOID(check_limit({"containerResourceRequirements.memoryInGBLimit", "memory_gb_limit"},
                       resources.memory_gb_limit, resources.memory_gb, kMaxMemoryGb));
  return check_range({"containerResourceRequirements.gpu", "gpu_cores"}, resources.gpu.value_or(0),
                     {0, kMaxGpus});
}

Result<void> check_probe(const ProbePolicy& probe) {
  TRY_VOID(check_range({"livenessProbeRequirements.initialDelaySeconds", "initial_delay_seconds"},
                       probe.initial_delay_seconds, {1, kMaxProbeSeconds}));
  TRY_VOID(check_range({"livenessProbeRequirements.periodSeconds", "period_seconds"},
                       probe.period_seconds, {1, kMaxProbeSeconds}));
  TRY_VOID(check_range({"livenessProbeRequirements.timeoutSeconds", "timeout_seconds"},
                       probe.timeout_seconds, {1, kMaxProbeSeconds}));
  TRY_VOID(check_range({"livenessProbeRequirements.successThreshold", "success_threshold"},
                       probe.success_threshold, {1, kMaxProbeCount}));
  return check_range({"livenessProbeRequirements.failureThreshold", "failure_threshold"},
                     probe.failure_threshold, {1, kMaxProbeCount});
}

Result<void> check_times(const ServiceSpec& spec) {
  TRY_VOID(check_range({"maxConcurrentRequestsPerContainer", "replica_max_concurrent_requests"},
                       spec.max_concurrent_requests, {1, kMaxConcurrent}));
  TRY_VOID(check_range({"maxQueueWaitMs", "max_request_wait_time"}, spec.max_queue_wait_ms,
                       {1, kMaxTimeMs}));
  return check_range({"scoringTimeoutMs", "scoring_timeout_ms"}, spec.scoring_timeout_ms,
                     {1, kMaxTimeMs});
}

Result<void> check_autoscale(const AutoscalePolicy& policy) {
  TRY_VOID(check_range({"autoScaler.minReplicas", "autoscale_min_replicas"}, policy.min_replicas,
                       {1, kMaxReplicas}));
  TRY_VOID(check_range({"autoScaler.maxReplicas", "autoscale_max_replicas"}, policy.max_replicas,
                       {1, kMaxReplicas}));
  TRY_VOID(check_range({"autoScaler.targetUtilization", "autoscale_target_utilization"},
                       policy.target_utilization, {1, 100}));
  TRY_VOID(check_range({"autoScaler.refreshPeriodInSeconds", "autoscale_refresh_seconds"},
                       policy.refresh_seconds, {1, kMaxRefreshSeconds}));
  if (policy.min_replicas <= policy.max_replicas) return {};
  return refuse("autoScaler.minReplicas",
                "Invalid configuration, autoscale_min_replicas " +
                    std::to_string(policy.min_replicas) + " cannot be greater than " +
                    "autoscale_max_replicas " + std::to_string(policy.max_replicas) +
                    "; lower the first or raise the second");
}

Result<void> check_replicas(const Service& service) {
  if (service.autoscale.enabled && service.num_replicas)
    return refuse("numReplicas",
                  "Invalid configuration, autoscale enabled and num_replicas provided (" +
                      std::to_string(*service.num_replicas) +
                      "). Leave num_replicas out, or set autoscale_enabled to False");
  if (!service.autoscale.enabled && !service.num_replicas)
    return refuse("numReplicas",
                  "Invalid configuration, autoscale disabled but num_replicas not provided. Give "
                  "num_replicas, or set autoscale_enabled to True");
  if (service.num_replicas)
    TRY_VOID(
        check_range({"numReplicas", "num_replicas"}, *service.num_replicas, {1, kMaxReplicas}));
  return check_autoscale(service.autoscale);
}

Result<void> check_auth(const Service& service) {
  if (service.auth_enabled && service.token_auth_enabled)
    return refuse("aadAuthEnabled",
                  "Invalid configuration, auth_enabled and token_auth_enabled cannot both be true. "
                  "Keep keys (auth_enabled) or tokens (token_auth_enabled), and set the other to "
                  "False");
  if (service.compute_type == "ACI" && service.token_auth_enabled)
    return refuse("aadAuthEnabled",
                  "token_auth_enabled is not available for compute type ACI; use auth_enabled "
                  "(keys), or deploy to AKS");
  return {};
}

bool is_kube_namespace(std::string_view name) {
  const auto is_inner = [](char c) { return is_lower(c) || is_digit(c) || c == '-'; };
  return name.size() <= kMaxKubeNamespace && std::all_of(name.begin(), name.end(), is_inner) &&
         name.front() != '-' && name.back() != '-';
}

Result<void> check_placement(const Service& service) {
  if (service.compute_type != "AKS" && service.compute_type != "ACI")
    return refuse("computeType", "The compute type " + shown(service.compute_type) +
                                     " is unknown; give AKS or ACI");
  if (service.compute_type == "AKS" && service.compute_name.empty())
    return refuse("computeName",
                  "computeName is empty, but compute type AKS needs the name of a compute target; "
                  "give deployment_target or compute_target_name");
  if (service.kube_namespace.empty() || is_kube_namespace(service.kube_namespace)) return {};
  return refuse("namespace", "The namespace " + shown(service.kube_namespace) +
                                 " is invalid: it must be 1 to 63 lower-case letters, digits and "
                                 "'-', and neither begin nor end with '-'. Choose another");
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTagKeyBytes && name.find('=') == name.npos &&
         std::none_of(name.begin(), name.end(), is_control);
}

Result<void> check_variables(const Tags& variables) {
  if (variables.size() > kMaxVariables)
    return refuse(kVariablesPath, "There are " + std::to_string(variables.size()) +
                                      " environment variables, but at most " +
                                      std::to_string(kMaxVariables) + " are allowed; remove some");
  for (const auto& [name, value] : variables) {
    const std::string path = std::string(kVariablesPath) + "." + name;
    if (!is_variable_name(name))
      return refuse(kVariablesPath, "The environment variable name " + shown(name) +
                                        " is invalid: it must be 1 to 256 bytes without '=' or "
                                        "control characters. Rename it");
    TRY_VOID(check_length(path, value, kMaxVariableBytes));
    if (value.find('\0') != value.npos)
      return refuse(path, path + " holds a NUL character; remove it");
  }
  return {};
}

Result<void> check_files(const std::vector<StoredFile>& files) {
  for (const auto& file : files) TRY_VOID(check_relative_path(file.path));
  return {};
}

Result<void> check_models(const ServiceSpec& spec) {
  if (spec.models.size() > kMaxModels)
    return refuse("environmentImageRequest.modelIds",
                  "The service names " + std::to_string(spec.models.size()) +
                      " models, but may have at most " + std::to_string(kMaxModels) +
                      "; put several files into one model");
  for (const auto& model : spec.models) TRY_VOID(check_model_name(model.name));
  if (spec.kind != "onnx" || spec.models.size() == 1) return {};
  return refuse("environmentImageRequest.modelIds",
                "A service without an entry script serves exactly one model, but " +
                    std::to_string(spec.models.size()) +
                    " are given. Name one model, or give an inference configuration with an "
                    "entry script");
}

Result<void> check_spec(const ServiceSpec& spec) {
  if (spec.kind != "python" && spec.kind != "onnx")
    return refuse("environmentImageRequest",
                  "The kind of service " + shown(spec.kind) + " is unknown; it is python or onnx");
  TRY_VOID(check_models(spec));
  // Without an entry script control brings one (no-code deployment).
  if (!spec.entry_script.empty()) TRY_VOID(check_relative_path(spec.entry_script));
  TRY_VOID(check_files(spec.code));
  TRY_VOID(check_variables(spec.environment_variables));
  TRY_VOID(check_resources(spec.resources));
  TRY_VOID(check_probe(spec.probe));
  return check_times(spec);
}

Result<void> check_labels(std::string_view description, const Tags& tags, const Tags& properties) {
  TRY_VOID(check_length("description", description, kMaxDescriptionBytes));
  TRY_VOID(check_tags("kvTags", tags));
  return check_tags("properties", properties);
}

Result<void> check_model_resources(const ModelResources& resources) {
  if (resources.cpu)
    TRY_VOID(check_positive({"resourceRequirements.cpu", "cpu"}, *resources.cpu, kMaxCpu));
  if (resources.memory_gb)
    TRY_VOID(check_positive({"resourceRequirements.memoryInGB", "memory_in_gb"},
                            *resources.memory_gb, kMaxMemoryGb));
  return check_range({"resourceRequirements.gpu", "gpu"}, resources.gpu.value_or(0), {0, kMaxGpus});
}

Error wrong_shape(const std::string& path, std::string_view expected) {
  return refuse(path, path + " has the wrong shape: it must be " + std::string(expected));
}

Result<void> check_strings(const json::value& list, const std::string& path) {
  const auto* array = list.if_array();
  if (array == nullptr) return wrong_shape(path, "a list of strings");
  for (std::size_t i = 0; i < array->size(); ++i)
    if (!(*array)[i].is_string())
      return wrong_shape(path + "[" + std::to_string(i) + "]", "a string");
  return {};
}

// A conda specification: strings, and at most {"pip": [strings]} among its dependencies.
Result<void> check_conda(const json::value& conda, const std::string& path) {
  if (!conda.is_object()) return wrong_shape(path, "an object with 'dependencies'");
  if (const auto* channels = find(conda, "channels"))
    TRY_VOID(check_strings(*channels, path + ".channels"));
  const auto* dependencies = find(conda, "dependencies");
  if (dependencies == nullptr) return {};
  const std::string at = path + ".dependencies";
  if (!dependencies->is_array()) return wrong_shape(at, "a list");
  for (const auto& item : dependencies->get_array()) {
    const auto* pip = find(item, "pip");
    if (pip != nullptr) TRY_VOID(check_strings(*pip, at + ".pip"));
    if (pip == nullptr && !item.is_string())
      return wrong_shape(at, "a list of strings and one {\"pip\": [...]}");
  }
  return {};
}

Result<void> check_variables_object(const json::value& definition) {
  const auto* variables = find(definition, "environmentVariables");
  if (variables == nullptr || variables->is_null()) return {};
  auto decoded = from_json<Tags>(*variables);
  if (!decoded) return wrong_shape("environmentVariables", "an object of strings");
  return check_variables(*decoded);
}

}  // namespace

Result<void> validate(const Service& service) {
  TRY_VOID(check_service_name(service.name));
  TRY_VOID(check_placement(service));
  TRY_VOID(check_spec(service.spec));
  TRY_VOID(check_replicas(service));
  TRY_VOID(check_auth(service));
  return check_labels(service.description, service.tags, service.properties);
}

Result<void> validate(const Model& model) {
  TRY_VOID(check_model_name(model.name));
  TRY_VOID(check_length("framework", model.framework, kMaxVersionText));
  TRY_VOID(check_length("frameworkVersion", model.framework_version, kMaxVersionText));
  TRY_VOID(check_length("url", model.url, kMaxShortText));
  TRY_VOID(check_length("experimentName", model.experiment_name, kMaxShortText));
  TRY_VOID(check_length("runId", model.run_id, kMaxShortText));
  TRY_VOID(check_labels(model.description, model.tags, model.properties));
  if (model.resources) TRY_VOID(check_model_resources(*model.resources));
  return check_files(model.files);
}

Result<void> validate(const Environment& environment) {
  TRY_VOID(check_environment_name(environment.name));
  TRY_VOID(check_length("version", environment.version, kMaxVersionText));
  const json::value definition(environment.definition);
  TRY_VOID(check_variables_object(definition));
  const auto* python = find(definition, "python");
  if (python == nullptr || python->is_null()) return {};
  if (!python->is_object()) return wrong_shape("python", "an object");
  const auto* conda = find(*python, "condaDependencies");
  if (conda == nullptr || conda->is_null()) return {};
  return check_conda(*conda, "python.condaDependencies");
}

Result<void> validate(const Workspace& workspace) {
  TRY_VOID(check_workspace_name(workspace.name));
  TRY_VOID(check_length("properties.friendlyName", workspace.friendly_name, kMaxShortText));
  TRY_VOID(check_length("properties.description", workspace.description, kMaxDescriptionBytes));
  return check_tags("tags", workspace.tags);
}

}  // namespace slipway::resources
