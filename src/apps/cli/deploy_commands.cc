// `model deploy` and `service update`: the same settings, as a new service or as changes to one.
#include <fmt/format.h>

#include "apps/cli/config_file.h"
#include "apps/cli/inference.h"
#include "apps/cli/settings.h"
#include "apps/cli/shape.h"
#include "apps/cli/wait.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

std::string service_path(const std::string& name) {
  return "/services/" + http::percent_encode(name);
}

Waiting waiting_for(std::string_view doing, const std::string& name) {
  return {fmt::format("{} {}", doing, name), "slipway ml service show -n " + name};
}

// Certificates are given as files; the request carries their content.
Result<void> read_certificates(const Context& context, json::object& config) {
  for (const auto& [option, key] : {std::pair{"--ssl-cert-pem-file", "sslCertificate"},
                                    std::pair{"--ssl-key-pem-file", "sslKey"}}) {
    if (!context.arguments().has(option)) continue;
    TRY(const auto pem, read_file(context.file(option), 1 << 20));
    config[key] = pem;
  }
  return {};
}

Result<json::object> read_settings(Context& context) {
  const auto& arguments = context.arguments();
  json::object config;
  if (arguments.has("--deploy-config-file")) {
    TRY(const auto file, load_config(context.file("--deploy-config-file")));
    TRY(config, check_deployment_config(file));
  }
  apply_flags(config, context.command(), arguments);
  if (arguments.has("--compute-type")) config["computeType"] = arguments.text("--compute-type");
  TRY_VOID(read_certificates(context, config));
  return config;
}

json::object object_of(const std::vector<std::string>& words) {
  json::object out;
  for (const auto& [key, value] : pairs(words)) out[key] = value;
  return out;
}

Result<json::object> create_request(Context& context) {
  const auto& arguments = context.arguments();
  TRY(auto config, read_settings(context));
  // As documented: a deployment with neither configuration nor target goes to ACI.
  if (!config.contains("computeType"))
    config["computeType"] = config.contains("computeTargetName") ? "aks" : "aci";
  TRY(config["computeType"], check_compute_type(string_or(config, "computeType", "")));
  json::object request = create_members(config);
  request["name"] = arguments.text("--name");
  request["kvTags"] = object_of(arguments.list("--tag"));
  request["properties"] = object_of(arguments.list("--property"));
  if (arguments.has("--description")) request["description"] = arguments.text("--description");
  if (arguments.flag("--overwrite")) request["overwrite"] = true;
  TRY(auto models, model_ids(context));
  TRY(request["environmentImageRequest"], image_request(context, std::move(models)));
  return request;
}

Result<json::value> service_now(Context& context, const std::string& name) {
  TRY(const auto service, context.get(Face::management, service_path(name) + "?expand=true"));
  return shaped(context, service, shape_service);
}

Result<json::value> deploy(Context& context) {
  const auto name = context.arguments().text("--name");
  TRY(const auto request, create_request(context));
  TRY(const auto started, context.call("POST", Face::management, "/services", request));
  if (!context.arguments().flag("--no-wait"))
    TRY_VOID(wait_for(context, started, waiting_for("Deploying", name)));
  return service_now(context, name);
}

void replace(json::array& operations, std::string path, json::value value) {
  operations.push_back(
      json::object{{"op", "replace"}, {"path", std::move(path)}, {"value", std::move(value)}});
}

// New code or models. Models alone keep the code and the environment that the service has.
Result<void> add_image(Context& context, const json::value& service, json::array& operations) {
  const auto& arguments = context.arguments();
  bool code = false;
  for (const auto* option : {"--inference-config-file", "--entry-script", "--source-directory",
                             "--environment-name", "--environment-directory", "--conda-file"})
    code = code || arguments.has(option);
  TRY(auto models, model_ids(context));
  if (!code && models.empty()) return {};
  json::object now;
  if (const auto* image = find(service, "environmentImageRequest");
      image != nullptr && image->is_object())
    now = image->get_object();
  if (models.empty() && now.contains("modelIds")) models = now["modelIds"].as_array();
  if (code) {
    TRY(now, image_request(context, std::move(models)));
  } else {
    now["modelIds"] = std::move(models);
  }
  replace(operations, "/environmentImageRequest", std::move(now));
  return {};
}

