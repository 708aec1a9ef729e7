#pragma once
// Daemon: control plane, router and local compute wired together in one process.
//
// Owner: up(). Built and torn down on the main thread; between the two its rooms run on threads of
// their own. The order of the members is the order of dependence, so that what uses goes first.
#include <memory>
#include <string>

#include "api/api.h"
#include "apps/options.h"
#include "artifacts/artifacts.h"
#include "compute/compute.h"
#include "control/control.h"
#include "router/router.h"
#include "store/store.h"

namespace slipway::apps {

class Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> start(const UpOptions& options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  const DaemonFile& file() const { return file_; }

 private:
  explicit Daemon(const UpOptions& options) : options_(options) {}
  Result<void> open_state();
  Result<void> prepare_tls();
  Result<void> start_router();
  Result<void> start_control();
  Result<void> start_api();
  Result<void> write_down();
  Result<void> keep_owner_token();

  UpOptions options_;
  DaemonFile file_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<artifacts::Artifacts> artifacts_;
  std::shared_ptr<http::TlsServerContext> tls_;
  std::unique_ptr<compute::Driver> driver_;
  std::unique_ptr<compute::EnvironmentBuilder> environments_;
  std::unique_ptr<WorkPool> pool_;
  std::unique_ptr<router::Router> router_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<api::Api> api_;
  Cores scoring_cores_;
  Cores management_cores_;
  std::unique_ptr<http::Server> scoring_;
  std::unique_ptr<http::Server> management_;
};

}  // namespace slipway::apps
