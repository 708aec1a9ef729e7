#include "api/service_spec.h"

#include <algorithm>
#include <cctype>

#include "api/artifact_store.h"
#include "api/environments.h"
#include "api/models.h"
#include "base/file.h"

namespace slipway::api {
namespace {

using resources::Service;
using resources::ServiceSpec;
using resources::StoredFile;

constexpr std::size_t kScriptBytes = 8 << 20;

struct CodeAsset {
  std::string id;
  std::string url;
  bool unpack = false;
};
BOOST_DESCRIBE_STRUCT(CodeAsset, (), (id, url, unpack))

Error bad(std::string message, std::string target) {
  return fail(ErrorCode::invalid_argument, std::move(message), "BadRequest",
              "environmentImageRequest." + std::move(target));
}

// A member that clients may leave null, as a T.
template <class T>
Result<T> member(const json::value& request, const char* name) {
  const auto* value = find(request, name);
  if (value == nullptr || value->is_null()) return T{};
  T out{};
  TRY_VOID(detail::decode(*value, out, std::string("environmentImageRequest.") + name));
  return out;
}

Result<std::vector<resources::Model>> models_of(const Context& context,
                                                const json::value& request) {
  TRY(const auto ids, member<std::vector<std::string>>(request, "modelIds"));
  constexpr std::size_t kMaxModels = 1000;  // documented, per deployment
  if (ids.size() > kMaxModels) return bad("a deployment takes at most 1000 models", "modelIds");
  std::vector<resources::Model> models;
  for (const auto& id : ids) {
    TRY(auto model, find_model(context, id));
    models.push_back(std::move(model));
  }
  return models;
}

Result<std::vector<StoredFile>> files_of(const Context& context, const CodeAsset& asset) {
  TRY(const auto name, artifact_of_url(asset.url));
  TRY(const auto artifact, uploaded_artifact(context, name));
  if (asset.unpack) return context.artifacts().unpack(artifact.digest);
  TRY_VOID(resources::check_relative_path(asset.id));
  return std::vector{StoredFile{asset.id, artifact.digest, artifact.bytes}};
}

// The wrapper that the retired client generates around the entry script; ours needs none.
bool is_wrapper(const CodeAsset& asset, const std::string& driver, const std::string& entry) {
  return asset.id == driver && driver != entry;
}

// Named by the environment; else the only other script; else the driver program itself.
std::string entry_script(const ServiceSpec& spec, const std::vector<CodeAsset>& assets,
                         const std::string& driver) {
  if (const auto named = spec.environment_variables.find("AZUREML_ENTRY_SCRIPT");
      named != spec.environment_variables.end())
    return named->second;
  std::vector<std::string> scripts;
  for (const auto& asset : assets)
    if (asset.id != driver && asset.id.ends_with(".py")) scripts.push_back(asset.id);
  return scripts.size() == 1 ? scripts.front() : driver;
}

bool has_word(std::string_view line, std::string_view word) {
  const auto is_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  for (auto at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !is_name(line[at - 1])) && (end == line.size() || !is_name(line[end])))
      return true;
  }
  return false;
}

// A cheap look, so that the commonest slip is told at once and not by a replica that fails: a line
// that defines, assigns or imports the name. No std::regex: it recurses as deep as a line is long.
bool defines_run(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const bool imports = has_word(line, "import");
    if (imports && line.find('*') != line.npos) return true;
    const bool binds = imports || has_word(line, "def") || line.find('=') != line.npos;
    if (binds && has_word(line, "run")) return true;
  }
  return false;
}

