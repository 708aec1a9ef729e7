#include "api/services.h"

#include <algorithm>

#include "api/handlers.h"
#include "api/paging.h"
#include "api/patch.h"
#include "api/service_json.h"
#include "api/service_spec.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

using resources::Service;

bool names(const json::object& body, std::string_view outer, std::string_view inner) {
  const auto* member = body.if_contains(outer);
  const auto* value = member == nullptr ? nullptr : find(*member, inner);
  return value != nullptr && !value->is_null();
}

bool names(const json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value != nullptr && !value->is_null();
}

// The documented defaults that depend on what else was said.
void settle_defaults(const json::object& body, Service& service) {
  const bool aci = service.compute_type == "ACI";
  if (aci) service.compute_name.clear();
  if (aci && !service.num_replicas) service.num_replicas = 1;
  if (service.num_replicas == 0) service.num_replicas.reset();
  if (!names(body, "autoScaler", "autoscaleEnabled"))
    service.autoscale.enabled = !service.num_replicas.has_value();
  if (!names(body, "authEnabled")) service.auth_enabled = !aci && !service.token_auth_enabled;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  return text;
}

bool touches(const json::array& operations, std::string_view path) {
  return std::ranges::any_of(operations, [&](const json::value& operation) {
    return string_or(operation, "path", "").starts_with(path);
  });
}

// A patch of one of two settings that exclude each other decides the other too.
void settle_patch(const json::array& operations, json::object& document) {
  auto& autoscaler = document["autoScaler"];
  if (!autoscaler.is_object()) autoscaler.emplace_object();
  const bool mode = touches(operations, "/autoScaler/autoscaleEnabled");
  const bool count = touches(operations, "/numReplicas");
  auto& enabled = autoscaler.get_object()["autoscaleEnabled"];
  if (count && !mode) enabled = document["numReplicas"].is_null();
  if (mode && !count && enabled == json::value(true)) document["numReplicas"] = nullptr;
  const bool key = touches(operations, "/authEnabled");
  const bool token = touches(operations, "/aadAuthEnabled");
  if (token && !key && document["aadAuthEnabled"] == json::value(true))
    document["authEnabled"] = false;
  if (key && !token && document["authEnabled"] == json::value(true))
    document["aadAuthEnabled"] = false;
}

}  // namespace

Result<Service> draft_service(const Context& context, const json::object& body) {
  Service service{.created_by = context.actor};
  service.created_ms = service.updated_ms = context.now();
  TRY_VOID(read_service(body, service));
  service.compute_type = upper(service.compute_type);
  settle_defaults(body, service);
  TRY_VOID(resources::check_service_name(service.name));
  TRY_VOID(resolve_spec(context, service));
  TRY_VOID(resources::validate(service));
  return service;
}

Result<Service> patched_service(const Context& context, const Service& before,
                                const json::array& operations) {
  auto document = service_document(before);
  TRY_VOID(apply_patch(document, operations, service_paths()));
  settle_patch(operations, document);
  Service after = before;
  // What the patch removed falls back to its default.
  after.spec.resources = {};
  after.spec.probe = {};
  after.autoscale = {};
  after.tags.clear();
  after.properties.clear();
  after.description.clear();
  after.num_replicas.reset();
  TRY_VOID(read_service(document, after));
  settle_defaults(document, after);
  if (touches(operations, "/environmentImageRequest")) TRY_VOID(resolve_spec(context, after));
  TRY_VOID(resources::validate(after));
  after.updated_ms = context.now();
  if (to_json(after.spec) != to_json(before.spec)) after.revision = before.revision + 1;
  return after;
}

