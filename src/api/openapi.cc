#include "api/openapi_schemas.h"
#include "api/route.h"

namespace slipway::api {
namespace {

// OpenAPI has no parameter that spans segments; "{path*}" is shown as "{path}".
std::string shown_path(std::string_view pattern) {
  std::string out;
  for (const char c : pattern)
    if (c != '*') out += c;
  return out;
}

json::array parameters_of(const Route& route) {
  json::array out;
  const auto path = shown_path(route.pattern);
  for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1))
    out.push_back({{"name", path.substr(at + 1, path.find('}', at) - at - 1)},
                   {"in", "path"},
                   {"required", true},
                   {"schema", {{"type", "string"}}}});
  std::string_view names = route.query;
  while (!names.empty()) {
    const auto name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    out.push_back({{"name", name}, {"in", "query"}, {"schema", {{"type", "string"}}}});
  }
  return out;
}

json::object content(std::string_view schema) {
  const json::object text{{"schema", {{"type", "string"}}}};
  if (schema == "Text") return {{"text/plain", text}};
  if (schema == "Form")
    return {{"application/x-www-form-urlencoded", {{"schema", {{"type", "object"}}}}}};
  if (schema == "Binary") return {{"application/octet-stream", json::object{}}};
  const std::string media =
      schema == "JsonPatch" ? "application/json-patch+json" : "application/json";
  const std::string name = "#/components/schemas/" + std::string(schema);
  return {{media, {{"schema", {{"$ref", name}}}}}};
}

std::string_view error_name(Face face) {
  switch (face) {
    case Face::arm: return "ArmError";
    case Face::management: return "ManagementError";
    case Face::data: return "DataError";
    case Face::blob: break;
  }
  return "BlobError";
}

json::object responses_of(const Route& route) {
  json::object success{{"description", "Success"}};
  if (!route.response.empty()) success["content"] = content(route.response);
  const std::string error = "#/components/responses/" + std::string(error_name(route.face));
  return {{std::to_string(route.status), std::move(success)}, {"default", {{"$ref", error}}}};
}

std::string_view tag_of(std::string_view operation) {
  return operation.substr(0, operation.find('_'));
}

json::object operation_of(const Route& route) {
  json::object out{{"operationId", route.operation},
                   {"summary", route.summary},
                   {"tags", {tag_of(route.operation)}},
                   {"responses", responses_of(route)}};
  if (auto parameters = parameters_of(route); !parameters.empty())
    out["parameters"] = std::move(parameters);
  if (!route.request.empty()) out["requestBody"] = {{"content", content(route.request)}};
  if (route.guard != Guard::bearer) {
    out["security"] = json::array{};
  } else {
    out["x-slipway-permission"] = boost::describe::enum_to_string(route.permission, "");
  }
  return out;
}

json::object error_response_of(std::string_view face) {
  return {{"description", "The request was refused or failed"},
          {"content",
           {{"application/json",
             {{"schema", {{"$ref", "#/components/schemas/" + std::string(face)}}}}}}}};
}

json::object components() {
  json::object responses;
  for (const std::string_view face : {"ArmError", "ManagementError", "DataError"})
    responses[face] = error_response_of(face);
  responses["BlobError"] = {{"description", "The request was refused; x-ms-error-code says why"},
                            {"content", {{"application/xml", json::object{}}}}};
  return {{"schemas", openapi_schemas()},
          {"responses", std::move(responses)},
          {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}};
}

}  // namespace

json::object openapi() {
  json::object paths;
  for (const auto& route : routes()) {
    auto& item = paths[shown_path(route.pattern)];
    if (!item.is_object()) item.emplace_object();
    item.get_object()[lower(route.method)] = operation_of(route);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Slipway"},
            {"version", SLIPWAY_VERSION},
            {"description", "Deploy machine-learning models as web services on your own machines."},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"security", {{{"bearer", json::array{}}}}},
          {"paths", std::move(paths)},
          {"components", components()}};
}

}  // namespace slipway::api
