#include "api/context.h"

// Management tokens: the local owner's opaque one, and short-lived JWTs that the token endpoint
// mints for clients that insist on the shape.
namespace slipway::api {
namespace {

constexpr std::string_view kIssuer = "https://slipway.local/";
// Told apart from tokens for scoring, which the same key may sign.
constexpr std::string_view kScope = "user_impersonation";

Error no_token(std::string message) {
  return fail(ErrorCode::unauthenticated,
              std::move(message) +
                  "; run eval \"$(slipway env)\", or send the content of "
                  "owner.token as 'Authorization: Bearer <token>'");
}

}  // namespace

std::string mint_token(const State& state, const std::string& audience) {
  const auto now = state.options.clock->now_ms() / 1000;
  return auth::sign_token(state.signing_key, {{"iss", kIssuer},
                                              {"aud", audience},
                                              {"tid", kTenant},
                                              {"oid", "owner"},
                                              {"sub", "owner"},
                                              {"name", "owner"},
                                              {"scp", kScope},
                                              {"iat", now},
                                              {"nbf", now},
                                              {"exp", now + kTokenSeconds}});
}

Result<auth::Principal> authenticate(const State& state, const http::RequestHead& head) {
  const auto header = head.headers.get_or("Authorization", "");
  constexpr std::string_view kBearer = "bearer ";
  if (lower(header.substr(0, kBearer.size())) != kBearer)
    return no_token("this call needs a bearer token");
  const auto token = header.substr(kBearer.size());
  auth::Principal owner{.object_id = "owner",
                        .name = "owner",
                        .tenant = std::string(kTenant),
                        .role = auth::Role::owner};
  if (auth::matches_digest(token, state.owner_digest)) return owner;
  const auto claims = auth::verify_token(
      token, {state.signing_key}, {.issuer = std::string(kIssuer)}, state.options.clock->now_ms());
  if (!claims) return no_token("the bearer token is not accepted (" + claims.error().message + ")");
  if (string_or(*claims, "scp", "") != kScope)
    return no_token("the bearer token is not for management");
  return owner;
}

}  // namespace slipway::api
