#include <charconv>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/operation_log.h"
#include "api/services.h"
#include "api/signed_link.h"
#include "base/crypto.h"

namespace slipway::api {

using resources::Operation;

Operation new_operation(const Context& context, const std::string& type,
                        const std::string& target) {
  return {.id = random_uuid(),
          .type = type,
          .target = target,
          .resource_location = management_path(context) + "/services/" + target,
          .actor = context.actor,
          .created_ms = context.now()};
}

Result<void> put_operation(store::Transaction& tx, const Context& context,
                           const Operation& operation) {
  TRY_VOID(tx.create(context.key("operation", operation.id), to_json(operation)));
  return {};
}

Result<void> check_idle(store::Transaction& tx, const Context& context,
                        const resources::Service& service) {
  TRY(const auto record, tx.get(context.key("operation", service.operation_id)));
  if (!record) return {};
  TRY(const auto operation, desired<Operation>(*record));
  if (operation.ended()) return {};
  return fail(ErrorCode::conflict,
              "an operation on the service '" + service.name + "' is still running (" +
                  operation.type + ", " + operation.id + ", " + operation.state +
                  "); wait until it has ended",
              "OperationInProgress", service.name);
}

http::Response accepted(const Context& context, const std::string& operation_id) {
  http::Response response{.status = 202};
  response.headers.set("Operation-Location",
                       context.base_url + management_path(context) + "/operations/" + operation_id);
  response.headers.set("Retry-After", "1");
  return response;
}

namespace {

Result<Operation> find_operation(const Context& context, const std::string& scope,
                                 const std::string& id) {
  TRY(const auto record, context.store().get({"operation", scope, id}));
  if (record) return desired<Operation>(*record);
  return fail(ErrorCode::not_found, "there is no operation '" + id + "'", "OperationNotFound", id);
}

std::string log_path(const Context& context, const std::string& operation) {
  return "/slipway/v1/workspaces/" + context.workspace.uid + "/operations/" + operation + "/log";
}

// A link that a person can open from an error message, which has no room for a header.
std::string log_url(const Context& context, const std::string& operation) {
  const auto path = log_path(context, operation);
  const SignedLink link{.use = 'l', .scope = context.workspace.uid, .name = operation};
  return context.base_url + path + "?" +
         sign_link(context.state.link_key, path, link, context.now());
}

json::object operation_json(const Context& context, const Operation& operation) {
  json::object body{{"id", operation.id},
                    {"operationType", operation.type},
                    {"state", operation.state},
                    {"createdTime", to_iso8601(operation.created_ms)},
                    {"resourceLocation", operation.resource_location},
                    {"operationLog", log_url(context, operation.id)}};
  body["endTime"] =
      operation.ended() ? json::value(to_iso8601(operation.ended_ms)) : json::value(nullptr);
  body["error"] = operation.error ? failure_json(*operation.error) : json::value(nullptr);
  if (!operation.sub_type.empty())
    body["operationDetails"] = {{"subOperationType", operation.sub_type},
                                {"subOperationState", operation.sub_state}};
  return body;
}

}  // namespace

Result<http::Response> get_operation(Context& context) {
  const auto& id = context.param("operation");
  TRY(const auto operation, find_operation(context, context.workspace.uid, id));
  auto body = operation_json(context, operation);
  const auto text = context.query_or("offset", "");
  if (!text.empty()) {
    std::size_t offset = 0;
    std::from_chars(text.data(), text.data() + text.size(), offset);
    TRY(const auto log, context.store().read_log(id, 0));
    body["streamingOperationLog"] = streaming_log(log, offset);
  }
  return reply(200, body);
}

Result<http::Response> get_operation_log(Context& context) {
  TRY(const auto link,
      check_link(context.state.link_key, context.head.path(), context.query, context.now()));
  if (link.use != 'l')
    return fail(ErrorCode::forbidden, "the link is not for a log", "AuthenticationFailed");
  TRY(auto log, context.store().read_log(link.name, 0));
  return reply_text(200, std::move(log));
}

Result<http::Response> get_compute_operation(Context& context) {
  TRY(const auto operation,
      find_operation(context, context.workspace.uid, context.param("operation")));
  const bool started = operation.state != "NotStarted" && operation.state != "Running";
  json::object body{{"status", started ? operation.state : std::string("InProgress")}};
  if (operation.error)
    body["error"] = {{"error",
                      {{"code", operation.error->code},
                       {"statusCode", operation.error->status},
                       {"message", operation.error->message}}}};
  auto response = reply(200, body);
  response.headers.set("Retry-After", "1");
  return response;
}

}  // namespace slipway::api
