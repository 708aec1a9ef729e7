#include <fmt/format.h>

#include "apps/cli/shape.h"
#include "apps/cli/wait.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

std::string compute_path(const std::string& name) {
  return "/computes/" + http::percent_encode(name);
}

Waiting waiting_for(std::string_view doing, const std::string& name) {
  return {fmt::format("{} {}", doing, name), "slipway ml computetarget show -n " + name};
}

// PUT would change a target of the same name; create and attach must not.
Result<void> refuse_existing(Context& context, const std::string& name) {
  const auto there = context.get(Face::compute, compute_path(name));
  if (!there && there.error().code == ErrorCode::not_found) return {};
  if (!there) return there.error();
  return fail(ErrorCode::conflict,
              fmt::format("there is already a compute target '{}'; take another name, or delete or "
                          "detach it first",
                          name),
              "ComputeTargetExists", "--name");
}

Result<json::value> put_target(Context& context, std::string_view doing, const json::object& body) {
  const auto name = context.arguments().text("--name");
  TRY_VOID(refuse_existing(context, name));
  TRY(const auto started, context.call("PUT", Face::manager, compute_path(name), body));
  if (!context.arguments().flag("--no-wait"))
    TRY_VOID(wait_for(context, started, waiting_for(doing, name)));
  TRY(const auto made, context.get(Face::compute, compute_path(name)));
  return shaped(context, made, shape_compute);
}

Result<json::object> ssl_of(const Context& context) {
  const auto& arguments = context.arguments();
  if (arguments.has("--ssl-leaf-domain-label"))
    return json::object{{"status", "Auto"},
                        {"leafDomainLabel", arguments.text("--ssl-leaf-domain-label")},
                        {"overwriteExistingDomain", arguments.flag("--ssl-overwrite-domain")}};
  int given = 0;
  for (const auto* option : {"--ssl-cname", "--ssl-cert-file", "--ssl-key-file"})
    given += arguments.has(option) ? 1 : 0;
  if (given == 0) return json::object{};
  if (given != 3)
    return fail(ErrorCode::invalid_argument,
                "--ssl-cname, --ssl-cert-file and --ssl-key-file are given all three or not at all",
                "Usage");
  TRY(const auto certificate, read_file(context.file("--ssl-cert-file"), 1 << 20));
  TRY(const auto key, read_file(context.file("--ssl-key-file"), 1 << 20));
  return json::object{{"status", "Enabled"},
                      {"cname", arguments.text("--ssl-cname")},
                      {"cert", certificate},
                      {"key", key}};
}

Result<json::object> network_of(const Context& context) {
  const auto& arguments = context.arguments();
  constexpr const char* kAll[] = {
      "--vnet-resourcegroup-name", "--vnet-name",         "--subnet-name", "--service-cidr",
      "--dns-service-ip",          "--docker-bridge-cidr"};
  std::size_t given = 0;
  for (const auto* option : kAll) given += arguments.has(option) ? 1 : 0;
  if (given == 0) return json::object{};
  if (given != std::size(kAll))
    return fail(ErrorCode::invalid_argument,
                "not all virtual network options were given; they belong together: "
                "--vnet-resourcegroup-name --vnet-name --subnet-name --service-cidr "
                "--dns-service-ip --docker-bridge-cidr",
                "Usage");
  return json::object{
      {"subnetId", fmt::format("/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/"
                               "virtualNetworks/{}/subnets/{}",
                               arguments.text("--subscription-id"), arguments.text(kAll[0]),
                               arguments.text(kAll[1]), arguments.text(kAll[2]))},
      {"serviceCidr", arguments.text(kAll[3])},
      {"dnsServiceIP", arguments.text(kAll[4])},
      {"dockerBridgeCidr", arguments.text(kAll[5])}};
}

// The server spells it without the underscore that scripts write.
std::string purpose_of(std::string purpose) {
  if (purpose == "DEV_TEST" || purpose == "dev_test") return "DevTest";
  if (purpose == "FAST_PROD" || purpose == "fast_prod") return "FastProd";
  return purpose;
}

void copy_text(const Arguments& arguments, std::string_view option, json::object& body,
               std::string_view key) {
  if (arguments.has(option)) body[key] = arguments.text(option);
}

Result<json::value> create(Context& context) {
  const auto& arguments = context.arguments();
  json::object inner;
  for (const auto& option : context.command().options)
    if (option.name() == "--agent-count" && arguments.has(option.name()))
      inner["agentCount"] = arguments.value(option);
  copy_text(arguments, "--vm-size", inner, "agentVmSize");
  copy_text(arguments, "--load-balancer-type", inner, "loadBalancerType");
  copy_text(arguments, "--load-balancer-subnet", inner, "loadBalancerSubnet");
  if (arguments.has("--cluster-purpose"))
    inner["clusterPurpose"] = purpose_of(arguments.text("--cluster-purpose"));
  TRY(const auto ssl, ssl_of(context));
  if (!ssl.empty()) inner["sslConfiguration"] = ssl;
  TRY(const auto network, network_of(context));
  if (!network.empty()) inner["aksNetworkingConfiguration"] = network;
  json::object properties{{"computeType", "AKS"}};
  copy_text(arguments, "--location", properties, "computeLocation");
  if (!inner.empty()) properties["properties"] = inner;
  return put_target(context, "Creating", {{"location", "local"}, {"properties", properties}});
}

