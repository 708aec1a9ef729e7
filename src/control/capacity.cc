#include "control/capacity.h"

#include <algorithm>

namespace slipway::control {
namespace {

resources::Failure unschedulable(const Error& error) {
  resources::Failure failure;
  failure.code = "KubernetesDeploymentFailed";
  failure.message = error.message;
  failure.detail_code = "Unschedulable";
  failure.detail_message = error.message;
  return failure;
}

resources::Failure target_gone(const std::string& name) {
  resources::Failure failure;
  failure.code = "ComputeTargetNotFound";
  failure.status = 404;
  failure.message = "The compute target " + name + " is not there any more; deploy to another one";
  return failure;
}

Result<resources::Capacity> taken_by_others(store::Store& store, const std::string& workspace,
                                            const resources::Service& service) {
  resources::Capacity taken;
  TRY(const auto records, store.list("service", {.scope = workspace}));
  for (const auto& record : records) {
    if (record.key.name == service.name) continue;
    if (string_or(record.observed, "state", "") == "Failed") continue;
    TRY(const auto other, from_json<resources::Service>(record.desired));
    if (other.compute_name != service.compute_name || other.deleting) continue;
    taken.cpu += wanted_replicas(other) * other.spec.resources.cpu;
    taken.memory_gb += wanted_replicas(other) * other.spec.resources.memory_gb;
  }
  return taken;
}

}  // namespace

int wanted_replicas(const resources::Service& service) {
  if (service.num_replicas) return *service.num_replicas;
  return service.autoscale.enabled ? std::max(1, service.autoscale.min_replicas) : 1;
}

Result<CapacityVerdict> judge_capacity(store::Store& store, const std::string& workspace,
                                       const resources::Service& service) {
  TRY(const auto record, store.get({"compute", workspace, service.compute_name}));
  if (!record) return CapacityVerdict{{}, target_gone(service.compute_name)};
  TRY(const auto target, from_json<resources::ComputeTarget>(record->desired));
  TRY(const auto taken, taken_by_others(store, workspace, service));
  CapacityVerdict verdict{resources::capacity_of(target), std::nullopt};
  const auto fits =
      resources::check_fits(verdict.total, taken, service.spec.resources, wanted_replicas(service));
  if (!fits) verdict.failure = unschedulable(fits.error());
  return verdict;
}

}  // namespace slipway::control
