#pragma once
// What a replica's folder holds: the code, the models, bundle.json for the model server, and
// spec.json, so that a revision can be started again after a newer one was asked for. Pure.
#include <string>
#include <utility>
#include <vector>

#include "artifacts/artifacts.h"
#include "base/result.h"
#include "resources/resources.h"

namespace slipway::control {

struct BundleContents {
  std::vector<artifacts::Placement> placements;
  std::vector<std::pair<std::string, std::string>> extra;  // path → text
};

// `models` in the order of the spec; `python` is the environment's interpreter, empty for onnx.
BundleContents bundle_contents(const resources::Service& service,
                               const std::vector<resources::Model>& models,
                               const std::string& python);

// The environment of a scikit-learn model that came without one: what the version of its framework
// needs. Empty for what runs without Python.
json::object environment_of(const resources::ServiceSpec& spec,
                            const std::vector<resources::Model>& models);

}  // namespace slipway::control
