#include <algorithm>

#include "api/handlers.h"
#include "api/paging.h"
#include "api/reader.h"
#include "api/services.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

using resources::ComputeTarget;

// A cluster outlives the targets that were made or attached on it, until it is deleted. Here it is
// slices of this machine; its name is its resource id in lower case.
struct Cluster {
  ComputeTarget shape;      // agent_count, vm_size, purpose
  std::string attached_to;  // "<uid of workspace>/<target>"; empty when detached
};
BOOST_DESCRIBE_STRUCT(Cluster, (), (shape, attached_to))

store::Key cluster_key(const std::string& resource_id) {
  return {"cluster", "", lower(resource_id)};
}

json::value ssl_without_secrets(const json::value& given) {
  if (!given.is_object()) return nullptr;
  json::object ssl = given.get_object();
  for (const auto* name : {"cert", "key"})
    if (ssl.contains(name)) ssl[name] = nullptr;
  return ssl;
}

Result<void> read_compute(const json::object& body, ComputeTarget& target) {
  Reader reader(body);
  reader.read("location", target.location);
  reader.read("tags", target.tags);
  auto outer = reader.child("properties");
  outer.read("computeLocation", target.location);
  outer.read("description", target.description);
  outer.read("resourceId", target.resource_id);
  auto inner = outer.child("properties");
  inner.read("agentCount", target.agent_count);
  inner.read("agentVmSize", target.vm_size);
  inner.read("agentVMSize", target.vm_size);
  inner.read("clusterPurpose", target.purpose);
  inner.read("loadBalancerType", target.load_balancer_type);
  inner.read("loadBalancerSubnet", target.load_balancer_subnet);
  inner.read("aksNetworkingConfiguration", target.network);
  inner.read("sslConfiguration", target.ssl);
  target.ssl = ssl_without_secrets(target.ssl);
  return reader.result();
}

