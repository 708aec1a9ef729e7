#include "api/api.h"

#include <algorithm>

#include "api/blobs.h"
#include "api/bootstrap.h"
#include "api/errors.h"
#include "api/route.h"
#include "api/workspaces.h"
#include "base/crypto.h"
#include "base/log.h"

namespace slipway::api {
namespace {

constexpr std::uint64_t kJsonBytes = 4 << 20;
constexpr std::size_t kHostBytes = 255;
constexpr std::size_t kClientIdBytes = 128;

// On every answer: the ids that tie it to a log line, and what keeps browsers careful.
http::Headers common_headers(const http::RequestHead& head, const std::string& request_id) {
  http::Headers headers{{"x-ms-request-id", request_id},
                        {"Strict-Transport-Security", "max-age=31536000"},
                        {"Cache-Control", "no-store"},
                        {"X-Content-Type-Options", "nosniff"}};
  const auto client = head.headers.get_or("x-ms-client-request-id", "");
  if (!client.empty() && client.size() <= kClientIdBytes)
    headers.add("x-ms-client-request-id", std::string(client));
  return headers;
}

// Links that we hand out carry the name under which the caller reached us.
Result<std::string> base_url(const http::RequestHead& head) {
  const auto host = head.headers.get_or("Host", "");
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' ||
           c == ']';
  };
  if (!host.empty() && host.size() <= kHostBytes && std::ranges::all_of(host, fits))
    return "https://" + std::string(host);
  return fail(ErrorCode::invalid_argument, "the Host header must be a plain host[:port]", {},
              "Host");
}

Error no_route(const http::RequestHead& head) {
  return fail(ErrorCode::not_found, "there is no route " + head.method + " " +
                                        std::string(head.path()) +
                                        "; GET /openapi.json lists every route of this server");
}

http::Response wrong_method(const Context& context, const std::string& allow) {
  const Error error =
      fail(ErrorCode::invalid_argument,
           context.head.method + " is not served here; " + allow + " is", "MethodNotAllowed");
  auto response = error_response(error, face_of(context.head.path()), context.request_id);
  response.status = 405;
  response.headers.set("Allow", allow);
  return response;
}

Result<void> admit(Context& context, const Route& route) {
  if (route.guard != Guard::bearer) return {};
  TRY(const auto principal, authenticate(context.state, context.head));
  context.actor = {principal.object_id, principal.name};
  if (auth::allows(principal.role, route.permission)) return {};
  return fail(ErrorCode::forbidden,
              "the role '" + std::string(boost::describe::enum_to_string(principal.role, "")) +
                  "' does not allow " + std::string(route.operation));
}

Result<http::Response> call(Context& context, const Route& route) {
  if (context.params.contains("workspace")) {
    TRY(context.workspace, find_workspace(context.store(), context.param("subscription"),
                                          context.param("group"), context.param("workspace")));
  }
  return route.handler(context);
}

// Our own mistakes are logged with the id that the caller was given.
http::Response refuse(const Context& context, const Error& error, Face face) {
  if (status_of(error.code) >= 500)
    log::warning("api", "request failed",
                 {{"request", context.request_id},
                  {"method", context.head.method},
                  {"path", context.head.path()},
                  {"error", error.message}});
  return error_response(error, face, context.request_id);
}

void finish_headers(http::Response& response, const http::Headers& common) {
  for (const auto& [name, value] : common)
    if (!response.headers.has(name)) response.headers.add(name, value);
}

Result<Match> find_route(Context& context) {
  TRY(context.base_url, base_url(context.head));
  TRY(context.query, http::parse_query(context.head.query()));
  std::string_view path = context.head.path();
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  TRY(const auto segments, http::split_path(path));
  auto found = match(context.head.method, segments);
  context.params = std::move(found.params);
  return found;
}

Task<Result<http::Response>> answer_json(Context& context, http::Exchange& exchange,
                                         const Route& route) {
  CO_TRY(context.body, co_await exchange.read_body(kJsonBytes));
  auto work = [&] { return call(context, route); };
  co_return co_await run_on(*context.state.options.pool, work);
}

Task<void> serve(const State& state, http::Exchange& exchange) {
  Context context{.state = state, .head = exchange.head(), .request_id = random_uuid()};
  const auto common = common_headers(context.head, context.request_id);
  Face face = face_of(context.head.path());
  auto found = find_route(context);
  Result<http::Response> response = no_route(context.head);
  if (!found) {
    response = found.error();
  } else if (found->route != nullptr) {
    const Route& route = *found->route;
    face = route.face;
    if (auto admitted = admit(context, route); !admitted) {
      response = admitted.error();
    } else if (route.handler != nullptr) {
      response = co_await answer_json(context, exchange, route);
    } else if (route.method == "PUT") {
      response = co_await put_blob(context, exchange);
    } else {
      const auto sent = co_await get_blob(context, exchange, common);
      if (sent.began) co_return;
      response = sent.result.error();
    }
  } else if (!found->allow.empty()) {
    response = wrong_method(context, found->allow);
  }
  http::Response last = response ? std::move(*response) : refuse(context, response.error(), face);
  finish_headers(last, common);
  (void)co_await exchange.respond(std::move(last));
}

class ApiImpl final : public Api {
 public:
  explicit ApiImpl(Booted booted)
      : state_(std::make_shared<const State>(std::move(booted.state))),
        bootstrap_(std::move(booted.bootstrap)) {}
  http::Handler handler() override {
    return [state = state_](http::Exchange& exchange) { return serve(*state, exchange); };
  }
  const Bootstrap& bootstrap() const override { return bootstrap_; }

 private:
  std::shared_ptr<const State> state_;
  Bootstrap bootstrap_;
};

}  // namespace

Result<std::unique_ptr<Api>> Api::create(const Options& options) {
  Options complete = options;
  if (complete.clock == nullptr) complete.clock = &system_clock();
  TRY(auto booted, boot(complete));
  return std::unique_ptr<Api>(std::make_unique<ApiImpl>(std::move(booted)));
}

}  // namespace slipway::api