Result<void> check_entry(const Context& context, const ServiceSpec& spec) {
  const auto found = std::ranges::find(spec.code, spec.entry_script, &StoredFile::path);
  if (found == spec.code.end()) {
    std::string have;
    for (std::size_t i = 0; i < std::min<std::size_t>(spec.code.size(), 10); ++i)
      have += (i == 0 ? "" : ", ") + spec.code[i].path;
    return bad("the entry script '" + spec.entry_script + "' is not among the uploaded code (" +
                   have + ")",
               "assets");
  }
  TRY(const auto path, context.artifacts().path_of(found->digest));
  TRY(const auto text, read_file(path, kScriptBytes));
  if (defines_run(text)) return {};
  return bad("the entry script '" + spec.entry_script +
                 "' defines no function run(); it needs init() and run(data)",
             "assets");
}

Result<void> resolve_code(const Context& context, const json::value& request,
                          const std::vector<CodeAsset>& assets, ServiceSpec& spec) {
  const auto driver = string_or(request, "driverProgram", "");
  spec.entry_script = entry_script(spec, assets, driver);
  spec.code.clear();
  for (const auto& asset : assets) {
    if (is_wrapper(asset, driver, spec.entry_script)) continue;
    TRY(const auto files, files_of(context, asset));
    spec.code.insert(spec.code.end(), files.begin(), files.end());
  }
  spec.kind = "python";
  return check_entry(context, spec);
}

Result<void> resolve_no_code(const std::vector<resources::Model>& models, ServiceSpec& spec) {
  spec.entry_script.clear();
  spec.code.clear();
  if (models.size() != 1)
    return bad("a deployment without an entry script takes exactly one model, not " +
                   std::to_string(models.size()) + "; give an InferenceConfig with entry_script",
               "modelIds");
  const auto& model = models.front();
  const auto framework = lower(model.framework);
  const auto is_onnx = [](const StoredFile& file) { return lower(file.path).ends_with(".onnx"); };
  if (framework == "onnx") {
    spec.kind = "onnx";
    if (std::ranges::count_if(model.files, is_onnx) == 1) return {};
    return bad("the model '" + model.id() +
                   "' must hold exactly one .onnx file to be deployed "
                   "without an entry script",
               "modelIds");
  }
  spec.kind = "python";
  if (framework == "scikitlearn" && model.files.size() == 1) return {};
  return bad("the model '" + model.id() + "' has the framework '" + model.framework +
                 "'; without an entry script only Onnx and ScikitLearn (one file) can be deployed. "
                 "Give an InferenceConfig with entry_script",
             "modelIds");
}

Result<void> resolve_environment(const Context& context, const json::value& request,
                                 ServiceSpec& spec) {
  TRY(auto given, member<json::object>(request, "environment"));
  TRY(const auto reference, member<json::object>(request, "environmentReference"));
  if (given.empty()) given = reference;
  TRY(spec.environment, complete_definition(context, given));
  spec.environment_name = string_or(spec.environment, "name", "");
  spec.environment_version = string_or(spec.environment, "version", "");
  spec.environment_variables.clear();
  const auto* variables = spec.environment.if_contains("environmentVariables");
  if (variables == nullptr || variables->is_null()) return {};
  return detail::decode(*variables, spec.environment_variables,
                        "environmentImageRequest.environment.environmentVariables");
}

}  // namespace

Result<void> resolve_spec(const Context& context, Service& service) {
  auto& request = service.environment_image_request;
  if (!request.is_object())
    return fail(ErrorCode::invalid_argument,
                "environmentImageRequest is missing: it names the models, the code and the "
                "environment of the service",
                "BadRequest", "environmentImageRequest");
  TRY(const auto models, models_of(context, request));
  service.spec.models.clear();
  for (const auto& model : models) service.spec.models.push_back({model.name, model.version});
  TRY_VOID(resolve_environment(context, request, service.spec));
  if (auto* given = request.get_object().if_contains("environment")) hide_passwords(*given);
  TRY(const auto assets, member<std::vector<CodeAsset>>(request, "assets"));
  if (assets.empty()) return resolve_no_code(models, service.spec);
  return resolve_code(context, request, assets, service.spec);
}

}  // namespace slipway::api