void add_labels(const Arguments& arguments, const json::value& service, json::array& operations) {
  if (arguments.has("--description"))
    replace(operations, "/description", json::value(arguments.text("--description")));
  if (arguments.has("--add-tag") || arguments.has("--remove-tag")) {
    json::object tags;
    if (const auto* now = find(service, "kvTags"); now != nullptr && now->is_object())
      tags = now->get_object();
    for (const auto& [key, value] : pairs(arguments.list("--add-tag"))) tags[key] = value;
    for (const auto& key : arguments.list("--remove-tag")) tags.erase(key);
    replace(operations, "/kvTags", std::move(tags));
  }
  for (const auto& [key, value] : pairs(arguments.list("--add-property")))
    operations.push_back(
        json::object{{"op", "add"}, {"path", "/properties/" + key}, {"value", value}});
}

Result<json::value> update(Context& context) {
  const auto& arguments = context.arguments();
  const auto name = arguments.text("--name");
  TRY(const auto service, context.get(Face::management, service_path(name) + "?expand=true"));
  TRY(const auto config, read_settings(context));
  json::array operations = update_operations(config);
  add_labels(arguments, service, operations);
  TRY_VOID(add_image(context, service, operations));
  if (operations.empty())
    return fail(ErrorCode::invalid_argument, "nothing to update; --help lists what can change",
                "Usage");
  TRY(const auto started, context.call("PATCH", Face::management, service_path(name), operations,
                                       "application/json-patch+json"));
  if (!arguments.flag("--no-wait"))
    TRY_VOID(wait_for(context, started, waiting_for("Updating", name)));
  return service_now(context, name);
}

// clang-format off
std::vector<Option> shared_settings() {
  return {
      {"--model,-m", Kind::list, "Id of a model, name:version; a bare name is its newest. May be repeated."},
      {"--model-metadata-file,-f", Kind::list, "File written by `model register -t`. May be repeated."},
      {"--inference-config-file,--ic", Kind::text, "Entry script and environment, as JSON or YAML."},
      {"--deploy-config-file,--dc", Kind::text, "Where and with what it runs, as JSON or YAML."},
      {"--entry-script,--es", Kind::text, "Script with init() and run(); relative to the source directory."},
      {"--source-directory,--sd", Kind::text, "Folder that is uploaded with the entry script."},
      {"--environment-name,-e", Kind::text, "Registered environment to run in."},
      {"--environment-version,--ev", Kind::text, "Its version [newest]."},
      {"--environment-directory,--ed", Kind::text, "Folder written by `environment scaffold`."},
      {"--conda-file,--cf", Kind::text, "Conda file to make an environment of."},
      {"--runtime,--rt", Kind::text, "Runtime of the older form without environments.", Need::optional, "python|python-slim"},
      {"--base-image,--bi", Kind::text, "Base image; a note where replicas run without containers."},
      {"--num-replicas,--nr", Kind::integer, "Fixed number of replicas [autoscale]."},
      {"--cpu-cores,--cc", Kind::number, "Cores of each replica [0.1]."},
      {"--cpu-cores-limit,--ccl", Kind::number, "Most cores it may take."},
      {"--memory-gb,--gb", Kind::number, "GiB of memory of each replica [0.5]."},
      {"--memory-gb-limit,--gbl", Kind::number, "Most GiB it may take."},
      {"--gpu-cores,--gc", Kind::integer, "GPUs of each replica."},
      {"--autoscale-enabled,--as", Kind::boolean, "Let load set the number of replicas [true without --nr]."},
      {"--autoscale-min-replicas,--mi", Kind::integer, "Fewest replicas [1]."},
      {"--autoscale-max-replicas,--ma", Kind::integer, "Most replicas [10]."},
      {"--autoscale-refresh-seconds,--ar", Kind::integer, "Seconds between looks at the load [1]."},
      {"--autoscale-target-utilization,--at", Kind::integer, "Percent of use to aim at [70]."},
      {"--auth-enabled,--ae", Kind::boolean, "Ask callers for a key [true; ACI: false]."},
      {"--token-auth-enabled", Kind::boolean, "Ask callers for a token instead of a key [false]."},
      {"--enable-app-insights,--ai", Kind::boolean, "Log requests and answers [false]."},
      {"--collect-model-data,--md", Kind::boolean, "Keep inputs and outputs of models [false]."},
      {"--scoring-timeout-ms,--tm", Kind::integer, "Milliseconds that a scoring request may take [60000]."},
      {"--max-request-wait-time,--mr", Kind::integer, "Milliseconds it may wait for a free replica [500]."},
      {"--replica-max-concurrent-requests,--rm", Kind::integer, "Requests that a replica runs at once [1]."},
      {"--period-seconds,--ps", Kind::integer, "Seconds between health probes [10]."},
      {"--initial-delay-seconds,--id", Kind::integer, "Seconds that a replica has to start [310]."},
      {"--timeout-seconds,--ts", Kind::integer, "Seconds that a probe may take [2]."},
      {"--success-threshold,--st", Kind::integer, "Good probes that make a replica healthy [1]."},
      {"--failure-threshold,--ft", Kind::integer, "Bad probes that make it unhealthy [3]."},
      {"--namespace", Kind::text, "Kubernetes namespace."},
      {"--ssl-enabled,--se", Kind::boolean, "ACI: serve TLS with the certificate below."},
      {"--ssl-cert-pem-file,--sp", Kind::text, "ACI: file of the certificate (PEM)."},
      {"--ssl-key-pem-file,--sk", Kind::text, "ACI: file of its key (PEM)."},
      {"--ssl-cname,--sc", Kind::text, "ACI: name in the certificate."},
      {"--dns-name-label,--dn", Kind::text, "ACI: label of the host name."},
      {"--location,--lo", Kind::text, "ACI: region."},
      {"--no-wait", Kind::boolean, "Return at once; `service show` tells how it goes on."},
  };
}

