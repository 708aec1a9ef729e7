#pragma once
// The settings of a deployment: one table gives each its key in deploymentconfig.json, its flag,
// and its place in the request. It checks files, takes flags, and makes create and update requests.
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/arguments.h"
#include "base/json.h"

namespace slipway::cli {

struct Setting {
  std::string_view key;  // dotted, in deploymentconfig.json
  Kind kind;
  std::string_view types;  // compute types that know it: "aks|aci"
  std::string_view flag;   // first name of its option; empty for none
  std::string_view wire;   // dotted, in the request; empty: as key
  std::string_view wire_key() const { return wire.empty() ? key : wire; }
};
const std::vector<Setting>& settings();

// Lower-case "aks" or "aci"; invalid_argument for others, with what to do.
Result<std::string> check_compute_type(std::string_view given);

// The content of a deploymentconfig.json, its nulls dropped. invalid_argument names unknown keys
// (with the nearest known) and values of a wrong type.
Result<json::object> check_deployment_config(const json::value& config);

// Sets every key whose flag was given.
void apply_flags(json::object& config, const Command& command, const Arguments& arguments);

// Members of the create request; computeType is upper case.
json::object create_members(const json::object& config);
// JSON-Patch operations for every setting in `config`.
json::array update_operations(const json::object& config);

// Refuses members of `object` that `known` lacks. `where` is the dotted place, or empty.
Result<void> check_keys(const json::object& object, const std::vector<std::string_view>& known,
                        std::string_view where, std::string_view file);

}  // namespace slipway::cli
