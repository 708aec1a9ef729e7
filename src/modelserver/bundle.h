#pragma once
// Bundle: what DIR/bundle.json says about the model version to serve.
#include <boost/describe.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::modelserver {

enum class BundleKind { python, onnx };
BOOST_DESCRIBE_ENUM(BundleKind, python, onnx)

struct BundleModel {
  std::string name;
  std::int64_t version = 1;
  std::string path;  // below the bundle's folder
};
BOOST_DESCRIBE_STRUCT(BundleModel, (), (name, version, path))

// A plain value; checked once by parse_bundle or infer_bundle, then never changed. Paths are
// relative to the bundle's folder and stay inside it, except `python`.
struct Bundle {
  std::string service_name = "ML service";
  std::string service_version = "1.0";
  std::string workspace_name;
  BundleKind kind = BundleKind::python;
  std::string entry_script = "score.py";  // relative to source_directory
  std::string source_directory = "code";
  std::vector<BundleModel> models;
  std::string onnx_file;
  std::string python = "python3";  // a path, or a name looked up on PATH
  std::map<std::string, std::string> environment_variables;
  std::int64_t workers = 1;
  std::int64_t scoring_timeout_ms = 60'000;
  std::int64_t max_concurrent_requests = 1;
  double cpu = 1.0;  // cores this replica may use
  std::int64_t request_body_bytes = 100LL << 20;
  std::string path_prefix;  // "/api/v1/service/<name>"
};
BOOST_DESCRIBE_STRUCT(Bundle, (),
                      (service_name, service_version, workspace_name, kind, entry_script,
                       source_directory, models, onnx_file, python, environment_variables, workers,
                       scoring_timeout_ms, max_concurrent_requests, cpu, request_body_bytes,
                       path_prefix))

// The text of a bundle.json. invalid_argument names the member, its value and the rule.
Result<Bundle> parse_bundle(std::string_view text);

// The rules that parse_bundle applies, for a bundle made or changed in code.
Result<void> check(const Bundle& bundle);

// What a folder without bundle.json holds: one *.onnx file, or score.py or main.py beside the
// model.
Result<Bundle> infer_bundle(const std::filesystem::path& folder);

// bundle.json when there is one, else infer_bundle.
Result<Bundle> load_bundle(const std::filesystem::path& folder);

// The value of AZUREML_MODEL_DIR: the one model's folder, or the root above several.
std::filesystem::path model_directory(const Bundle& bundle, const std::filesystem::path& folder);

}  // namespace slipway::modelserver
