#include <fmt/format.h>

#include "apps/cli/config_file.h"
#include "apps/cli/shape.h"
#include "apps/cli/transfer.h"

namespace slipway::cli {
namespace {

std::string model_path(const std::string& id) { return "/models/" + http::percent_encode(id); }

json::object object_of(const std::vector<std::string>& words) {
  json::object out;
  for (const auto& [key, value] : pairs(words)) out[key] = value;
  return out;
}

json::object resources_of(const Context& context) {
  json::object out;
  for (const auto& option : context.command().options) {
    if (!context.arguments().has(option.name())) continue;
    if (option.name() == "--cpu-cores") out["cpu"] = context.arguments().value(option);
    if (option.name() == "--memory-gb") out["memoryInGB"] = context.arguments().value(option);
    if (option.name() == "--gpu-cores") out["gpu"] = context.arguments().value(option);
  }
  return out;
}

void copy_text(const Arguments& arguments, std::string_view option, json::object& body,
               std::string_view key) {
  if (arguments.has(option)) body[key] = arguments.text(option);
}

void copy_sample(const Arguments& arguments, std::string_view option, json::object& body,
                 std::string_view key) {
  if (arguments.has(option)) body[key] = json::object{{"datasetId", arguments.text(option)}};
}

json::object register_body(const Context& context, const std::string& asset) {
  const auto& arguments = context.arguments();
  json::object body{{"name", arguments.text("--name")},
                    {"url", "aml://asset/" + asset},
                    {"mimeType", "application/json"},
                    {"unpack", false},
                    {"datasets", json::array{}},
                    {"kvTags", object_of(arguments.list("--tag"))},
                    {"properties", object_of(arguments.list("--property"))}};
  copy_text(arguments, "--description", body, "description");
  copy_text(arguments, "--model-framework", body, "framework");
  copy_text(arguments, "--model-framework-version", body, "frameworkVersion");
  copy_text(arguments, "--experiment-name", body, "experimentName");
  copy_sample(arguments, "--sample-input-dataset-id", body, "sampleInputData");
  copy_sample(arguments, "--sample-output-dataset-id", body, "sampleOutputData");
  if (auto needed = resources_of(context); !needed.empty()) body["resourceRequirements"] = needed;
  return body;
}

// What `model deploy -f` reads.
json::object metadata_of(const WorkspaceName& workspace, const json::value& model) {
  return {{"modelId", string_or(model, "id", "")},
          {"workspaceName", workspace.name},
          {"resourceGroupName", workspace.group},
          {"subscriptionId", workspace.subscription}};
}

Result<json::value> register_model(Context& context) {
  const auto path = context.file("--model-path");
  TRY(const auto files, files_at(path));
  const auto container = new_container();
  TRY_VOID(upload(context, files, container));
  const auto top = files[0].name.substr(0, files[0].name.find('/'));
  const json::object asset{{"name", context.arguments().text("--name")},
                           {"artifacts", {{{"prefix", "LocalUpload/" + container + "/" + top}}}}};
  TRY(const auto made, context.call("POST", Face::management, "/assets", asset));
  TRY(const auto model, context.call("POST", Face::management, "/models",
                                     register_body(context, string_or(made.body, "id", ""))));
  TRY(const auto workspace, context.workspace());
  TRY_VOID(write_metadata(context, metadata_of(workspace, model.body)));
  return shaped(context, model.body, shape_model);
}

// By --model-id, else by name, version and run: the newest that fits.
Result<json::value> show(Context& context) {
  const auto& arguments = context.arguments();
  auto id = arguments.text("--model-id");
  const auto name = arguments.text("--model-name");
  if (id.empty() && name.empty())
    return fail(ErrorCode::invalid_argument, "'ml model show' needs --model-id or --model-name",
                "Usage");
  if (id.empty() && arguments.has("--version")) id = name + ":" + arguments.text("--version");
  if (!id.empty()) {
    TRY(const auto model, context.get(Face::management, model_path(id)));
    return shaped(context, model, shape_model);
  }
  std::string target = "/models";
  add_query(target, "name", name);
  add_query(target, "runId", arguments.text("--run-id"));
  add_query(target, "count", "1");
  TRY(const auto found, context.get(Face::management, target));
  const auto* value = find(found, "value");
  if (value == nullptr || !value->is_array() || value->get_array().empty())
    return fail(ErrorCode::not_found,
                fmt::format("there is no model '{}'; `ml model list` shows those there are", name),
                "ModelNotFound", "--model-name");
  return shaped(context, value->get_array()[0], shape_model);
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ","));
}

