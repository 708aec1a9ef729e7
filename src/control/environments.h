#pragma once
// Environments: builds in the background, for as many operations as wait for them.
//
// Owner: Control. Any thread. What is built is known to the builder; here are only the builds under
// way and those that failed, by the operation that asked.
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/executor.h"
#include "compute/compute.h"
#include "control/plan.h"
#include "store/store.h"

namespace slipway::control {

class Environments {
 public:
  using Wake = std::function<void(const store::Key&)>;
  using Log = std::function<void(const std::string& operation, std::string_view text)>;
  struct Look {
    EnvironmentState state = EnvironmentState::absent;
    std::optional<resources::Failure> failure;
    compute::BuiltEnvironment built;
  };

  Environments(compute::EnvironmentBuilder& builder, Wake wake, Log log)
      : builder_(builder), wake_(std::move(wake)), log_(std::move(log)) {}
  ~Environments() { builder_.cancel(); }

  // An empty definition is ready: what needs no Python needs no environment.
  Look look(const std::string& operation, const json::object& definition);
  // Wakes `key` when it has ended, well or not.
  void build(const store::Key& key, const std::string& operation, const json::object& definition);
  void forget(const std::string& operation);

 private:
  void run(const store::Key& key, const std::string& operation, const json::object& definition);

  compute::EnvironmentBuilder& builder_;
  const Wake wake_;
  const Log log_;
  std::mutex mutex_;
  std::map<std::string, Look> asked_;         // by operation
  WorkPool pool_{"environments", 2, 10'000};  // joined first, after cancel()
};

}  // namespace slipway::control