Result<json::value> attach(Context& context) {
  const auto& arguments = context.arguments();
  const json::object properties{
      {"computeType", "AKS"},
      {"resourceId", arguments.text("--compute-resource-id")},
      {"properties",
       {{"clusterPurpose", purpose_of(arguments.text_or("--cluster-purpose", "FastProd"))},
        {"loadBalancerType", "PublicIp"},
        {"loadBalancerSubnet", nullptr}}}};
  return put_target(context, "Attaching", {{"location", "local"}, {"properties", properties}});
}

Result<json::value> show(Context& context) {
  TRY(const auto target,
      context.get(Face::compute, compute_path(context.arguments().text("--name"))));
  return shaped(context, target, shape_compute);
}

Result<json::value> list(Context& context) {
  TRY(const auto targets, context.list(Face::compute, "/computes"));
  return shaped(context, targets, shape_compute);
}

Result<json::value> take_away(Context& context, std::string_view doing, const char* action) {
  const auto name = context.arguments().text("--name");
  auto target = compute_path(name);
  add_query(target, "underlyingResourceAction", action);
  TRY(const auto started, context.call("DELETE", Face::manager, target));
  if (!context.arguments().flag("--no-wait"))
    TRY_VOID(wait_for(context, started, waiting_for(doing, name)));
  return json::value(nullptr);
}

Result<json::value> remove(Context& context) { return take_away(context, "Deleting", "delete"); }
Result<json::value> detach(Context& context) { return take_away(context, "Detaching", "detach"); }

Result<json::value> get_credentials(Context& context) {
  TRY(auto keys, context.call("POST", Face::manager,
                              compute_path(context.arguments().text("--name")) + "/listKeys"));
  return std::move(keys.body);
}

}  // namespace

// clang-format off
std::vector<Command> compute_commands() {
  const Option name{"--name,-n", Kind::text, "Name of the compute target.", Need::required};
  const Option purpose{"--cluster-purpose", Kind::text, "FastProd needs 12 virtual CPUs [FastProd].", Need::optional, "FastProd|DevTest|FAST_PROD|DEV_TEST"};
  const Option no_wait{"--no-wait", Kind::boolean, "Return at once; `computetarget show` tells how it goes on."};
  return {
      {"ml computetarget create aks", "Create a compute target for services.",
       {name,
        {"--agent-count,-a", Kind::integer, "Number of nodes [3; DevTest: 1]."},
        {"--vm-size,-s,--agent-vm-size", Kind::text, "Size of a node [Standard_D3_v2]."},
        purpose,
        {"--location,-l", Kind::text, "Where it is said to be."},
        {"--load-balancer-type", Kind::text, "How scoring is reached [PublicIp].", Need::optional, "PublicIp|InternalLoadBalancer"},
        {"--load-balancer-subnet", Kind::text, "Subnet of an internal load balancer."},
        {"--ssl-cname", Kind::text, "Name in the certificate."},
        {"--ssl-cert-file", Kind::text, "File of the certificate (PEM)."},
        {"--ssl-key-file", Kind::text, "File of its key (PEM)."},
        {"--ssl-leaf-domain-label", Kind::text, "Label of the host name, for a certificate that is made."},
        {"--ssl-overwrite-domain", Kind::boolean, "Take the label over from another target."},
        {"--vnet-resourcegroup-name", Kind::text, "Resource group of the virtual network."},
        {"--vnet-name", Kind::text, "Virtual network."},
        {"--subnet-name", Kind::text, "Subnet in it."},
        {"--service-cidr", Kind::text, "Addresses of Kubernetes services."},
        {"--dns-service-ip", Kind::text, "Address of its name service, inside --service-cidr."},
        {"--docker-bridge-cidr", Kind::text, "Addresses of the container bridge."},
        no_wait},
       {"ml computetarget create aks -n myaks",
        "ml computetarget create aks -n dev -a 1 -s Standard_D2_v2 --cluster-purpose DevTest"}, create},
      {"ml computetarget attach aks", "Attach a cluster that is there already.",
       {name, {"--compute-resource-id,-i", Kind::text, "Resource id of the cluster.", Need::required}, purpose, no_wait},
       {"ml computetarget attach aks -n myaks -i /subscriptions/S/resourceGroups/G/providers/Microsoft.ContainerService/managedClusters/C"}, attach},
      {"ml computetarget show", "Show a compute target.", {name}, {"ml computetarget show -n myaks"}, show},
      {"ml computetarget list", "List compute targets.", {}, {"ml computetarget list -o table"}, list},
      {"ml computetarget delete", "Delete a compute target that no service uses.", {name, no_wait}, {"ml computetarget delete -n myaks"}, remove},
      {"ml computetarget detach", "Take a target out of the workspace and leave its cluster.", {name, no_wait}, {"ml computetarget detach -n myaks"}, detach},
      {"ml computetarget get-credentials", "Credentials of the cluster.", {name}, {"ml computetarget get-credentials -n myaks"}, get_credentials},
  };
}
// clang-format on

}  // namespace slipway::cli