Result<void> check_compute_type(const json::object& body) {
  const auto* properties = body.if_contains("properties");
  const auto type = properties == nullptr ? "" : string_or(*properties, "computeType", "AKS");
  if (lower(type) == "aks" || lower(type) == "kubernetes") return {};
  return fail(ErrorCode::invalid_argument,
              "the compute type '" + type + "' is not served here; AKS is", "BadRequest",
              "properties.computeType");
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object inner_json(const ComputeTarget& target) {
  json::object ssl{{"status", "Disabled"},
                   {"cert", nullptr},
                   {"key", nullptr},
                   {"cname", nullptr},
                   {"leafDomainLabel", nullptr},
                   {"overwriteExistingDomain", false},
                   {"renew", false}};
  if (target.ssl.is_object())
    for (const auto& [key, value] : target.ssl.get_object()) ssl[key] = value;
  return {{"agentVmSize", target.vm_size},
          {"agentCount", target.agent_count},
          {"clusterPurpose", target.purpose},
          {"clusterFqdn", "localhost"},
          {"loadBalancerType", target.load_balancer_type},
          {"loadBalancerSubnet", text_or_null(target.load_balancer_subnet)},
          {"aksNetworkingConfiguration", target.network},
          {"systemServices",
           {{{"systemServiceType", "ScoringFrontend"},
             {"version", SLIPWAY_VERSION},
             {"publicIpAddress", "127.0.0.1"}}}},
          {"sslConfiguration", std::move(ssl)}};
}

json::array errors_json(const std::vector<resources::Failure>& failures) {
  json::array errors;
  for (const auto& failure : failures)
    errors.push_back({{"error", {{"code", failure.code}, {"message", failure.message}}}});
  return errors;
}

Result<json::object> compute_json(const Context& context, const store::Record& record) {
  TRY(const auto target, desired<ComputeTarget>(record));
  resources::ComputeObserved seen{.state = "Succeeded"};  // slices of this machine need no making
  if (!record.observed.is_null()) {
    TRY(seen, observed<resources::ComputeObserved>(record));
  }
  return json::object{
      {"id", workspace_id(context.workspace) + "/computes/" + target.name},
      {"name", target.name},
      {"location", target.location},
      {"tags", to_json(target.tags)},
      {"type", "Microsoft.MachineLearningServices/workspaces/computes"},
      {"properties",
       {{"computeType", "AKS"},
        {"computeLocation", target.location},
        {"description", text_or_null(target.description)},
        {"resourceId", target.resource_id},
        {"provisioningState", seen.state},
        {"provisioningErrors",
         seen.errors.empty() ? json::value(nullptr) : json::value(errors_json(seen.errors))},
        {"isAttachedCompute", target.attached},
        {"createdOn", to_iso8601(target.created_ms)},
        {"modifiedOn", to_iso8601(target.modified_ms)},
        {"properties", inner_json(target)}}}};
}

std::string own_resource_id(const Context& context, const std::string& name) {
  constexpr std::size_t kDigits = 12;
  return "/subscriptions/" + context.workspace.subscription + "/resourceGroups/" +
         context.workspace.resource_group +
         "/providers/Microsoft.ContainerService/managedClusters/" + name + random_hex(kDigits / 2);
}

std::string holder_name(const Context& context, const ComputeTarget& target) {
  return context.workspace.uid + "/" + target.name;
}

// The shape that was made with the cluster; the attachment decides only the rest.
void take_shape(const ComputeTarget& shape, ComputeTarget& target) {
  target.agent_count = shape.agent_count;
  target.vm_size = shape.vm_size;
  if (target.purpose.empty()) target.purpose = shape.purpose;
  target.attached = true;
}

Error unknown_cluster(const std::string& id) {
  return fail(ErrorCode::not_found,
              "there is no cluster '" + id +
                  "' that this server knows; ComputeTarget.create makes one from this machine, and "
                  "one that was detached can be attached again by its resource id",
              "ClusterNotFound", "properties.resourceId");
}

Result<void> attach_in(store::Transaction& tx, const Context& context, ComputeTarget& target) {
  const auto key = cluster_key(target.resource_id);
  TRY(const auto record, tx.get(key));
  if (!record) return unknown_cluster(target.resource_id);
  TRY(auto cluster, desired<Cluster>(*record));
  if (!cluster.attached_to.empty())
    return fail(ErrorCode::conflict,
                "the cluster is attached already, as '" +
                    cluster.attached_to.substr(cluster.attached_to.find('/') + 1) +
                    "'; a cluster serves one compute target at a time: detach that one first",
                "ClusterAttached", "properties.resourceId");
  take_shape(cluster.shape, target);
  cluster.attached_to = holder_name(context, target);
  TRY_VOID(tx.update(key, to_json(cluster)));
  return {};
}

Result<void> make_cluster_in(store::Transaction& tx, const Context& context,
                             ComputeTarget& target) {
  target.resource_id = own_resource_id(context, target.name);
  const Cluster cluster{target, holder_name(context, target)};
  TRY_VOID(tx.create(cluster_key(target.resource_id), to_json(cluster)));
  return {};
}

// Slices of this machine need no making, so the operation has ended when it begins.
resources::Operation done(const Context& context, const std::string& type,
                          const std::string& target) {
  auto operation = new_operation(context, type, target);
  operation.state = "Succeeded";
  operation.ended_ms = context.now();
  operation.resource_location = workspace_id(context.workspace) + "/computes/" + target;
  return operation;
}

Result<void> create_in(store::Transaction& tx, const Context& context, ComputeTarget& target) {
  target.created_by = context.actor;
  target.created_ms = target.modified_ms = context.now();
  if (target.location.empty()) target.location = context.workspace.location;
  const bool attach = !target.resource_id.empty();
  if (attach) TRY_VOID(attach_in(tx, context, target));
  resources::apply_defaults(target);
  TRY_VOID(resources::validate(target));
  if (!attach) TRY_VOID(make_cluster_in(tx, context, target));
  TRY_VOID(tx.create(context.key("compute", target.name), to_json(target)));
  return {};
}

Error already_there(const ComputeTarget& target, const std::string& what) {
  return fail(ErrorCode::conflict,
              "there is a compute target '" + target.name + "' already" + what +
                  "; creating one is not idempotent. Get it with ComputeTarget(workspace, '" +
                  target.name + "'), or choose another name",
              "ComputeExists", "name");
}

// update() sends the whole object back; what makes the target what it is must be unchanged.
Result<void> update_in(store::Transaction& tx, const Context& context, const json::object& body,
                       const store::Record& record) {
  TRY(const auto before, desired<ComputeTarget>(record));
  if (!body.contains("id")) return already_there(before, "");
  auto after = before;
  after.ssl = nullptr;
  TRY_VOID(read_compute(body, after));
  const bool same = after.agent_count == before.agent_count && after.vm_size == before.vm_size &&
                    after.purpose == before.purpose && after.resource_id == before.resource_id;
  if (!same) return already_there(before, ", and its size, purpose and cluster cannot change");
  TRY_VOID(resources::validate(after));
  after.modified_ms = context.now();
  TRY(const auto expected, context.expected_generation());
  TRY_VOID(tx.update(record.key, to_json(after), expected));
  return {};
}

std::string operation_url(const Context& context, const std::string& id) {
  return context.base_url + workspace_id(context.workspace) + "/computeOperationsStatus/" + id +
         "?api-version=2020-02-02";
}

}  // namespace

