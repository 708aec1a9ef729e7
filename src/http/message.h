#pragma once
// Requests and responses as plain values. No Asio here: rooms that only speak in messages stay
// light.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace slipway::http {

// An ordered list of header lines; names compare without case. Values never hold CR, LF or NUL.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> lines) : lines_(lines) {}
  // The first value of that name, or nothing.
  std::optional<std::string_view> get(std::string_view name) const;
  std::string_view get_or(std::string_view name, std::string_view otherwise) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  void add(std::string name, std::string value) {
    lines_.emplace_back(std::move(name), std::move(value));
  }
  void set(std::string_view name, std::string value);  // replaces every line of that name
  void remove(std::string_view name);
  auto begin() const { return lines_.begin(); }
  auto end() const { return lines_.end(); }
  std::size_t size() const { return lines_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// What stands before a request's body.
struct RequestHead {
  std::string method;  // upper case, as sent
  std::string target;  // origin form, as sent: "/a/b?c=d"
  Headers headers;
  std::optional<std::uint64_t> content_length;  // nothing when chunked or without a body
  bool chunked = false;

  std::string_view path() const;   // before '?', still percent-encoded
  std::string_view query() const;  // after '?', or empty
};

struct ResponseHead {
  unsigned status = 200;
  Headers headers;
};

struct Request {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;
  std::string body;
};

struct Response {
  unsigned status = 200;
  Headers headers;
  std::string body;
};

std::string_view reason_phrase(unsigned status);

// Percent-decoding; `plus_is_space` for query strings. invalid_argument for a bad escape or a NUL.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
std::string percent_encode(std::string_view text);  // all but unreserved characters

// "a=1&b=x%20y" in order; a key without '=' has an empty value.
using Query = std::vector<std::pair<std::string, std::string>>;
Result<Query> parse_query(std::string_view query);
std::optional<std::string_view> find(const Query& query, std::string_view key);

// "/a/b%3A1" → {"a", "b:1"}. Refuses "." and ".." segments and encoded slashes.
Result<std::vector<std::string>> split_path(std::string_view path);

// scheme, host, port and target of "https://127.0.0.1:8443/x?y".
struct Url {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  std::string target = "/";
};
Result<Url> parse_url(std::string_view text);

}  // namespace slipway::http
