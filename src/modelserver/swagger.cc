#include "modelserver/swagger.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "modelserver/output.h"

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFileBytes = 16 << 20;

// How the three versions say the same thing.
struct Dialect {
  std::string_view version;  // as asked for
  std::string_view full;     // as inference-schema and the document name it
  std::vector<std::string_view> files;
  bool openapi;
};
const std::vector<Dialect>& dialects() {
  static const std::vector<Dialect> all{
      {"2", "2.0", {"swagger.json", "swagger2.json"}, false},
      {"3", "3.0", {"swagger3.json"}, true},
      {"3.1", "3.1", {"swagger3.1.json"}, true},
  };
  return all;
}

json::object reference(const Dialect& dialect, std::string_view name) {
  return {{"$ref",
           fmt::format("#/{}/{}", dialect.openapi ? "components/schemas" : "definitions", name)}};
}

json::object body(const Dialect& dialect, std::string_view description, json::object schema,
                  std::string_view type = "application/json") {
  json::object out{{"description", description}};
  if (!dialect.openapi)
    out["schema"] = std::move(schema);
  else
    out["content"] = json::object{{type, json::object{{"schema", std::move(schema)}}}};
  return out;
}

json::object operation(const Dialect& dialect, std::string_view id, std::string_view description,
                       json::object success) {
  return {{"operationId", id},
          {"description", description},
          {"responses",
           json::object{{"200", std::move(success)},
                        {"default", body(dialect, "The service failed to execute due to an error.",
                                         reference(dialect, "ErrorResponse"))}}}};
}

json::object health(const Dialect& dialect) {
  auto success = body(dialect, "The service is up; the answer is 'Healthy'.",
                      {{"type", "string"}, {"example", "Healthy"}}, "text/plain");
  return operation(dialect, "ServiceHealthCheck", "Tells whether the service is up.",
                   std::move(success));
}

json::object score(const Dialect& dialect) {
  auto out = operation(dialect, "RunMLService", "Runs the model on the given input.",
                       body(dialect, "What the model predicted for the input.",
                            reference(dialect, "ServiceOutput")));
  out["security"] = json::array{json::object{{"Bearer", json::array{}}}};
  auto input = body(dialect, "The input of the model.", reference(dialect, "ServiceInput"));
  if (dialect.openapi) {
    out["requestBody"] = std::move(input);
    return out;
  }
  input["name"] = "serviceInputPayload";
  input["in"] = "body";
  out["parameters"] = json::array{std::move(input)};
  return out;
}

json::object swagger_operation(const Dialect& dialect) {
  auto out = operation(dialect, "GetSwaggerSpec", "Gets this document.",
                       body(dialect, "The document.", {{"type", "object"}}));
  json::object kind{{"type", "string"}, {"enum", json::array{"2", "3", "3.1"}}};
  json::object parameter{{"name", "version"}, {"in", "query"}, {"required", false}};
  if (dialect.openapi) {
    parameter["schema"] = std::move(kind);
  } else {
    for (auto& [key, value] : kind) parameter[key] = value;
  }
  out["parameters"] = json::array{std::move(parameter)};
  return out;
}

json::object paths(const Dialect& dialect, const std::string& prefix) {
  return {{prefix + "/", json::object{{"get", health(dialect)}}},
          {prefix + "/score", json::object{{"post", score(dialect)}}},
          {prefix + "/swagger.json", json::object{{"get", swagger_operation(dialect)}}}};
}

json::object definitions(const json::object& schemas) {
  json::object error{{"type", "object"},
                     {"properties", json::object{{"message", json::object{{"type", "string"}}}}}};
  return {{"ServiceInput", schemas.at("input")},
          {"ServiceOutput", schemas.at("output")},
          {"ErrorResponse", std::move(error)}};
}

std::string document(const Dialect& dialect, const Bundle& bundle, const json::object& schemas) {
  const std::string about =
      "API specification for the Azure Machine Learning service " + bundle.service_name;
  json::object out;
  out[dialect.openapi ? "openapi" : "swagger"] = !dialect.openapi         ? "2.0"
                                                 : dialect.version == "3" ? "3.0.3"
                                                                          : "3.1.0";
  out["info"] = json::object{
      {"title", bundle.service_name}, {"description", about}, {"version", bundle.service_version}};
  out["paths"] = paths(dialect, bundle.path_prefix);
  json::object bearer{{"Bearer", json::object{{"type", "apiKey"},
                                              {"name", "Authorization"},
                                              {"in", "header"},
                                              {"description", "For example: Bearer abc123"}}}};
  if (dialect.openapi) {
    out["components"] =
        json::object{{"schemas", definitions(schemas)}, {"securitySchemes", std::move(bearer)}};
  } else {
    out["schemes"] = json::array{"https"};
    out["consumes"] = out["produces"] = json::array{"application/json"};
    out["securityDefinitions"] = std::move(bearer);
    out["definitions"] = definitions(schemas);
  }
  return json::serialize(out);
}

std::optional<std::string> user_document(const Dialect& dialect, const Bundle& bundle,
                                         const fs::path& folder) {
  for (const auto& place : {folder, folder / bundle.source_directory}) {
    for (const auto& name : dialect.files) {
      auto text = read_file(place / name, kFileBytes);
      if (!text) continue;
      if (parse_json(*text)) return std::move(*text);
      output::error(
          fmt::format("{} is not valid JSON and is passed over", (place / name).string()));
    }
  }
  return std::nullopt;
}

bool offers(const json::object& schemas, std::string_view version) {
  const auto& versions = schemas.at("versions").as_array();
  return std::any_of(versions.begin(), versions.end(),
                     [&](const json::value& item) { return item.as_string() == version; });
}

}  // namespace

Result<const std::string*> Swagger::find(std::string_view version) const {
  for (const auto& dialect : dialects()) {
    if (version != dialect.version && version != dialect.full) continue;
    if (const auto it = documents_.find(dialect.version); it != documents_.end())
      return &it->second;
  }
  std::vector<std::string> names;
  for (const auto& [name, text] : documents_) names.push_back(name);
  return fail(ErrorCode::not_found,
              fmt::format("Swagger version [{}] is not valid. Supported versions: [{}].", version,
                          fmt::join(names, ", ")));
}

Swagger make_swagger(const Bundle& bundle, const fs::path& folder, const json::object& schemas) {
  Swagger swagger;
  for (const auto& dialect : dialects()) {
    const std::string version(dialect.version);
    if (auto own = user_document(dialect, bundle, folder))
      swagger.put(version, std::move(*own));
    else if (offers(schemas, dialect.full))
      swagger.put(version, document(dialect, bundle, schemas));
  }
  return swagger;
}

}  // namespace slipway::modelserver