Result<http::Response> put_compute(Context& context) {
  TRY(const auto body, context.object());
  TRY_VOID(check_compute_type(body));
  const auto& name = context.param("compute");
  const auto key = context.key("compute", name);
  const auto operation = done(context, "CreateCompute", name);
  bool created = false;
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(const auto record, tx.get(key));
    created = !record;
    TRY_VOID(put_operation(tx, context, operation));
    if (record) return update_in(tx, context, body, *record);
    ComputeTarget target{.name = name};
    TRY_VOID(read_compute(body, target));
    return create_in(tx, context, target);
  }));
  TRY(const auto record, context.store().get(key));
  if (!record) return fail(ErrorCode::conflict, "the compute target was deleted meanwhile");
  TRY(const auto made, compute_json(context, *record));
  auto response = reply(created ? 201 : 200, made);
  response.headers.set("ETag", record->etag());
  response.headers.set("Azure-AsyncOperation", operation_url(context, operation.id));
  response.headers.set("Retry-After", "1");
  return response;
}

namespace {

Result<store::Record> find_compute(const Context& context) {
  const auto& name = context.param("compute");
  TRY(auto record, context.store().get(context.key("compute", name)));
  if (record) return std::move(*record);
  return fail(ErrorCode::not_found,
              "there is no compute target '" + name + "' in workspace '" + context.workspace.name +
                  "'; create it with ComputeTarget.create",
              "ComputeNotFound", name);
}

Result<void> check_unused(store::Transaction& tx, const Context& context, const std::string& name) {
  TRY(const auto services, tx.list("service", {.scope = context.workspace.uid}));
  std::string users;
  for (const auto& record : services) {
    TRY(const auto service, desired<resources::Service>(record));
    if (service.compute_type == "AKS" && service.compute_name == name)
      users += (users.empty() ? "" : ", ") + service.name;
  }
  if (users.empty()) return {};
  return fail(
      ErrorCode::precondition_failed,
      "the compute target '" + name + "' runs the services " + users + "; delete them first",
      "ComputeInUse", name);
}

enum class Underlying { remove, detach };

Result<Underlying> underlying_action(const Context& context) {
  const auto action = lower(context.query_or("underlyingResourceAction", "delete"));
  if (action == "delete") return Underlying::remove;
  if (action == "detach") return Underlying::detach;
  return fail(ErrorCode::invalid_argument,
              "underlyingResourceAction must be Delete or Detach, not '" + action + "'",
              "BadRequest", "underlyingResourceAction");
}

Result<void> release_cluster(store::Transaction& tx, const std::string& id, Underlying action) {
  const auto key = cluster_key(id);
  if (action == Underlying::remove) return tx.remove(key);
  TRY(const auto record, tx.get(key));
  if (!record) return {};
  TRY(auto cluster, desired<Cluster>(*record));
  cluster.attached_to.clear();
  TRY_VOID(tx.update(key, to_json(cluster)));
  return {};
}

Result<void> delete_in(store::Transaction& tx, const Context& context, Underlying action) {
  const auto& name = context.param("compute");
  TRY(const auto record, tx.get(context.key("compute", name)));
  if (!record)
    return fail(ErrorCode::not_found, "the compute target was deleted", "ComputeNotFound");
  TRY(const auto expected, context.expected_generation());
  if (expected && *expected != record->generation)
    return fail(ErrorCode::precondition_failed, "the compute target has changed since it was read",
                "PreconditionFailed", "If-Match");
  TRY_VOID(check_unused(tx, context, name));
  TRY(const auto target, desired<ComputeTarget>(*record));
  TRY_VOID(release_cluster(tx, target.resource_id, action));
  return tx.remove(record->key);
}

}  // namespace

Result<http::Response> get_compute(Context& context) {
  TRY(const auto record, find_compute(context));
  TRY(const auto body, compute_json(context, record));
  auto response = reply(200, body);
  response.headers.set("ETag", record.etag());
  return response;
}

Result<http::Response> list_computes(Context& context) {
  const auto type = lower(context.query_or("computeType", "aks"));
  TRY(const auto page, list_page(context, "compute", "", ScanFrom::token,
                                 [&](const auto&) { return type == "aks"; }));
  json::array value;
  for (const auto& record : page.records) {
    TRY(auto body, compute_json(context, record));
    value.push_back(std::move(body));
  }
  return reply(200, page_body(context, std::move(value), page.next));
}

Result<http::Response> delete_compute(Context& context) {
  TRY(const auto action, underlying_action(context));
  TRY_VOID(find_compute(context));
  const auto operation = done(context, "DeleteCompute", context.param("compute"));
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(delete_in(tx, context, action));
    return put_operation(tx, context, operation);
  }));
  http::Response response{.status = 202};
  const auto url = operation_url(context, operation.id);
  response.headers.set("Azure-AsyncOperation", url);
  response.headers.set("Location", url);
  response.headers.set("Retry-After", "1");
  return response;
}

// Slices of this machine have no kubeconfig.
Result<http::Response> list_compute_keys(Context& context) {
  TRY_VOID(find_compute(context));
  return reply(200, {{"computeType", "AKS"},
                     {"userKubeConfig", ""},
                     {"adminKubeConfig", ""},
                     {"imagePullSecretName", ""}});
}

}  // namespace slipway::api
