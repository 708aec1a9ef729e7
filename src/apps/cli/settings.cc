#include "apps/cli/settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::cli {
namespace {

constexpr std::string_view kFile = "the deployment configuration";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view group_of(std::string_view key) {
  const auto dot = key.find('.');
  return dot == std::string_view::npos ? std::string_view() : key.substr(0, dot);
}
std::string_view leaf_of(std::string_view key) { return key.substr(key.find('.') + 1); }

const json::value* get(const json::object& object, std::string_view key) {
  const auto group = group_of(key);
  if (group.empty()) return object.if_contains(key);
  const auto* inner = object.if_contains(group);
  return inner == nullptr ? nullptr : find(*inner, leaf_of(key));
}

void set(json::object& object, std::string_view key, const json::value& value) {
  const auto group = group_of(key);
  if (group.empty()) {
    object[key] = value;
    return;
  }
  if (!object[group].is_object()) object[group].emplace_object();
  object[group].get_object()[leaf_of(key)] = value;
}

std::string_view wanted(Kind kind) {
  switch (kind) {
    case Kind::boolean: return "true or false";
    case Kind::integer: return "a whole number";
    case Kind::number: return "a number";
    default: return "a text";
  }
}

bool has_kind(const json::value& value, Kind kind) {
  switch (kind) {
    case Kind::boolean: return value.is_bool();
    case Kind::integer: return value.is_int64() || value.is_uint64();
    case Kind::number: return value.is_number();
    default: return value.is_string();
  }
}

bool knows(const Setting& setting, std::string_view type) {
  return ("|" + std::string(setting.types) + "|").find("|" + std::string(type) + "|") !=
         std::string::npos;
}

// Keys at one place: the top, or inside a group.
std::vector<std::string_view> keys_at(std::string_view type, std::string_view group) {
  std::vector<std::string_view> out;
  if (group.empty()) out.push_back("computeType");
  for (const auto& setting : settings()) {
    if (!knows(setting, type)) continue;
    const auto own = group_of(setting.key);
    if (own == group) out.push_back(leaf_of(setting.key));
    if (group.empty() && !own.empty() && std::ranges::find(out, own) == out.end())
      out.push_back(own);
  }
  return out;
}

Result<void> check_groups(const json::object& config, std::string_view type) {
  TRY_VOID(check_keys(config, keys_at(type, ""), "", kFile));
  for (const auto& member : config) {
    const auto inside = keys_at(type, member.key());
    if (inside.empty() || member.value().is_null()) continue;
    if (!member.value().is_object())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: '{}' holds an object", kFile, std::string(member.key())),
                  "InvalidConfiguration", std::string(member.key()));
    TRY_VOID(check_keys(member.value().get_object(), inside, member.key(), kFile));
  }
  return {};
}

}  // namespace

// clang-format off
const std::vector<Setting>& settings() {
  static const std::vector<Setting> kSettings = {
      {"autoScaler.autoscaleEnabled", Kind::boolean, "aks", "--autoscale-enabled", ""},
      {"autoScaler.minReplicas", Kind::integer, "aks", "--autoscale-min-replicas", ""},
      {"autoScaler.maxReplicas", Kind::integer, "aks", "--autoscale-max-replicas", ""},
      {"autoScaler.refreshPeriodInSeconds", Kind::integer, "aks", "--autoscale-refresh-seconds", ""},
      {"autoScaler.targetUtilization", Kind::integer, "aks", "--autoscale-target-utilization", ""},
      {"dataCollection.storageEnabled", Kind::boolean, "aks", "--collect-model-data", ""},
      {"authEnabled", Kind::boolean, "aks|aci", "--auth-enabled", ""},
      {"tokenAuthEnabled", Kind::boolean, "aks", "--token-auth-enabled", "aadAuthEnabled"},
      {"containerResourceRequirements.cpu", Kind::number, "aks|aci", "--cpu-cores", ""},
      {"containerResourceRequirements.memoryInGB", Kind::number, "aks|aci", "--memory-gb", ""},
      {"containerResourceRequirements.cpuLimit", Kind::number, "aks", "--cpu-cores-limit", ""},
      {"containerResourceRequirements.memoryInGBLimit", Kind::number, "aks", "--memory-gb-limit", ""},
      {"gpuCores", Kind::integer, "aks", "--gpu-cores", "containerResourceRequirements.gpu"},
      {"appInsightsEnabled", Kind::boolean, "aks|aci", "--enable-app-insights", ""},
      {"scoringTimeoutMs", Kind::integer, "aks", "--scoring-timeout-ms", ""},
      {"maxConcurrentRequestsPerContainer", Kind::integer, "aks", "--replica-max-concurrent-requests", ""},
      {"maxQueueWaitMs", Kind::integer, "aks", "--max-request-wait-time", ""},
      {"numReplicas", Kind::integer, "aks", "--num-replicas", ""},
      {"keys.primaryKey", Kind::text, "aks|aci", "--primary-key", ""},
      {"keys.secondaryKey", Kind::text, "aks|aci", "--secondary-key", ""},
      {"livenessProbeRequirements.periodSeconds", Kind::integer, "aks", "--period-seconds", ""},
      {"livenessProbeRequirements.initialDelaySeconds", Kind::integer, "aks", "--initial-delay-seconds", ""},
      {"livenessProbeRequirements.timeoutSeconds", Kind::integer, "aks", "--timeout-seconds", ""},
      {"livenessProbeRequirements.successThreshold", Kind::integer, "aks", "--success-threshold", ""},
      {"livenessProbeRequirements.failureThreshold", Kind::integer, "aks", "--failure-threshold", ""},
      {"namespace", Kind::text, "aks", "--namespace", ""},
      {"computeTargetName", Kind::text, "aks", "--compute-target", "computeName"},
      {"location", Kind::text, "aci", "--location", ""},
      {"sslEnabled", Kind::boolean, "aci", "--ssl-enabled", ""},
      {"sslCertificate", Kind::text, "aci", "", ""},
      {"sslKey", Kind::text, "aci", "", ""},
      {"cname", Kind::text, "aci", "--ssl-cname", ""},
      {"dnsNameLabel", Kind::text, "aci", "--dns-name-label", ""},
      {"vaultBaseUrl", Kind::text, "aci", "--vault-base-url", "encryptionProperties.vaultBaseUrl"},
      {"keyName", Kind::text, "aci", "--key-name", "encryptionProperties.keyName"},
      {"keyVersion", Kind::text, "aci", "--key-version", "encryptionProperties.keyVersion"},
      {"vnetName", Kind::text, "aci", "--vnet-name", "vnetConfiguration.vnetName"},
      {"subnetName", Kind::text, "aci", "--subnet-name", "vnetConfiguration.subnetName"},
  };
  return kSettings;
}
// clang-format on

