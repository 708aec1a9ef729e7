#pragma once
// The table of routes and the search in it.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"

namespace slipway::api {

// What a route asks of its caller before the handler runs.
enum class Guard {
  open,    // nothing: discovery, health, the token endpoint (whose path is the secret)
  link,    // a signed query
  bearer,  // a management token
};

// One row of the table that drives the dispatcher and the OpenAPI document.
// `pattern`: literals match without case, {name} one segment, {name*} the rest of the path.
// Schemas name rows of openapi_schemas.cc; empty for no body. Rows are constants; any thread.
struct Route {
  std::string_view method;
  std::string_view pattern;
  std::string_view operation;  // unique; the OpenAPI operationId
  std::string_view summary;
  Face face;
  Guard guard;
  auth::Permission permission;  // asked of the caller when guarded by bearer
  std::string_view query;       // names of query parameters, separated by spaces
  std::string_view request;     // schema of the body
  std::string_view response;    // schema of the answer
  unsigned status;              // of success
  Handler handler;              // null: a blob route, which streams
};

std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;
  std::map<std::string, std::string, std::less<>> params;
  std::string allow;  // methods of routes whose pattern fits, when none has this method
};

// The first route that fits. Without one `route` is null and `allow` says whether it was the
// method.
Match match(std::string_view method, const std::vector<std::string>& segments);

// Which error body an unknown path gets.
Face face_of(std::string_view path);

}  // namespace slipway::api