namespace {

template <class Source>
Result<store::Record> find_in(Source& source, const Context& context, const std::string& name) {
  TRY(auto record, source.get(context.key("service", name)));
  if (record) return std::move(*record);
  return fail(ErrorCode::not_found,
              "there is no service '" + name + "' in workspace '" + context.workspace.name + "'",
              "WebserviceNotFound", name);
}

json::object keys_of(const json::object& body) {
  const auto* keys = body.if_contains("keys");
  return keys != nullptr && keys->is_object() ? keys->get_object() : json::object{};
}

Result<void> put_keys(store::Transaction& tx, const store::Key& key, const json::object& given) {
  TRY(const auto primary, checked_key(string_or(given, "primaryKey", ""), "keys.primaryKey"));
  TRY(const auto secondary, checked_key(string_or(given, "secondaryKey", ""), "keys.secondaryKey"));
  TRY_VOID(tx.put_secret(key, "primary_key", primary));
  return tx.put_secret(key, "secondary_key", secondary);
}

// Whether a service of another workspace is reached under this name.
Result<bool> route_taken(store::Transaction& tx, const std::string& route) {
  constexpr std::size_t kSuffix = 7;  // "-" and six digits
  std::vector<std::string> holders{route};
  if (route.size() > kSuffix) holders.push_back(route.substr(0, route.size() - kSuffix));
  for (const auto& name : holders) {
    TRY(const auto records, tx.list("service", {.name_prefix = name}));
    for (const auto& record : records) {
      if (record.key.name != name) continue;
      TRY(const auto service, desired<Service>(record));
      if (service.route == route) return true;
    }
  }
  return false;
}

Result<std::string> free_route(store::Transaction& tx, const Context& context,
                               const std::string& name) {
  TRY(const bool taken, route_taken(tx, name));
  if (!taken) return name;
  constexpr std::size_t kDigits = 6;
  return name + "-" + context.workspace.uid.substr(0, kDigits);
}

Result<void> create_in(store::Transaction& tx, const Context& context, Service& service) {
  TRY(service.route, free_route(tx, context, service.name));
  const auto key = context.key("service", service.name);
  TRY_VOID(tx.create(key, to_json(service)));
  return {};
}

// What a deployment over an existing service keeps: its route, its keys, when it was made.
Result<void> overwrite_in(store::Transaction& tx, const Context& context,
                          const store::Record& record, Service& service) {
  TRY(const auto before, desired<Service>(record));
  if (before.deleting)
    return fail(ErrorCode::conflict,
                "the service '" + service.name + "' is being deleted; try again when it is gone",
                "Conflict", service.name);
  TRY_VOID(check_idle(tx, context, before));
  service.route = before.route;
  service.created_ms = before.created_ms;
  service.created_by = before.created_by;
  service.revision = before.revision + 1;
  TRY(const auto expected, context.expected_generation());
  TRY_VOID(tx.update(record.key, to_json(service), expected));
  return {};
}

Error name_taken(const std::string& name) {
  return fail(ErrorCode::conflict,
              "there is a service '" + name +
                  "' in this workspace already; choose another name, update() it, or deploy with "
                  "overwrite=True",
              "WebserviceExists", "name");
}

Result<void> store_service(store::Transaction& tx, const Context& context, const json::object& body,
                           Service& service, bool overwrite) {
  const auto key = context.key("service", service.name);
  TRY(const auto record, tx.get(key));
  if (record && !overwrite) return name_taken(service.name);
  auto operation = new_operation(context, "Service", service.name);
  service.operation_id = operation.id;
  if (record) {
    TRY_VOID(overwrite_in(tx, context, *record, service));
    operation.generation = record->generation + 1;
  } else {
    TRY_VOID(create_in(tx, context, service));
    operation.generation = 1;
  }
  const auto keys = keys_of(body);
  if (!record || names(keys, "primaryKey")) TRY_VOID(put_keys(tx, key, keys));
  return put_operation(tx, context, operation);
}

}  // namespace

Result<std::string> checked_key(const std::string& given, const std::string& field) {
  constexpr std::size_t kKeyBytes = 24;  // 32 characters
  constexpr std::size_t kMin = 8;
  constexpr std::size_t kMax = 256;
  if (given.empty()) return to_base64url(random_bytes(kKeyBytes));
  const bool plain = std::ranges::all_of(given, [](unsigned char c) { return c > ' ' && c < 127; });
  if (plain && given.size() >= kMin && given.size() <= kMax) return given;
  return fail(ErrorCode::invalid_argument,
              field + " must be 8 to 256 printable ASCII characters without spaces", "BadRequest",
              field);
}

Result<store::Record> find_service(const Context& context, const std::string& name) {
  return find_in(context.store(), context, name);
}
Result<store::Record> find_service(store::Transaction& tx, const Context& context,
                                   const std::string& name) {
  return find_in(tx, context, name);
}

Result<http::Response> create_service(Context& context) {
  TRY(const auto body, context.object());
  TRY(auto service, draft_service(context, body));
  TRY_VOID(check_placement(context, service));
  const auto* wish = body.if_contains("overwrite");
  const bool overwrite =
      context.head.method == "PUT" || (wish != nullptr && *wish == json::value(true));
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    return store_service(tx, context, body, service, overwrite);
  }));
  return accepted(context, service.operation_id);
}