Result<json::value> list(Context& context) {
  const auto& arguments = context.arguments();
  std::string target = "/models";
  add_query(target, "name", arguments.text("--model-name"));
  add_query(target, "runId", arguments.text("--run-id"));
  add_query(target, "datasetId", arguments.text("--dataset-id"));
  add_query(target, "tags", joined(arguments.list("--tag")));
  add_query(target, "properties", joined(arguments.list("--property")));
  if (arguments.flag("--latest")) add_query(target, "latestVersionOnly", "true");
  TRY(const auto models, context.list(Face::management, target));
  return shaped(context, models, shape_model_row);
}

void patch(json::array& operations, std::string_view op, std::string path, json::value value) {
  operations.push_back(json::object{{"op", op}, {"path", std::move(path)}, {"value", value}});
}

// The tags of an object after --add-tag and --remove-tag; nothing when neither was given.
std::optional<json::object> changed_tags(const Arguments& arguments, const json::value& object) {
  if (!arguments.has("--add-tag") && !arguments.has("--remove-tag")) return std::nullopt;
  json::object tags;
  if (const auto* now = find(object, "kvTags"); now != nullptr && now->is_object())
    tags = now->get_object();
  for (const auto& [key, value] : pairs(arguments.list("--add-tag"))) tags[key] = value;
  for (const auto& key : arguments.list("--remove-tag")) tags.erase(key);
  return tags;
}

Result<json::value> update(Context& context) {
  const auto& arguments = context.arguments();
  const auto path = model_path(arguments.text("--model-id"));
  TRY(const auto model, context.get(Face::management, path));
  json::array operations;
  if (auto tags = changed_tags(arguments, model)) patch(operations, "replace", "/kvTags", *tags);
  if (arguments.has("--add-property")) {
    json::object properties = object_of(arguments.list("--add-property"));
    if (const auto* now = find(model, "properties"); now != nullptr && now->is_object())
      properties.insert(now->get_object().begin(), now->get_object().end());
    patch(operations, "add", "/properties", std::move(properties));
  }
  if (arguments.has("--description"))
    patch(operations, "replace", "/description", json::value(arguments.text("--description")));
  if (auto needed = resources_of(context); !needed.empty())
    patch(operations, "replace", "/resourceRequirements", std::move(needed));
  if (operations.empty())
    return fail(ErrorCode::invalid_argument, "nothing to update; --help lists what can change",
                "Usage");
  TRY(const auto changed,
      context.call("PATCH", Face::management, path, operations, "application/json-patch+json"));
  return shaped(context, changed.body, shape_model);
}

Result<json::value> remove(Context& context) {
  const auto id = context.arguments().text("--model-id");
  TRY_VOID(context.call("DELETE", Face::management, model_path(id)));
  return json::value{{"id", id}};
}

Result<json::value> download_model(Context& context) {
  TRY(const auto model,
      context.get(Face::management, model_path(context.arguments().text("--model-id"))));
  const auto url = string_or(model, "url", "");
  TRY(const auto asset, context.get(Face::management, "/assets/" + url.substr(url.rfind('/') + 1)));
  json::array written;
  const auto* artifacts = find(asset, "artifacts");
  if (artifacts == nullptr || !artifacts->is_array())
    return fail(ErrorCode::not_found, "there are no files to download");
  for (const auto& artifact : artifacts->get_array()) {
    const auto prefix = string_or(artifact, "prefix", string_or(artifact, "id", ""));
    TRY(const auto files, download(context, prefix, context.file("--target-dir"),
                                   context.arguments().flag("--overwrite")));
    for (const auto& file : files) written.emplace_back(file);
  }
  return json::value{{"downloadedFiles", std::move(written)}};
}

}  // namespace

