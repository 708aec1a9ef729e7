#pragma once
// router: the inference data plane; authorises, picks a version and a replica, queues, forwards,
// counts; from a RouteTable only.
//
//   POST, GET /api/v1/service/<route>/score         to a replica, within its limits
//   GET       /api/v1/service/<route>/              "Healthy", or 503 without a ready replica
//   GET       /api/v1/service/<route>/swagger.json  the replica's; with a key where keys are on
//
// Every refusal is {"message": …, "code": …}. OPTIONS is answered 405, as documented: pre-flight
// requests do not reach user code.
//
// Owner: the daemon. Its handler runs on the Cores of the scoring listener; everything it touches
// on a request lives on that Core (upstream pools, in-flight counts per Core with a shared atomic
// per replica) or is immutable (RouteTable). publish() may be called from any thread.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/http.h"
#include "resources/resources.h"

namespace slipway::router {

// Verifies a service token; empty result means it may pass. Called on a Core; must not block.
using VerifyToken =
    std::function<Result<void>(std::string_view token, const resources::Route& route)>;

struct Options {
  std::uint64_t request_body_bytes = 100ULL << 20;  // documented: 100 MB
  std::uint64_t answer_body_bytes = 1ULL << 30;
  std::uint64_t buffered_body_bytes = 1ULL << 30;  // all request bodies held at once
  std::size_t queue_per_version = 1'000;           // requests that wait for a replica
  VerifyToken verify_token;
  const Clock* clock = nullptr;
};

class Router {
 public:
  // Outlives the server that runs its handler; ends before the Cores do.
  static std::unique_ptr<Router> create(Options options);
  virtual ~Router() = default;
  // Takes effect for requests that arrive from now on; those under way end where they are.
  virtual void publish(resources::RouteTablePtr table) = 0;
  virtual http::Handler handler() = 0;
  // Requests now at a replica of this id; a replica is stopped only when it is 0 and unpublished.
  virtual int in_flight(const std::string& replica_id) const = 0;
};

// What the listener answers when the bytes are no request or pass a limit; for ServerOptions.
http::Response listener_error(unsigned status, std::string_view message);

}  // namespace slipway::router
