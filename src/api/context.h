#pragma once
// What a handler is given, and the small things that every handler needs.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/api.h"
#include "auth/auth.h"

namespace slipway::api {

// The shape of a face's error body, and which wire its routes belong to.
enum class Face { arm, management, data, blob };

// What every request shares; made once by Api::create, never changed after, so any thread.
struct State {
  Options options;
  auth::SigningKey signing_key;  // of the management tokens that we mint
  std::string owner_digest;      // of the owner token
  std::string msi_secret;
  std::string link_key;  // HMAC key of signed links
  TimeMs started_ms = 0;
};

// One request on its way through a handler: parsed, authenticated, its workspace looked up.
// Lives for the handler's call, on one thread of the pool.
struct Context {
  const State& state;
  http::RequestHead head;
  std::string body = {};
  http::Query query = {};
  std::map<std::string, std::string, std::less<>> params = {};
  std::string base_url = {};  // "https://127.0.0.1:9443", from the Host header
  std::string request_id = {};
  resources::Actor actor = {};
  resources::Workspace workspace = {};  // of routes below a workspace, else empty

  store::Store& store() const { return *state.options.store; }
  artifacts::Artifacts& artifacts() const { return *state.options.artifacts; }
  TimeMs now() const { return state.options.clock->now_ms(); }
  const std::string& param(std::string_view name) const;
  std::string query_or(std::string_view name, std::string_view otherwise) const;
  store::Key key(std::string kind, std::string name) const {
    return {std::move(kind), workspace.uid, std::move(name)};
  }
  // The body as an object; an empty body is an empty object.
  Result<json::object> object() const;
  Result<json::array> array() const;
  // The generation that If-Match names; nothing without the header or for "*".
  Result<std::optional<std::int64_t>> expected_generation() const;
};

using Handler = Result<http::Response> (*)(Context&);

http::Response reply(unsigned status, const json::value& body);
http::Response reply_text(unsigned status, std::string body);

// Who calls: the owner token or a management token of ours. unauthenticated with what to do.
Result<auth::Principal> authenticate(const State& state, const http::RequestHead& head);
// A management token for the local owner; `audience` as the client asked.
std::string mint_token(const State& state, const std::string& audience);
inline constexpr std::int64_t kTokenSeconds = 3600;
// The one tenant of a Slipway server.
inline constexpr std::string_view kTenant = "00000000-0000-0000-0000-00000000051b";

// The workspace that a new server has, so that a new user can start at once.
inline constexpr std::string_view kDefaultSubscription = "00000000-0000-0000-0000-000000000001";
inline constexpr std::string_view kDefaultGroup = "slipway";
inline constexpr std::string_view kDefaultWorkspace = "default";

// Reads desired state as a T; `internal` when the stored JSON is not one.
template <class T>
Result<T> desired(const store::Record& record) {
  return from_json<T>(record.desired);
}
// Observed state, or T's defaults while nothing was observed.
template <class T>
Result<T> observed(const store::Record& record) {
  if (record.observed.is_null()) return T{};
  return from_json<T>(record.observed);
}

// "/subscriptions/…/workspaces/<name>": the ARM id of the workspace of this request.
std::string workspace_id(const resources::Workspace& workspace);
std::string management_path(const Context& context);  // "/modelmanagement/v1.0" + workspace_id
// The store's key of a workspace by its three names, which compare without case.
store::Key workspace_key(std::string_view subscription, std::string_view group,
                         std::string_view name);
std::string lower(std::string_view text);

}  // namespace slipway::api