// clang-format off
std::vector<Command> model_commands() {
  const Option id{"--model-id,-i", Kind::text, "Id of the model, name:version.", Need::required};
  const Option cpu{"--cpu-cores,--cc", Kind::number, "Cores that a service with it should get."};
  const Option memory{"--memory-gb,--gb", Kind::number, "GiB of memory that a service with it should get."};
  const Option gpu{"--gpu-cores,--gc", Kind::integer, "GPUs that a service with it should get."};
  return {
      {"ml model register",
       "Register a model: upload a file or a folder as the next version of a name.",
       {{"--name,-n", Kind::text, "Name of the model.", Need::required},
        {"--model-path,-p", Kind::text, "File or folder to upload.", Need::required},
        {"--model-framework", Kind::text, "Onnx and ScikitLearn deploy without code; others are notes."},
        {"--model-framework-version", Kind::text, "Version of the framework."},
        {"--description,-d", Kind::text, "What the model does."},
        {"--tag", Kind::list, "Tag as key=value; may be repeated."},
        {"--property", Kind::list, "Property as key=value, never changed afterwards; may be repeated."},
        {"--experiment-name", Kind::text, "Experiment that it comes from."},
        {"--sample-input-dataset-id", Kind::text, "Id of a data set of inputs."},
        {"--sample-output-dataset-id", Kind::text, "Id of a data set of outputs."},
        cpu, memory, gpu,
        {"--output-metadata-file,-t", Kind::text, "File for the model's id, as `model deploy -f` reads it."}},
       {"ml model register -n mymodel -p model.pkl -t model.json",
        "ml model register -n iris -p iris.onnx --model-framework Onnx --tag stage=test"},
       register_model},
      {"ml model show", "Show a model.",
       {{"--model-id,-i", Kind::text, "Id of the model, name:version."},
        {"--model-name,-n", Kind::text, "Name: the newest version, or that of --version."},
        {"--version", Kind::integer, "Version of the name."},
        {"--run-id", Kind::text, "Run that it comes from."}},
       {"ml model show -i mymodel:1", "ml model show -n mymodel -o yaml"}, show},
      {"ml model list", "List models, newest first.",
       {{"--model-name,-n", Kind::text, "Only versions of this name."},
        {"--latest,-l", Kind::boolean, "Only the newest version of each name."},
        {"--tag", Kind::list, "Only with these tags: key or key=value."},
        {"--property", Kind::list, "Only with these properties: key or key=value."},
        {"--run-id", Kind::text, "Only of this run."},
        {"--dataset-id", Kind::text, "Only trained on this data set."}},
       {"ml model list -o table", "ml model list -n mymodel --query '[0].id' -o tsv"}, list},
      {"ml model update", "Change tags and description of a model, add properties.",
       {id,
        {"--add-tag", Kind::list, "Tag as key=value."},
        {"--remove-tag", Kind::list, "Key of a tag to take away."},
        {"--add-property", Kind::list, "Property as key=value; those there are can't change."},
        {"--description", Kind::text, "What the model does."},
        cpu, memory, gpu},
       {"ml model update -i mymodel:1 --add-tag stage=production"}, update},
      {"ml model delete", "Delete a model that no service uses.", {id}, {"ml model delete -i mymodel:1"}, remove},
      {"ml model download", "Download the files of a model.",
       {id,
        {"--target-dir,-t", Kind::text, "Folder for them.", Need::required},
        {"--overwrite", Kind::boolean, "Replace files that are there already."}},
       {"ml model download -i mymodel:1 -t models"}, download_model},
  };
}
// clang-format on

}  // namespace slipway::cli