Result<void> check_keys(const json::object& object, const std::vector<std::string_view>& known,
                        std::string_view where, std::string_view file) {
  for (const auto& member : object) {
    const std::string key(member.key());
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::string full = where.empty() ? key : fmt::format("{}.{}", where, key);
    const std::string near = nearest(key, known);
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} has an unknown key '{}'; {}", file, full,
                            near.empty() ? fmt::format("it takes: {}", fmt::join(known, ", "))
                                         : fmt::format("did you mean '{}'?", near)),
                "InvalidConfiguration", full);
  }
  return {};
}

Result<std::string> check_compute_type(std::string_view given) {
  const std::string type = lower(given);
  if (type == "aks" || type == "aci") return type;
  return fail(ErrorCode::invalid_argument,
              fmt::format("computeType '{}' can't be deployed; take 'aks' with a compute target, "
                          "or 'aci' for a service without one",
                          given),
              "InvalidConfiguration", "computeType");
}

Result<json::object> check_deployment_config(const json::value& config) {
  const auto* object = config.if_object();
  if (object == nullptr || string_or(config, "computeType", "").empty())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} must be an object with \"computeType\": \"aks\" or \"aci\"", kFile),
                "InvalidConfiguration", "computeType");
  TRY(const auto type, check_compute_type(string_or(config, "computeType", "")));
  TRY_VOID(check_groups(*object, type));
  json::object out{{"computeType", type}};
  for (const auto& setting : settings()) {
    const auto* value = get(*object, setting.key);
    if (value == nullptr || value->is_null()) continue;
    if (!has_kind(*value, setting.kind))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: '{}' must be {}, not {}", kFile, setting.key,
                              wanted(setting.kind), json::serialize(*value)),
                  "InvalidConfiguration", std::string(setting.key));
    set(out, setting.key, *value);
  }
  return out;
}

void apply_flags(json::object& config, const Command& command, const Arguments& arguments) {
  for (const auto& option : command.options)
    for (const auto& setting : settings())
      if (setting.flag == option.name() && arguments.has(option.name()))
        set(config, setting.key, arguments.value(option));
}

json::object create_members(const json::object& config) {
  const std::string type = string_or(config, "computeType", "aks");
  json::object out{{"computeType", type == "aci" ? "ACI" : "AKS"}};
  for (const auto& setting : settings())
    if (const auto* value = get(config, setting.key)) set(out, setting.wire_key(), *value);
  return out;
}

json::array update_operations(const json::object& config) {
  json::array out;
  for (const auto& setting : settings()) {
    const auto* value = get(config, setting.key);
    // A service keeps its target and its keys (`service regen-key` changes those).
    if (value == nullptr || setting.key == "computeTargetName" || setting.key.starts_with("keys."))
      continue;
    std::string path = "/" + std::string(setting.wire_key());
    std::ranges::replace(path, '.', '/');
    out.push_back(json::object{{"op", "replace"}, {"path", path}, {"value", *value}});
  }
  return out;
}

}  // namespace slipway::cli
