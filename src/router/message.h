#pragma once
// What a scoring request and its answers look like: paths, ids, headers, error bodies. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/http.h"
#include "resources/resources.h"

namespace slipway::router {

enum class Action { score, health, swagger };

// /api/v1/service/<route>/{score, swagger.json, ""}; the views point into the request.
struct ScoringPath {
  std::string_view route;
  Action action = Action::score;
};
std::optional<ScoringPath> parse_path(std::string_view path);

// The documented ids of a request: its own (made when absent), and the client's.
struct RequestIds {
  std::string request;  // x-request-id
  std::string legacy;   // x-ms-request-id, as answered
  std::string client;   // x-ms-client-request-id, as answered; empty when none was given
};
inline constexpr std::size_t kMaxIdBytes = 100;  // documented: longer is 431

// Random UUIDs for request ids; not secrets. Lives on one Core.
class IdSource {
 public:
  IdSource();
  std::string next();  // 36 characters
  std::uint64_t random();
  double fraction();  // in [0, 1)

 private:
  std::uint64_t state_;
};

// Too long an id is invalid_argument.
Result<RequestIds> read_ids(const http::Headers& headers, IdSource& source);
void write_ids(const RequestIds& ids, http::Headers& headers);

// Keys compared in constant time; both always. unauthenticated with what to do.
Result<void> check_key(const http::Headers& headers, const resources::Route& route);
// The credential of "Authorization: Bearer …", or unauthenticated.
Result<std::string_view> bearer(const http::Headers& headers);

// What goes to the replica: no hop-by-hop lines, no credential, no forwarded lines but our own.
http::Headers forwarded_headers(const http::RequestHead& head, const std::string& peer,
                                const RequestIds& ids);
// What comes back: no hop-by-hop lines, no Server, no length (the body carries it).
void clean_answer(http::Headers& headers);

// {"message": …, "code": …} with the status' code.
http::Response error_answer(unsigned status, std::string_view code, std::string_view message);

}  // namespace slipway::router
