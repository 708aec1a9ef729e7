#include "api/environments.h"

#include <algorithm>
#include <set>

#include "api/handlers.h"
#include "api/reader.h"

namespace slipway::api {
namespace {

using resources::Environment;

std::string uncapitalised(std::string_view key) {
  std::string out(key);
  if (!out.empty()) out.front() = lower(out.substr(0, 1)).front();
  return out;
}

}  // namespace

json::object camel_case(const json::object& definition) {
  static const std::set<std::string> sections{"docker", "python", "spark", "databricks", "r"};
  json::object out;
  for (const auto& [key, value] : definition) {
    const auto name = uncapitalised(key);
    const bool section = sections.contains(name) && value.is_object();
    out[name] = section ? json::value(camel_case(value.get_object())) : value;
  }
  return out;
}

void hide_passwords(json::value& definition) {
  if (!definition.is_object()) return;
  for (auto& [key, value] : definition.get_object()) {
    if (lower(key) == "password")
      value = nullptr;
    else
      hide_passwords(value);
  }
}

namespace {

// What makes two registrations the same environment: everything but their version and labels.
json::object essence(json::object definition) {
  for (const auto* key : {"version", "labels", "assetId", "name"}) definition.erase(key);
  return definition;
}

json::object environment_json(const Environment& environment) {
  auto body = environment.definition;
  body["name"] = environment.name;
  body["version"] = environment.version;
  return body;
}

std::string record_name(const std::string& name, const std::string& version) {
  return name + ":" + version;
}

Error no_environment(const std::string& name, const std::string& version) {
  const auto what = version.empty() ? "'" + name + "'" : "'" + name + "' version " + version;
  return fail(ErrorCode::not_found,
              "there is no environment " + what + " in this workspace; register it first",
              "EnvironmentNotFound", name);
}

// An empty version is the newest one.
template <class Source>
Result<Environment> find_environment(Source& source, const Context& context,
                                     const std::string& name, const std::string& version) {
  if (!version.empty()) {
    TRY(const auto record, source.get(context.key("environment", record_name(name, version))));
    if (!record) return no_environment(name, version);
    return desired<Environment>(*record);
  }
  TRY(const auto newest, source.list("environment", {.scope = context.workspace.uid,
                                                     .name_prefix = record_name(name, ""),
                                                     .limit = 1}));
  if (newest.empty()) return no_environment(name, version);
  return desired<Environment>(newest.front());
}

Result<std::string> next_version(store::Transaction& tx, const Context& context,
                                 const std::string& name) {
  while (true) {
    TRY(const auto number, tx.next("environment/" + context.workspace.uid + "/" + name));
    const auto version = std::to_string(number);
    TRY(const auto taken, tx.get(context.key("environment", record_name(name, version))));
    if (!taken) return version;
  }
}

// The registered environment that `wanted` already is, if there is one.
Result<std::optional<Environment>> same_registered(store::Transaction& tx, const Context& context,
                                                   const Environment& wanted) {
  auto known = find_environment(tx, context, wanted.name, wanted.version);
  if (!known && known.error().code == ErrorCode::not_found) return std::optional<Environment>{};
  if (!known) return known.error();
  if (essence(known->definition) == essence(wanted.definition)) return std::optional(*known);
  if (wanted.version.empty()) return std::optional<Environment>{};
  return fail(ErrorCode::conflict,
              "environment '" + wanted.name + "' version " + wanted.version +
                  " is registered with another definition, and versions do not change; leave "
                  "the version out to register the next one",
              "EnvironmentVersionExists", "version");
}

Result<void> register_environment(store::Transaction& tx, const Context& context,
                                  Environment& wanted) {
  TRY(const auto same, same_registered(tx, context, wanted));
  if (same) {
    wanted = *same;
    return {};
  }
  if (wanted.version.empty()) {
    TRY(wanted.version, next_version(tx, context, wanted.name));
  }
  wanted.definition["version"] = wanted.version;
  const auto key = context.key("environment", record_name(wanted.name, wanted.version));
  TRY_VOID(tx.create(key, to_json(wanted)));
  return {};
}

std::string version_of(const Context& context) {
  const auto found = context.params.find("version");
  return found == context.params.end() ? "" : found->second;
}

}  // namespace

Result<json::object> complete_definition(const Context& context, const json::object& given) {
  auto definition = camel_case(given);
  const bool only_named = !definition.contains("python") && !definition.contains("docker");
  const auto name = string_or(definition, "name", "");
  if (only_named && !name.empty()) {
    const auto version = string_or(definition, "version", "");
    TRY(const auto known, find_environment(context.store(), context, name, version));
    // Variables that came with the reference are the deployment's own.
    auto merged = environment_json(known);
    if (const auto* own = definition.if_contains("environmentVariables"); own && own->is_object())
      for (const auto& [key, value] : own->get_object()) {
        auto& variables = merged["environmentVariables"];
        if (!variables.is_object()) variables.emplace_object();
        variables.get_object()[key] = value;
      }
    return merged;
  }
  json::value hidden = definition;
  hide_passwords(hidden);
  return std::move(hidden.get_object());
}

Result<http::Response> put_environment(Context& context) {
  TRY(const auto body, context.object());
  json::value definition = camel_case(body);
  hide_passwords(definition);
  Environment wanted{.name = context.param("environment"),
                     .version = version_of(context),
                     .definition = std::move(definition.get_object()),
                     .created_ms = context.now()};
  wanted.definition["name"] = wanted.name;
  TRY_VOID(resources::validate(wanted));
  TRY_VOID(context.store().write(
      [&](store::Transaction& tx) { return register_environment(tx, context, wanted); }));
  return reply(200, environment_json(wanted));
}

Result<http::Response> get_environment(Context& context) {
  TRY(const auto environment, find_environment(context.store(), context,
                                               context.param("environment"), version_of(context)));
  return reply(200, environment_json(environment));
}

Result<http::Response> get_environment_by_label(Context& context) {
  const auto& name = context.param("environment");
  const auto& label = context.param("label");
  TRY(const auto records,
      context.store().list("environment",
                           {.scope = context.workspace.uid, .name_prefix = record_name(name, "")}));
  for (const auto& record : records) {
    TRY(const auto environment, desired<Environment>(record));
    if (std::ranges::count(environment.labels, label) > 0)
      return reply(200, environment_json(environment));
  }
  if (lower(label) == "latest" && !records.empty()) {
    TRY(const auto newest, desired<Environment>(records.front()));
    return reply(200, environment_json(newest));
  }
  return no_environment(name + "' with the label '" + label, "");
}

// The newest version of each name; all of them fit one page.
Result<http::Response> list_environments(Context& context) {
  TRY(const auto records, context.store().list("environment", {.scope = context.workspace.uid}));
  std::set<std::string> seen;
  json::array value;
  for (const auto& record : records) {
    TRY(const auto environment, desired<Environment>(record));
    if (seen.insert(environment.name).second) value.push_back(environment_json(environment));
  }
  return reply(200, {{"value", std::move(value)}, {"continuationToken", nullptr}});
}

namespace {

// A label stands on one version of a name at a time.
Result<void> move_labels(store::Transaction& tx, const Context& context,
                         const std::vector<std::string>& labels) {
  const auto& name = context.param("environment");
  TRY(const auto records, tx.list("environment", {.scope = context.workspace.uid,
                                                  .name_prefix = record_name(name, "")}));
  bool found = false;
  for (const auto& record : records) {
    TRY(auto environment, desired<Environment>(record));
    const auto before = environment.labels;
    std::erase_if(environment.labels,
                  [&](const auto& l) { return std::ranges::count(labels, l) > 0; });
    if (environment.version == context.param("version")) {
      environment.labels = labels;
      found = true;
    }
    if (environment.labels != before) TRY_VOID(tx.update(record.key, to_json(environment)));
  }
  if (!found) return no_environment(name, context.param("version"));
  return {};
}

}  // namespace

Result<http::Response> put_environment_labels(Context& context) {
  TRY(const auto body, context.object());
  std::vector<std::string> labels;
  Reader reader(body);
  reader.read("labels", labels);
  reader.read("Labels", labels);
  TRY_VOID(reader.result());
  TRY_VOID(context.store().write(
      [&](store::Transaction& tx) { return move_labels(tx, context, labels); }));
  return reply(200, {{"labels", to_json(labels)}});
}

// Environments here are virtual environments, built when a service needs one; no image is kept.
Result<http::Response> get_environment_image(Context& context) {
  TRY(const auto environment, find_environment(context.store(), context,
                                               context.param("environment"), version_of(context)));
  return reply(200, {{"imageExistsInRegistry", false},
                     {"dockerImage", nullptr},
                     {"pythonEnvironment",
                      {{"interpreterPath", "python"}, {"condaEnvironmentPath", nullptr}}},
                     {"ingredients", {{"dockerfile", nullptr}}},
                     {"name", environment.name},
                     {"version", environment.version}});
}

}  // namespace slipway::api
