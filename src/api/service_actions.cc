#include <algorithm>
#include <charconv>

#include "api/handlers.h"
#include "api/services.h"

namespace slipway::api {

using resources::Service;

namespace {

// The client insists: {} when fine, {"error":{"message"}} to refuse, both with 200.
http::Response verdict(const Result<void>& result) {
  if (result) return reply(200, json::object{});
  return reply(200, {{"error", {{"message", result.error().message}}}});
}

Result<void> check_free_name(const Context& context, const std::string& name) {
  TRY_VOID(resources::check_service_name(name));
  const auto taken = find_service(context, name);
  if (!taken && taken.error().code == ErrorCode::not_found) return {};
  if (!taken) return taken.error();
  return fail(ErrorCode::conflict, "there is a service '" + name +
                                       "' in this workspace already; choose another name, update() "
                                       "it, or deploy with overwrite=True");
}

Result<json::object> object_member(const json::object& body, std::string_view name) {
  const auto* value = body.if_contains(name);
  if (value != nullptr && value->is_object()) return value->get_object();
  return fail(ErrorCode::invalid_argument, std::string(name) + " must be an object");
}

Result<void> check_create(const Context& context, const json::object& body) {
  TRY(const auto request, object_member(body, "createRequest"));
  TRY(const auto service, draft_service(context, request));
  return check_placement(context, service);
}

Result<void> check_update(const Context& context, const json::object& body) {
  const auto* patch = body.if_contains("updateRequest");
  if (patch == nullptr || !patch->is_array())
    return fail(ErrorCode::invalid_argument, "updateRequest must be a JSON-Patch array");
  TRY(const auto record, find_service(context, string_or(body, "serviceName", "")));
  TRY(const auto before, desired<Service>(record));
  TRY(const auto after, patched_service(context, before, patch->get_array()));
  return check_placement(context, after);
}

}  // namespace

Result<http::Response> validate_service_name(Context& context) {
  return verdict(check_free_name(context, context.param("name")));
}

Result<http::Response> validate_service(Context& context) {
  TRY(const auto body, context.object());
  const auto type = lower(string_or(body, "type", ""));
  if (type == "create") return verdict(check_create(context, body));
  if (type == "update") return verdict(check_update(context, body));
  return verdict({});
}

Result<http::Response> validate_service_resources(Context& context) {
  TRY(const auto body, context.object());
  const auto service = draft_service(context, body);
  if (!service) return verdict(service.error());
  return verdict(check_placement(context, *service));
}

Result<void> check_placement(const Context& context, const Service& service) {
  if (service.compute_type != "AKS") return {};
  TRY(const auto record, context.store().get(context.key("compute", service.compute_name)));
  if (!record)
    return fail(ErrorCode::invalid_argument,
                "there is no compute target '" + service.compute_name + "' in workspace '" +
                    context.workspace.name + "'; create it with ComputeTarget.create",
                "ComputeNotFound", "computeName");
  TRY(const auto target, desired<resources::ComputeTarget>(*record));
  const int replicas = service.num_replicas.value_or(service.autoscale.min_replicas);
  return resources::check_fits(resources::capacity_of(target), {}, service.spec.resources,
                               replicas);
}

namespace {

struct KeyChange {
  std::string name;  // of the secret
  std::string value;
};

Result<KeyChange> key_change(const json::object& body) {
  // The documents type it as a number as well as a name.
  const auto* type = body.if_contains("keyType");
  const auto name = lower(string_or(body, "keyType", ""));
  const bool first = name == "primary" || (type != nullptr && *type == json::value(0));
  const bool second = name == "secondary" || (type != nullptr && *type == json::value(1));
  if (!first && !second)
    return fail(ErrorCode::invalid_argument, "keyType must be Primary or Secondary", "BadRequest",
                "keyType");
  TRY(auto value, checked_key(string_or(body, "keyValue", ""), "keyValue"));
  return KeyChange{first ? "primary_key" : "secondary_key", std::move(value)};
}

}  // namespace

Result<http::Response> list_service_keys(Context& context) {
  TRY(const auto record, find_service(context, context.param("service")));
  TRY(const auto primary, context.store().get_secret(record.key, "primary_key"));
  TRY(const auto secondary, context.store().get_secret(record.key, "secondary_key"));
  return reply(200,
               {{"primaryKey", primary.value_or("")}, {"secondaryKey", secondary.value_or("")}});
}

// The generation grows, so that control publishes the new digests.
Result<http::Response> regenerate_service_key(Context& context) {
  TRY(const auto body, context.object());
  TRY(const auto change, key_change(body));
  auto operation = new_operation(context, "RegenerateServiceKeys", context.param("service"));
  operation.state = "Succeeded";
  operation.ended_ms = context.now();
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(const auto record, find_service(tx, context, context.param("service")));
    TRY_VOID(tx.put_secret(record.key, change.name, change.value));
    TRY(const auto updated, tx.update(record.key, record.desired));
    operation.generation = updated.generation;
    return put_operation(tx, context, operation);
  }));
  return accepted(context, operation.id);
}

Result<http::Response> get_service_logs(Context& context) {
  TRY_VOID(find_service(context, context.param("service")));
  constexpr std::size_t kLinesDefault = 5'000;
  constexpr std::size_t kLinesMax = 100'000;
  const auto text = context.query_or("tail", "");
  std::size_t lines = kLinesDefault;
  std::from_chars(text.data(), text.data() + text.size(), lines);
  if (!context.state.options.service_logs) return reply(200, {{"content", ""}});
  TRY(const auto content,
      context.state.options.service_logs(context.workspace.uid, context.param("service"),
                                         std::clamp<std::size_t>(lines, 1, kLinesMax)));
  return reply(200, {{"content", content}});
}

}  // namespace slipway::api
