#pragma once
// Deployment without an entry script: the script and the environment that stand in for them.
#include <string>
#include <string_view>

#include "base/json.h"
#include "resources/resources.h"

namespace slipway::control {

inline constexpr std::string_view kNoCodeScriptName = "slipway_no_code.py";

// Loads the one pickled scikit-learn model and answers {"data": [...]} with predict_proba where the
// model has it, else predict; "method" in the body chooses, as documented.
std::string no_code_script();

// The environment definition of a scikit-learn model of `framework_version` (may be empty).
json::object no_code_environment(const std::string& framework_version);

}  // namespace slipway::control
