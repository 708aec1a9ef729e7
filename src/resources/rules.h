#pragma once
// The documented rules, as pure functions. Each refusal names the field, the value, the rule and
// the remedy, and carries the documented error code in Error::reason.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "resources/nouns.h"

namespace slipway::resources {

// Names. `field` is what the message calls the value.
Result<void> check_workspace_name(std::string_view name);  // 3-33: alphanumeric, then also - _
Result<void> check_model_name(std::string_view name);      // 1-255: alphanumeric, then also - . _
Result<void> check_service_name(std::string_view name);    // 3-32: a-z, then a-z 0-9 -, no - last
Result<void> check_compute_name(std::string_view name);    // 3-24: letter, then letters digits -
Result<void> check_environment_name(
    std::string_view name);  // not beginning with Microsoft, AzureML
// A relative path with '/' that stays below its folder; for uploads and unpacking.
Result<void> check_relative_path(std::string_view path);

// One row of the table of VM sizes.
struct VmSize {
  std::string_view name;  // "Standard_D3_v2"
  int vcpus;
  double memory_gb;
  int gpus;
};
const std::vector<VmSize>& vm_sizes();
// Case-insensitive. invalid_argument with the nearest known names.
Result<VmSize> find_vm_size(std::string_view name);

inline constexpr std::string_view kFastProd = "FastProd";
inline constexpr std::string_view kDevTest = "DevTest";
inline constexpr int kFastProdVcpus = 12;

// Fills the documented defaults (agent_count 3 or 1, Standard_D3_v2, FastProd, PublicIp).
void apply_defaults(ComputeTarget& target);
// After apply_defaults: names, sizes, counts, the 12-vCPU rule.
Result<void> validate(const ComputeTarget& target);
// Ranges, limits against requests, autoscale fields, auth modes, probes, times, description, tags.
Result<void> validate(const Service& service);
Result<void> validate(const Model& model);
Result<void> validate(const Environment& environment);
Result<void> validate(const Workspace& workspace);

// Whether the target's logical capacity can hold `replicas` more of these, beside what is taken.
// Unschedulable with the arithmetic: asked, free, missing.
struct Capacity {
  double cpu = 0;
  double memory_gb = 0;
  int gpus = 0;
};
Capacity capacity_of(const ComputeTarget& target);  // agent_count × VM size
Result<void> check_fits(const Capacity& total, const Capacity& taken,
                        const ContainerResources& each, int replicas);

}  // namespace slipway::resources
