#pragma once
// api: the REST faces (resource manager, model management, environments, artifacts, blobs), routes,
// management auth, JSON ↔ resources; writes desired state, never acts.
//
// Owner: the daemon. Handlers are plain functions that may block; they run on a WorkPool, except
// the two that stream blobs. One table of routes drives the dispatcher and /openapi.json.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "artifacts/artifacts.h"
#include "base/clock.h"
#include "base/executor.h"
#include "http/http.h"
#include "resources/resources.h"
#include "store/store.h"

namespace slipway::api {

// Things that api needs to show and that rooms beside it know.
using ServiceLogs = std::function<Result<std::string>(
    const std::string& workspace, const std::string& service, std::size_t lines)>;
using TrueCapacity = std::function<resources::Capacity()>;

struct Options {
  store::Store* store = nullptr;
  artifacts::Artifacts* artifacts = nullptr;
  WorkPool* pool = nullptr;
  const Clock* clock = nullptr;
  // "https://127.0.0.1:9443", no slash at its end. Our own base URL is taken from each request's
  // Host.
  std::string scoring_url;
  ServiceLogs service_logs;
  TrueCapacity true_capacity;
};

// What the local user needs to log in; made on first start.
struct Bootstrap {
  std::string owner_token;  // only when it was made by this call, else empty
  std::string msi_path;     // "/msi/<secret>/token"
};

class Api {
 public:
  // Makes the signing key, the owner token and the default workspace when they are not there.
  static Result<std::unique_ptr<Api>> create(const Options& options);
  virtual ~Api() = default;
  virtual http::Handler handler() = 0;
  virtual const Bootstrap& bootstrap() const = 0;
};

// The OpenAPI 3.1 document of the table of routes.
json::object openapi();

}  // namespace slipway::api
