#pragma once
// What a deployment runs: models, code and environment, from flags and inferenceconfig.json.
#include <string>
#include <vector>

#include "apps/cli/context.h"

namespace slipway::cli {

// The content of an inferenceconfig.json. `environment` is null when there is none.
struct Inference {
  std::string entry_script;
  std::string source_directory;
  json::value environment;
};

// invalid_argument names unknown keys (with the nearest known) and values of a wrong type.
// `folder` is where a conda file named in it lies; `service` names an environment made of one.
Result<Inference> check_inference_config(const json::value& config,
                                         const std::filesystem::path& folder,
                                         const std::string& service);

// Ids ("name:1") of --model and of the files of --model-metadata-file; a bare name means its
// newest.
Result<json::array> model_ids(Context& context);

// environmentImageRequest: uploads the code. Models alone when there is no entry script.
Result<json::object> image_request(Context& context, json::array models);

// An environment made of a conda file, or of a folder written by `environment scaffold`.
Result<json::object> environment_of_conda(const std::filesystem::path& file,
                                          const std::string& name);
Result<json::object> environment_of_folder(const std::filesystem::path& folder);

}  // namespace slipway::cli
