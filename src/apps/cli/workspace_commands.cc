#include <fmt/format.h>

#include "apps/cli/shape.h"

namespace slipway::cli {
namespace {

const Option kMetadataFile{"--output-metadata-file,-t", Kind::text,
                           "File that the answer is written to, as JSON."};

Result<json::value> finish(Context& context, const json::value& workspace) {
  auto answer = shaped(context, workspace, shape_workspace);
  TRY_VOID(write_metadata(context, answer));
  return answer;
}

Error exists_already(const WorkspaceName& name) {
  return fail(ErrorCode::conflict,
              fmt::format("there is already a workspace '{}' in resource group '{}'; --exist-ok "
                          "takes it as it is",
                          name.name, name.group),
              "WorkspaceExists", "--workspace-name");
}

Result<WorkspaceName> name_to_create(Context& context) {
  const auto& arguments = context.arguments();
  WorkspaceName name{arguments.text("--subscription-id"), arguments.text("--resource-group"),
                     arguments.text("--workspace-name")};
  const auto defaults = az_defaults();
  if (name.group.empty() && defaults.contains("group")) name.group = defaults.at("group");
  if (name.subscription.empty()) {
    TRY(name.subscription, context.first_subscription());
  }
  if (name.complete()) return name;
  return fail(ErrorCode::invalid_argument, "'ml workspace create' needs -w NAME and -g GROUP",
              "Usage");
}

json::object tags_of(const Arguments& arguments) {
  json::object tags;
  for (const auto& [key, value] : pairs(arguments.list("--tags"))) tags[key] = value;
  return tags;
}

Result<json::value> create(Context& context) {
  TRY(const auto name, name_to_create(context));
  TRY(auto* rest, context.rest());
  const std::string target = name.path() + "?api-version=2022-05-01";
  auto there = rest->get(target);
  if (there && !context.arguments().flag("--exist-ok")) return exists_already(name);
  if (there) return finish(context, *there);
  if (there.error().code != ErrorCode::not_found) return there.error();
  const auto& arguments = context.arguments();
  json::object body{{"location", arguments.text_or("--location", "local")},
                    {"tags", tags_of(arguments)},
                    {"sku", {{"name", "Basic"}, {"tier", "Basic"}}},
                    {"properties", json::object{}}};
  if (arguments.has("--friendly-name"))
    body["properties"].get_object()["friendlyName"] = arguments.text("--friendly-name");
  TRY(const auto made, rest->call("PUT", target, body));
  return finish(context, made.body);
}

Result<json::value> show(Context& context) {
  TRY(const auto workspace, context.get(Face::manager, ""));
  return finish(context, workspace);
}

Result<json::value> list(Context& context) {
  TRY(const auto all, context.workspaces(context.arguments().text("--subscription-id")));
  const auto group = context.arguments().text("--resource-group");
  json::array some;
  for (const auto& item : all) {
    const auto name = parse_workspace_id(string_or(item, "id", ""));
    if (group.empty() || (name && name->group == group)) some.push_back(item);
  }
  return shaped(context, some, shape_workspace);
}

Result<json::value> update(Context& context) {
  const auto& arguments = context.arguments();
  json::object properties;
  if (arguments.has("--friendly-name"))
    properties["friendlyName"] = arguments.text("--friendly-name");
  if (arguments.has("--description")) properties["description"] = arguments.text("--description");
  json::object body{{"properties", properties}};
  if (arguments.has("--tags")) body["tags"] = tags_of(arguments);
  if (properties.empty() && !body.contains("tags"))
    return fail(ErrorCode::invalid_argument,
                "nothing to update: give --friendly-name, --description or --tags", "Usage");
  TRY_VOID(context.call("PATCH", Face::manager, "", body));
  return show(context);
}

Result<json::value> remove(Context& context) {
  TRY_VOID(context.call("DELETE", Face::manager, ""));
  return json::value(nullptr);
}

Result<json::value> list_keys(Context& context) {
  TRY(auto keys, context.call("POST", Face::manager, "/listKeys"));
  TRY_VOID(write_metadata(context, keys.body));
  return std::move(keys.body);
}

Result<json::value> attach(Context& context) {
  TRY_VOID(context.get(Face::manager, ""));  // a folder is attached only to what is there
  TRY(const auto name, context.workspace());
  TRY(const auto path, write_project_config(context.folder(), name));
  const json::value answer = {{"Workspace name", name.name},
                              {"Subscription id", name.subscription},
                              {"Resource group", name.group},
                              {"Project path", path.parent_path().parent_path().string()}};
  TRY_VOID(write_metadata(context, answer));
  return answer;
}

}  // namespace

// clang-format off
std::vector<Command> workspace_commands() {
  const Option friendly{"--friendly-name,-f", Kind::text, "Name shown to people."};
  return {
      {"ml workspace create",
       "Create a workspace.",
       {{"--workspace-name,-w", Kind::text, "Its name: 3 to 33 letters, digits, - and _.",
         Need::required},
        friendly,
        {"--location,-l", Kind::text, "Where it is said to be [local]."},
        {"--tags,-t", Kind::list, "Tags as key=value."},
        {"--exist-ok", Kind::boolean, "Take a workspace that is there already."},
        {"--yes,-y", Kind::boolean, "Taken for compatibility: nothing is asked."}},
       {"ml workspace create -w myworkspace -g mygroup",
        "ml workspace create -w myworkspace -g mygroup --exist-ok --tags team=vision"},
       create},
      {"ml workspace show",
       "Show a workspace.",
       {kMetadataFile},
       {"ml workspace show", "ml workspace show -w myworkspace -g mygroup --query id -o tsv"},
       show},
      {"ml workspace list",
       "List the workspaces of the server.",
       {},
       {"ml workspace list -o table", "ml workspace list -g mygroup"},
       list},
      {"ml workspace update",
       "Change a workspace.",
       {friendly,
        {"--description,-d", Kind::text, "What it is for."},
        {"--tags", Kind::list, "Tags as key=value; they replace those it has."},
        kMetadataFile},
       {"ml workspace update -w myworkspace -d 'models of the shop'"},
       update},
      {"ml workspace delete",
       "Delete a workspace that has no services, with all that is in it.",
       {{"--yes,-y", Kind::boolean, "Taken for compatibility: nothing is asked."}},
       {"ml workspace delete -w myworkspace -g mygroup"},
       remove},
      {"ml workspace list-keys",
       "List the keys of what belongs to a workspace.",
       {kMetadataFile},
       {"ml workspace list-keys -w myworkspace"},
       list_keys},
      {"ml folder attach",
       "Let the commands run below a folder use one workspace (writes .azureml/config.json).",
       {kMetadataFile},
       {"ml folder attach -w myworkspace -g mygroup",
        "ml folder attach -w myworkspace --path proj"},
       attach},
  };
}
// clang-format on

}  // namespace slipway::cli
