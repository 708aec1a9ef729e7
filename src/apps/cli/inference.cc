#include "apps/cli/inference.h"

#include <fmt/format.h>

#include <filesystem>

#include "apps/cli/config_file.h"
#include "apps/cli/settings.h"
#include "apps/cli/transfer.h"
#include "base/crypto.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFile = "the inference configuration";
const std::vector<std::string_view> kKeys = {
    "entryScript", "sourceDirectory", "environment",       "runtime",     "condaFile",
    "baseImage",   "enableGpu",       "baseImageRegistry", "cudaVersion", "extraDockerfileSteps",
    "description"};

Error bad(std::string message, std::string target) {
  return fail(ErrorCode::invalid_argument, std::move(message), "InvalidConfiguration",
              std::move(target));
}

Result<std::string> text_of(const json::value& config, std::string_view key) {
  const auto* value = find(config, key);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return std::string(value->get_string());
  return bad(fmt::format("{}: '{}' must be a text, not {}", kFile, key, json::serialize(*value)),
             std::string(key));
}

// "condaDependenciesFile" is read here: the server cannot see our files.
Result<void> inline_conda_file(json::object& environment, const fs::path& folder) {
  auto* python = environment.if_contains("python");
  if (python == nullptr || !python->is_object()) return {};
  const auto file = string_or(*python, "condaDependenciesFile", "");
  const auto* inlined = find(*python, "condaDependencies");
  if (file.empty() || (inlined != nullptr && !inlined->is_null())) return {};
  TRY(python->get_object()["condaDependencies"], load_config(folder / file));
  return {};
}

// The older keys, from before there were environments.
Result<json::value> legacy_environment(const json::value& config, const fs::path& folder,
                                       const std::string& service) {
  TRY(const auto conda, text_of(config, "condaFile"));
  TRY(const auto runtime, text_of(config, "runtime"));
  TRY(const auto image, text_of(config, "baseImage"));
  if (conda.empty() && runtime.empty() && image.empty()) return json::value(nullptr);
  if (!runtime.empty() && runtime != "python" && runtime != "python-slim")
    return bad(fmt::format("{}: runtime '{}' can't be had; take 'python'", kFile, runtime),
               "runtime");
  json::object environment{{"name", service + "-env"}};
  if (!conda.empty()) {
    TRY(environment, environment_of_conda(folder / conda, service + "-env"));
  } else {
    environment["python"] = {
        {"condaDependencies",
         {{"dependencies", {"python=3.11", {{"pip", {"azureml-defaults"}}}}}}}};
  }
  if (!image.empty()) {
    const auto* registry = find(config, "baseImageRegistry");
    environment["docker"] = {{"baseImage", image},
                             {"baseImageRegistry", registry ? *registry : json::value(nullptr)}};
  }
  return json::value(std::move(environment));
}

Result<json::value> named_environment(Context& context, const std::string& name,
                                      const std::string& version) {
  auto path = "/environments/" + http::percent_encode(name);
  if (!version.empty()) path += "/versions/" + http::percent_encode(version);
  auto found = context.get(Face::environment, path);
  if (found || found.error().code != ErrorCode::not_found) return found;
  return fail(ErrorCode::not_found,
              fmt::format("there is no environment '{}'{}; `ml environment list` shows those there "
                          "are",
                          name, version.empty() ? "" : " of version " + version),
              "EnvironmentNotFound", "--environment-name");
}

// Flags stand above the file.
Result<Inference> read_inference(Context& context) {
  const auto& arguments = context.arguments();
  Inference out;
  json::object legacy;
  for (const auto& [key, flag] : {std::pair{"runtime", "--runtime"},
                                  {"condaFile", "--conda-file"},
                                  {"baseImage", "--base-image"}})
    if (arguments.has(flag)) legacy[key] = arguments.text(flag);
  if (arguments.has("--inference-config-file")) {
    const auto path = context.file("--inference-config-file");
    TRY(const auto config, load_config(path));
    TRY(out, check_inference_config(config, context.folder(), arguments.text("--name")));
  }
  out.entry_script = arguments.text_or("--entry-script", out.entry_script);
  out.source_directory = arguments.text_or("--source-directory", out.source_directory);
  if (!legacy.empty()) {
    TRY(out.environment, legacy_environment(legacy, context.folder(), arguments.text("--name")));
  }
  if (arguments.has("--environment-directory")) {
    TRY(out.environment, environment_of_folder(context.file("--environment-directory")));
  }
  if (arguments.has("--environment-name")) {
    TRY(out.environment, named_environment(context, arguments.text("--environment-name"),
                                           arguments.text("--environment-version")));
  }
  return out;
}

struct Code {
  LocalFile file;
  std::string entry_script;  // as the service sees it
  std::string folder;        // the top folder of an archive; empty for a single file
};

Result<Code> find_code(Context& context, const Inference& inference) {
  const fs::path script = inference.entry_script;
  if (inference.source_directory.empty()) {
    TRY(auto files, files_at(context.folder() / script));
    if (files.size() != 1 || !fs::is_regular_file(files[0].path))
      return bad("the entry script " + inference.entry_script + " is no file", "entryScript");
    return Code{files[0], files[0].name, ""};
  }
  const auto folder = fs::absolute(context.folder() / inference.source_directory / "")
                          .lexically_normal()
                          .parent_path();
  std::error_code code;
  if (!fs::is_regular_file(folder / script, code))
    return bad(fmt::format("the entry script {} is not in the source directory {}",
                           inference.entry_script, folder.string()),
               "entryScript");
  TRY(auto packed, pack_folder(folder));
  const auto name = folder.filename().string();
  return Code{std::move(packed), name + "/" + script.lexically_normal().generic_string(), name};
}

