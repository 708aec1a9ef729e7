#include "api/errors.h"

namespace slipway::api {
namespace {

struct Row {
  unsigned status;
  std::string_view code;  // model management and data faces
  std::string_view arm_code;
};

Row row_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return {400, "BadRequest", "BadRequest"};
    case ErrorCode::unauthenticated: return {401, "Unauthorized", "AuthenticationFailed"};
    case ErrorCode::forbidden: return {403, "Forbidden", "AuthorizationFailed"};
    case ErrorCode::not_found: return {404, "NotFound", "ResourceNotFound"};
    case ErrorCode::conflict: return {409, "Conflict", "Conflict"};
    case ErrorCode::precondition_failed: return {412, "PreconditionFailed", "PreconditionFailed"};
    case ErrorCode::too_large: return {413, "RequestEntityTooLarge", "RequestEntityTooLarge"};
    case ErrorCode::exhausted: return {507, "InsufficientStorage", "InsufficientStorage"};
    case ErrorCode::deadline: return {504, "GatewayTimeout", "GatewayTimeout"};
    case ErrorCode::unavailable: return {503, "ServiceUnavailable", "ServiceUnavailable"};
    case ErrorCode::cancelled: return {408, "RequestTimeout", "RequestTimeout"};
    case ErrorCode::internal: break;
  }
  return {500, "InternalServerError", "InternalServerError"};
}

json::object detail_of(const Error& error, std::string_view code) {
  json::object detail{{"code", code}, {"message", error.message}};
  if (!error.target.empty()) detail["target"] = error.target;
  return detail;
}

json::value flat_body(const Error& error, const Row& row, std::string_view request_id) {
  const std::string_view code = error.reason.empty() ? row.code : error.reason;
  return {{"code", code},
          {"statusCode", row.status},
          {"message", error.message},
          {"details", json::array{detail_of(error, code)}},
          {"correlation", {{"RequestId", request_id}}}};
}

json::value arm_body(const Error& error, const Row& row) {
  const std::string_view code = error.reason.empty() ? row.arm_code : error.reason;
  json::object body = detail_of(error, code);
  body["details"] = json::array{};
  return {{"error", std::move(body)}};
}

json::value data_body(const Error& error, const Row& row, std::string_view request_id) {
  const std::string_view inner = error.reason.empty() ? row.code : error.reason;
  json::object body = detail_of(error, row.status >= 500 ? "ServiceError" : "UserError");
  body["details"] = json::array{};
  body["innerError"] = {{"code", inner}};
  return {{"error", std::move(body)},
          {"correlation", {{"RequestId", request_id}}},
          {"environment", "local"},
          {"location", "local"}};
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

http::Response blob_body(const Error& error, const Row& row) {
  const std::string code(error.reason.empty() ? row.code : error.reason);
  http::Response response{.status = code == "InvalidRange" ? 416 : row.status};
  response.headers.set("x-ms-error-code", code);
  response.headers.set("Content-Type", "application/xml");
  response.body = R"(<?xml version="1.0" encoding="utf-8"?><Error><Code>)" + code +
                  "</Code><Message>" + xml_text(error.message) + "</Message></Error>";
  return response;
}

}  // namespace

unsigned status_of(ErrorCode code) { return row_of(code).status; }

http::Response error_response(const Error& error, Face face, std::string_view request_id) {
  const Row row = row_of(error.code);
  http::Response response;
  switch (face) {
    case Face::arm: response = reply(row.status, arm_body(error, row)); break;
    case Face::management: response = reply(row.status, flat_body(error, row, request_id)); break;
    case Face::data: response = reply(row.status, data_body(error, row, request_id)); break;
    case Face::blob: response = blob_body(error, row); break;
  }
  if (row.status == 401) response.headers.set("WWW-Authenticate", R"(Bearer realm="slipway")");
  if (row.status == 503) response.headers.set("Retry-After", "1");
  return response;
}

json::value failure_json(const resources::Failure& failure) {
  json::array details;
  if (!failure.detail_code.empty() || !failure.detail_message.empty())
    details.push_back({{"code", failure.detail_code}, {"message", failure.detail_message}});
  return {{"code", failure.code},
          {"statusCode", failure.status},
          {"message", failure.message},
          {"details", std::move(details)}};
}

}  // namespace slipway::api
