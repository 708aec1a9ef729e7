#pragma once
// Whether a target's logical capacity holds one more deployment.
#include <optional>
#include <string>

#include "resources/resources.h"
#include "store/store.h"

namespace slipway::control {

// num_replicas, or where the autoscaler is to decide, its minimum.
int wanted_replicas(const resources::Service& service);

struct CapacityVerdict {
  resources::Capacity total;
  std::optional<resources::Failure> failure;  // Unschedulable, with the arithmetic
};
// Counts every other service on the same target that has not failed.
Result<CapacityVerdict> judge_capacity(store::Store& store, const std::string& workspace,
                                       const resources::Service& service);

}  // namespace slipway::control
