#pragma once
// control: reconcilers; desired against observed state, one key at a time, level-triggered.
//
// Owner: the daemon. A change in the store or in a replica only wakes a key; the reconciler reads
// the whole state, asks the pure plan() what to do, and does it. Sequential per key, concurrent
// across keys, on its own threads. Stopping it changes nothing: the next start goes on where this
// one was.
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "artifacts/artifacts.h"
#include "base/clock.h"
#include "compute/compute.h"
#include "resources/resources.h"
#include "store/store.h"

namespace slipway::control {

using PublishRoutes = std::function<void(resources::RouteTablePtr)>;
using InFlight = std::function<int(const std::string& replica_id)>;

struct Options {
  store::Store* store = nullptr;
  artifacts::Artifacts* artifacts = nullptr;
  compute::Driver* driver = nullptr;
  compute::EnvironmentBuilder* environments = nullptr;
  std::filesystem::path bundles;  // bundles/<workspace>/<service>-<revision>/
  PublishRoutes publish;
  InFlight in_flight;
  const Clock* clock = nullptr;
  std::size_t threads = 4;
};

class Control {
 public:
  // Reads the whole state once, publishes the routes that are known, and begins to reconcile.
  static Result<std::unique_ptr<Control>> start(const Options& options);
  virtual ~Control() = default;  // stops and joins; replicas are left to the driver
  // The last `lines` of the output of a service's replicas, newest replica last.
  virtual Result<std::string> service_logs(const std::string& workspace, const std::string& service,
                                           std::size_t lines) = 0;
};

}  // namespace slipway::control
