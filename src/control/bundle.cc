#include "control/bundle.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace slipway::control {
namespace {

constexpr std::int64_t kRequestBodyBytes = 100LL << 20;  // documented: 100 MB

// The documented no-code behaviour: predict_proba where there is one, unless the body asks for
// "method": "predict".
constexpr std::string_view kScikitLearnScript = R"(import json
import os

import joblib
import numpy


def init():
    global model
    folder = os.environ["AZUREML_MODEL_DIR"]
    files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    if len(files) != 1:
        raise ValueError(f"a scikit-learn model must be one file; {folder} holds {len(files)}")
    model = joblib.load(files[0])


def run(body):
    request = json.loads(body)
    if not isinstance(request, dict) or "data" not in request:
        raise ValueError('the body must be an object with a member "data": {"data": [[...], ...]}')
    usual = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    method = request.get("method", usual)
    if method not in ("predict", "predict_proba") or not hasattr(model, method):
        raise ValueError(f'"method" is {method!r}; this model has predict'
                         + (" and predict_proba" if hasattr(model, "predict_proba") else ""))
    return {method: numpy.asarray(getattr(model, method)(numpy.asarray(request["data"]))).tolist()}
)";
constexpr const char* kGeneratedScript = "slipway_scikit_learn.py";

bool without_script(const resources::ServiceSpec& spec) {
  return spec.kind == "python" && spec.entry_script.empty();
}

std::string model_path(const resources::Model& model) {
  return fmt::format("azureml-models/{}/{}", model.name, model.version);
}

std::string onnx_file(const std::vector<resources::Model>& models) {
  for (const auto& model : models)
    for (const auto& file : model.files)
      if (file.path.ends_with(".onnx") || file.path.ends_with(".ONNX"))
        return model_path(model) + "/" + file.path;
  return {};
}

json::array model_entries(const std::vector<resources::Model>& models) {
  json::array out;
  for (const auto& model : models)
    out.push_back(json::object{
        {"name", model.name}, {"version", model.version}, {"path", model_path(model)}});
  return out;
}

json::object bundle_json(const resources::Service& service,
                         const std::vector<resources::Model>& models, const std::string& python) {
  const auto& spec = service.spec;
  json::object out{{"service_name", service.name},
                   {"service_version", std::to_string(service.revision)},
                   {"kind", spec.kind},
                   {"models", model_entries(models)},
                   {"environment_variables", to_json(spec.environment_variables)},
                   {"workers", 1},
                   {"scoring_timeout_ms", spec.scoring_timeout_ms},
                   {"max_concurrent_requests", spec.max_concurrent_requests},
                   {"cpu", spec.resources.cpu_limit.value_or(spec.resources.cpu)},
                   {"request_body_bytes", kRequestBodyBytes},
                   {"path_prefix", "/api/v1/service/" + service.route}};
  if (spec.kind == "onnx") {
    out["onnx_file"] = onnx_file(models);
    return out;
  }
  out["entry_script"] = without_script(spec) ? std::string(kGeneratedScript) : spec.entry_script;
  out["source_directory"] = "code";
  out["python"] = python;
  return out;
}

// The newest Python that a release of scikit-learn has wheels for; empty when any will do.
std::string python_for(const std::string& scikit_learn) {
  const char* text = scikit_learn.c_str();
  char* rest = nullptr;
  const long major = std::strtol(text, &rest, 10);
  const long minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
  if (scikit_learn.empty() || major > 1 || (major == 1 && minor >= 3)) return {};
  if (major == 1) return minor == 0 ? "3.9" : "3.11";
  return minor < 24 ? "3.8" : "3.9";
}

}  // namespace

json::object environment_of(const resources::ServiceSpec& spec,
                            const std::vector<resources::Model>& models) {
  if (spec.kind != "python") return {};
  if (!without_script(spec) || models.empty()) return spec.environment;
  const std::string version = models.front().framework_version;
  json::array pip{"numpy",
                  version.empty() ? std::string("scikit-learn") : "scikit-learn==" + version};
  json::array dependencies;
  if (const auto python = python_for(version); !python.empty())
    dependencies.push_back(json::string("python=" + python));
  dependencies.push_back(json::object{{"pip", std::move(pip)}});
  return {{"python", {{"condaDependencies", {{"dependencies", std::move(dependencies)}}}}}};
}

BundleContents bundle_contents(const resources::Service& service,
                               const std::vector<resources::Model>& models,
                               const std::string& python) {
  BundleContents out;
  if (!service.spec.code.empty()) out.placements.push_back({"code", service.spec.code});
  for (const auto& model : models) out.placements.push_back({model_path(model), model.files});
  out.extra.emplace_back("bundle.json", pretty_json(bundle_json(service, models, python)));
  out.extra.emplace_back("spec.json", json::serialize(to_json(service.spec)));
  if (without_script(service.spec))
    out.extra.emplace_back(std::string("code/") + kGeneratedScript, kScikitLearnScript);
  return out;
}

}  // namespace slipway::control