std::vector<Command> deploy_commands_with(std::vector<Option> first) {
  auto all = shared_settings();
  auto update_options = all;
  all.insert(all.begin(), first.begin(), first.end());
  all.insert(all.end(), {
      {"--compute-target,--ct", Kind::text, "Compute target to run on."},
      {"--compute-type,--cp", Kind::text, "Kind of target [aks with a target, else aci].", Need::optional, "aks|aci"},
      {"--primary-key,--kp", Kind::text, "Primary key [made]."},
      {"--secondary-key,--ks", Kind::text, "Secondary key [made]."},
      {"--description", Kind::text, "What the service does."},
      {"--tag", Kind::list, "Tag as key=value."},
      {"--property", Kind::list, "Property as key=value, never changed afterwards."},
      {"--vault-base-url", Kind::text, "ACI: key vault of the encryption key."},
      {"--key-name", Kind::text, "ACI: name of the encryption key."},
      {"--key-version", Kind::text, "ACI: version of the encryption key."},
      {"--vnet-name", Kind::text, "ACI: virtual network."},
      {"--subnet-name", Kind::text, "ACI: subnet."},
      {"--overwrite", Kind::boolean, "Replace a service of this name."}});
  update_options.insert(update_options.begin(), first.begin(), first.end());
  update_options.insert(update_options.end(), {
      {"--description,-d", Kind::text, "What the service does."},
      {"--add-tag", Kind::list, "Tag as key=value."},
      {"--remove-tag", Kind::list, "Key of a tag to take away."},
      {"--add-property", Kind::list, "Property as key=value; those there are can't change."}});
  return {
      {"ml model deploy", "Deploy models as a web service, and wait until it answers.", all,
       {"ml model deploy -ct myaks -m mymodel:1 -n myservice -ic inferenceconfig.json -dc deploymentconfig.json",
        "ml model deploy -n iris -m iris:1 --ct myaks --cc 0.5 --gb 0.5 --nr 1",
        "ml model deploy -n sklearn -m sk:2 --ct myaks --es score.py --sd src --cf conda.yml --no-wait"},
       deploy},
      {"ml service update", "Change a service, replica by replica.", update_options,
       {"ml service update -n myservice -m mymodel:2", "ml service update -n myservice --nr 3",
        "ml service update -n myservice --dc deploymentconfig.json --add-tag stage=production"},
       update},
  };
}
// clang-format on

}  // namespace

std::vector<Command> deploy_commands() {
  return deploy_commands_with({{"--name,-n", Kind::text, "Name of the service.", Need::required}});
}

}  // namespace slipway::cli