json::object asset_of(const Code& code, const std::string& container) {
  json::object asset{
      {"id", code.file.name},
      {"url", "aml://artifact/LocalUpload/" + container + "/" + code.file.name},
      {"mimeType", code.folder.empty() ? "application/x-python" : "application/octet-stream"}};
  if (!code.folder.empty()) asset["unpack"] = true;
  return asset;
}

// The environment's variables tell the service where its entry script is.
void point_to_code(json::value& environment, const Code& code) {
  auto& variables = environment.get_object()["environmentVariables"];
  if (!variables.is_object()) variables.emplace_object();
  variables.get_object()["AZUREML_ENTRY_SCRIPT"] = code.entry_script;
  if (!code.folder.empty()) variables.get_object()["AZUREML_SOURCE_DIRECTORY"] = code.folder;
}

Error no_environment() {
  return bad(
      "an entry script needs an environment: put \"environment\" into the inference "
      "configuration, or name one with -e, or give a conda file with --cf",
      "environment");
}

}  // namespace

Result<Inference> check_inference_config(const json::value& config, const fs::path& folder,
                                         const std::string& service) {
  const auto* object = config.if_object();
  if (object == nullptr) return bad(fmt::format("{} must be an object", kFile), "");
  TRY_VOID(check_keys(*object, kKeys, "", kFile));
  Inference out;
  TRY(out.entry_script, text_of(config, "entryScript"));
  TRY(out.source_directory, text_of(config, "sourceDirectory"));
  const auto* environment = object->if_contains("environment");
  if (environment == nullptr || environment->is_null()) {
    TRY(out.environment, legacy_environment(config, folder, service));
    return out;
  }
  if (!environment->is_object())
    return bad(fmt::format("{}: 'environment' must be an object", kFile), "environment");
  json::object definition = environment->get_object();
  TRY_VOID(inline_conda_file(definition, folder));
  out.environment = std::move(definition);
  return out;
}

Result<json::array> model_ids(Context& context) {
  json::array ids;
  for (const auto& file : context.arguments().list("--model-metadata-file")) {
    TRY(const auto metadata, load_config(context.folder() / file));
    const auto id = string_or(metadata, "modelId", string_or(metadata, "id", ""));
    if (id.empty()) return bad(file + " holds no \"modelId\"", "--model-metadata-file");
    ids.emplace_back(id);
  }
  for (const auto& model : context.arguments().list("--model")) {
    if (model.find(':') != std::string::npos) {
      ids.emplace_back(model);
      continue;
    }
    TRY(const auto found,
        context.get(Face::management, "/models?count=1&name=" + http::percent_encode(model)));
    const auto* value = find(found, "value");
    if (value == nullptr || !value->is_array() || value->get_array().empty())
      return fail(ErrorCode::not_found, "there is no model '" + model + "'", "ModelNotFound",
                  "--model");
    ids.emplace_back(string_or(value->get_array()[0], "id", model));
  }
  return ids;
}

Result<json::object> image_request(Context& context, json::array models) {
  TRY(auto inference, read_inference(context));
  json::object request{{"modelIds", std::move(models)}};
  if (inference.entry_script.empty()) {
    if (inference.environment.is_object()) request["environment"] = inference.environment;
    return request;
  }
  if (!inference.environment.is_object()) return no_environment();
  TRY(const auto code, find_code(context, inference));
  const auto container = random_hex(4);
  auto uploaded = upload(context, {code.file}, container);
  std::error_code ignored;
  if (!code.folder.empty()) fs::remove(code.file.path, ignored);
  TRY_VOID(std::move(uploaded));
  point_to_code(inference.environment, code);
  request["driverProgram"] = code.entry_script;
  request["assets"] = json::array{asset_of(code, container)};
  request["environment"] = inference.environment;
  return request;
}

Result<json::object> environment_of_conda(const fs::path& file, const std::string& name) {
  TRY(auto conda, load_config(file));
  if (!conda.is_object() || find(conda, "dependencies") == nullptr)
    return bad(file.string() + " is no conda file: it has no 'dependencies'", file.string());
  return json::object{{"name", name}, {"python", {{"condaDependencies", std::move(conda)}}}};
}

Result<json::object> environment_of_folder(const fs::path& folder) {
  TRY(auto definition, load_config(folder / "azureml_environment.json"));
  if (!definition.is_object())
    return bad((folder / "azureml_environment.json").string() + " must hold an object", "");
  std::error_code code;
  const auto conda = folder / "conda_dependencies.yml";
  auto& python = definition.get_object()["python"];
  if (!python.is_object()) python.emplace_object();
  if (fs::exists(conda, code)) {
    TRY(python.get_object()["condaDependencies"], load_config(conda));
  }
  const auto dockerfile = folder / "BaseDockerfile";
  if (fs::exists(dockerfile, code)) {
    TRY(auto text, read_file(dockerfile, 1 << 20));
    auto& docker = definition.get_object()["docker"];
    if (!docker.is_object()) docker.emplace_object();
    docker.get_object()["baseDockerfile"] = text;
  }
  return definition.get_object();
}

}  // namespace slipway::cli
