#include "router/message.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/crypto.h"
#include "base/json.h"

namespace slipway::router {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool starts_with(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && same_name(name.substr(0, prefix.size()), prefix);
}

template <std::size_t N>
bool one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return same_name(name, known); });
}

// RFC 9110, 7.6.1, and what older proxies send. The two lengths are set anew from the body.
constexpr std::array<std::string_view, 11> kHopByHop = {"connection",
                                                        "keep-alive",
                                                        "proxy-connection",
                                                        "proxy-authenticate",
                                                        "proxy-authorization",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "content-length",
                                                        "expect"};
// A key is for the router; user code has no use for it. The ids are written anew.
constexpr std::array<std::string_view, 5> kOurs = {"authorization", "host", "forwarded",
                                                   "x-real-ip", "x-request-id"};

// Whether "Connection: a, b" names this header.
bool listed_in(std::string_view connection, std::string_view name) {
  while (!connection.empty()) {
    const std::size_t comma = std::min(connection.find(','), connection.size());
    std::string_view item = connection.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (same_name(item, name)) return true;
    connection.remove_prefix(std::min(comma + 1, connection.size()));
  }
  return false;
}

bool goes_to_replica(std::string_view name, std::string_view connection) {
  return !one_of(name, kHopByHop) && !one_of(name, kOurs) && !starts_with(name, "x-forwarded-") &&
         !listed_in(connection, name);
}

// splitmix64: any seed gives a full period; enough for ids and weights.
std::uint64_t mix(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

std::optional<ScoringPath> parse_path(std::string_view path) {
  constexpr std::string_view kPrefix = "/api/v1/service/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view route = path.substr(0, slash);
  const std::string_view rest = path.substr(std::min(slash + 1, path.size()));
  if (route.empty()) return std::nullopt;
  if (rest == "score") return ScoringPath{route, Action::score};
  if (rest.empty()) return ScoringPath{route, Action::health};
  if (rest == "swagger.json") return ScoringPath{route, Action::swagger};
  return std::nullopt;
}

IdSource::IdSource() {
  const std::string seed = random_bytes(sizeof(state_));
  std::memcpy(&state_, seed.data(), sizeof(state_));
}

std::uint64_t IdSource::random() { return mix(state_); }

double IdSource::fraction() { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

std::string IdSource::next() {
  constexpr char kHex[] = "0123456789abcdef";
  std::string id = "00000000-0000-4000-8000-000000000000";
  std::uint64_t bits = random();
  int left = 16;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 8 || i == 13 || i == 14 || i == 18 || i == 23) continue;
    if (left-- == 0) bits = random(), left = 15;
    id[i] = i == 19 ? kHex[8 | (bits & 3)] : kHex[bits & 15];
    bits >>= 4;
  }
  return id;
}

Result<RequestIds> read_ids(const http::Headers& headers, IdSource& source) {
  const auto own = headers.get_or("x-request-id", {});
  const auto legacy = headers.get_or("x-ms-request-id", {});
  const auto client = headers.get_or("x-ms-client-request-id", {});
  for (const auto id : {own, legacy, client})
    if (id.size() > kMaxIdBytes)
      return fail(ErrorCode::invalid_argument, "A request id may have at most 100 characters");
  RequestIds ids;
  ids.request = own.empty() ? source.next() : std::string(own);
  ids.client = std::string(client.empty() ? legacy : client);
  ids.legacy = !legacy.empty()      ? std::string(legacy)
               : ids.client.empty() ? ids.request
                                    : ids.client;
  return ids;
}

void write_ids(const RequestIds& ids, http::Headers& headers) {
  if (!headers.has("x-request-id")) headers.add("x-request-id", ids.request);
  if (!headers.has("x-ms-request-id")) headers.add("x-ms-request-id", ids.legacy);
  if (!ids.client.empty() && !headers.has("x-ms-client-request-id"))
    headers.add("x-ms-client-request-id", ids.client);
}

Result<std::string_view> bearer(const http::Headers& headers) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto line = headers.get("authorization");
  if (!line)
    return fail(ErrorCode::unauthenticated,
                "Unauthorized, no Auth header. Send 'Authorization: Bearer <key or token>'; "
                "service.get_keys() or get_token() gives one");
  if (!starts_with(*line, kScheme))
    return fail(ErrorCode::unauthenticated,
                "Unauthorized, the Auth header is not of the form 'Bearer <key or token>'");
  std::string_view credential = line->substr(kScheme.size());
  while (credential.starts_with(' ')) credential.remove_prefix(1);
  return credential;
}

Result<void> check_key(const http::Headers& headers, const resources::Route& route) {
  TRY(const auto key, bearer(headers));
  const std::string digest = sha256(key);
  const bool primary = constant_time_equal(digest, route.primary_key_digest);
  const bool secondary = constant_time_equal(digest, route.secondary_key_digest);
  if (static_cast<int>(primary) | static_cast<int>(secondary)) return {};
  return fail(ErrorCode::unauthenticated,
              "Unauthorized, the key is neither the primary nor the secondary key of this "
              "service; service.get_keys() gives them");
}

http::Headers forwarded_headers(const http::RequestHead& head, const std::string& peer,
                                const RequestIds& ids) {
  http::Headers out;
  const auto connection = head.headers.get_or("connection", {});
  for (const auto& [name, value] : head.headers)
    if (goes_to_replica(name, connection)) out.add(name, value);
  out.add("x-request-id", ids.request);
  out.add("X-Forwarded-For", peer.substr(0, peer.rfind(':')));
  if (const auto host = head.headers.get("host")) out.add("X-Forwarded-Host", std::string(*host));
  return out;
}

void clean_answer(http::Headers& headers) {
  const std::string connection(headers.get_or("connection", {}));
  http::Headers kept;
  for (const auto& [name, value] : headers)
    if (!one_of(name, kHopByHop) && !same_name(name, "server") && !same_name(name, "date") &&
        !listed_in(connection, name))
      kept.add(name, value);
  headers = std::move(kept);
}

http::Response error_answer(unsigned status, std::string_view code, std::string_view message) {
  http::Response answer;
  answer.status = status;
  answer.headers.add("Content-Type", "application/json");
  answer.body = json::serialize(json::object{{"message", message}, {"code", code}});
  return answer;
}

}  // namespace slipway::router