namespace {

Result<http::Response> answer(const Context& context, const store::Record& record) {
  TRY(const auto view, view_of(context, record));
  auto response = reply(200, service_json(context, view));
  response.headers.set("ETag", record.etag());
  return response;
}

bool uses_model(const Service& service, const std::string& id, const std::string& name) {
  return std::ranges::any_of(service.spec.models, [&](const resources::ServiceModel& model) {
    return (id.empty() || model.name + ":" + std::to_string(model.version) == id) &&
           (name.empty() || model.name == name);
  });
}

bool service_passes(const Context& context, const store::Record& record) {
  const auto service = desired<Service>(record);
  if (!service) return false;
  // No service here comes from an image.
  for (const auto* image : {"imageId", "imageName", "imageDigest"})
    if (!context.query_or(image, "").empty()) return false;
  const auto type = context.query_or("computeType", "");
  const auto name = context.query_or("name", "");
  const auto model_id = context.query_or("modelId", "");
  const auto model_name = context.query_or("modelName", "");
  return (type.empty() || upper(type) == service->compute_type) &&
         (name.empty() || name == service->name) &&
         ((model_id.empty() && model_name.empty()) || uses_model(*service, model_id, model_name)) &&
         tags_match(service->tags, context.query_or("tags", "")) &&
         tags_match(service->properties, context.query_or("properties", ""));
}

}  // namespace

Result<http::Response> get_service(Context& context) {
  TRY(const auto record, find_service(context, context.param("service")));
  return answer(context, record);
}

Result<http::Response> list_services(Context& context) {
  TRY(const auto page, list_page(context, "service", "", ScanFrom::token, [&](const auto& record) {
        return service_passes(context, record);
      }));
  json::array value;
  for (const auto& record : page.records) {
    TRY(const auto view, view_of(context, record));
    value.push_back(service_json(context, view));
  }
  return reply(200, page_body(context, std::move(value), page.next));
}

namespace {

// A change of words only, which no replica and no route can see.
bool only_words_changed(const Service& before, Service after) {
  after.description = before.description;
  after.tags = before.tags;
  after.properties = before.properties;
  after.updated_ms = before.updated_ms;
  return to_json(after) == to_json(before);
}

// The code may have to be unpacked, so the new form is made before the transaction and stored only
// if nobody changed the service meanwhile.
Result<void> store_patch(store::Transaction& tx, const Context& context,
                         const store::Record& record, Service& after) {
  TRY(const auto now, find_service(tx, context, after.name));
  if (now.generation != record.generation)
    return fail(ErrorCode::conflict,
                "the service '" + after.name + "' was changed by another request; try again",
                "Conflict", after.name);
  TRY(const auto before, desired<Service>(now));
  TRY_VOID(check_idle(tx, context, before));
  if (!only_words_changed(before, after)) {
    auto operation = new_operation(context, "Service", after.name);
    operation.generation = record.generation + 1;
    after.operation_id = operation.id;
    TRY_VOID(put_operation(tx, context, operation));
  }
  TRY(const auto expected, context.expected_generation());
  TRY_VOID(tx.update(record.key, to_json(after), expected));
  return {};
}

}  // namespace

Result<http::Response> patch_service(Context& context) {
  TRY(const auto operations, context.array());
  TRY(const auto record, find_service(context, context.param("service")));
  TRY(const auto before, desired<Service>(record));
  TRY(auto after, patched_service(context, before, operations));
  TRY_VOID(check_placement(context, after));
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    return store_patch(tx, context, record, after);
  }));
  TRY(const auto saved, find_service(context, after.name));
  TRY(auto response, answer(context, saved));
  if (after.operation_id == before.operation_id) return response;
  response.status = 202;
  for (const auto& [name, value] : accepted(context, after.operation_id).headers)
    response.headers.set(name, value);
  return response;
}

namespace {

// Deleting ends a deployment that is still under way.
Result<void> cancel_operation(store::Transaction& tx, const Context& context,
                              const std::string& id) {
  const auto key = context.key("operation", id);
  TRY(const auto record, tx.get(key));
  if (!record) return {};
  TRY(auto operation, desired<resources::Operation>(*record));
  if (operation.ended()) return {};
  operation.state = "Cancelled";
  operation.ended_ms = context.now();
  TRY_VOID(tx.update(key, to_json(operation)));
  return {};
}

Result<std::string> delete_in(store::Transaction& tx, const Context& context) {
  TRY(const auto record, tx.get(context.key("service", context.param("service"))));
  if (!record) return std::string();
  TRY(auto service, desired<Service>(*record));
  if (service.deleting) return service.operation_id;
  TRY(const auto expected, context.expected_generation());
  TRY_VOID(cancel_operation(tx, context, service.operation_id));
  auto operation = new_operation(context, "DeleteService", service.name);
  operation.generation = record->generation + 1;
  service.deleting = true;
  service.operation_id = operation.id;
  service.updated_ms = context.now();
  TRY_VOID(tx.update(record->key, to_json(service), expected));
  TRY_VOID(put_operation(tx, context, operation));
  return operation.id;
}

}  // namespace

Result<http::Response> delete_service(Context& context) {
  std::string operation;
  TRY_VOID(context.store().write([&](store::Transaction& tx) -> Result<void> {
    TRY(operation, delete_in(tx, context));
    return {};
  }));
  if (operation.empty()) return http::Response{.status = 204};
  return accepted(context, operation);
}

}  // namespace slipway::api
