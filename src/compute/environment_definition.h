#pragma once
// The documented environment JSON made plain: one Python version and a list of pip requirements.
// Pure.
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::compute {

struct NormalDefinition {
  std::string python;       // "3.8" or "3.8.18"; empty when none was asked for
  std::string interpreter;  // given with userManagedDependencies; nothing is built then
  std::vector<std::string> requirements;  // as pip takes them, in the order given
  std::vector<std::string> notes;         // what was left out, and why
};
Result<NormalDefinition> normalise(const json::object& definition);

// "pytorch=1.4" → "torch==1.4.*"; empty for what is no package of its own.
std::string pip_of_conda(std::string_view conda);

// The package's name in lower case with '-' for '_' and '.'.
std::string requirement_name(std::string_view requirement);

}  // namespace slipway::compute
