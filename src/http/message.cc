#include "http/message.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "http/wire.h"

namespace slipway::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error bad_request(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "BadRequest");
}

}  // namespace

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& [key, value] : lines_)
    if (same_name(key, name)) return value;
  return std::nullopt;
}

std::string_view Headers::get_or(std::string_view name, std::string_view otherwise) const {
  return get(name).value_or(otherwise);
}

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  add(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(lines_, [&](const auto& line) { return same_name(line.first, name); });
}

std::string_view RequestHead::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

// clang-format off
std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}
// clang-format on

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return bad_request(
            fmt::format("'{}' has a '%' without two hexadecimal digits after it", text));
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return bad_request("the URL holds a NUL character");
    out += c;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kUnreserved =
      "-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<Query> parse_query(std::string_view query) {
  Query out;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto raw =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    TRY(auto key, percent_decode(pair.substr(0, equals), true));
    TRY(auto value, percent_decode(raw, true));
    out.emplace_back(std::move(key), std::move(value));
  }
  return out;
}

std::optional<std::string_view> find(const Query& query, std::string_view key) {
  for (const auto& [name, value] : query)
    if (name == key) return value;
  return std::nullopt;
}

Result<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const std::size_t end = path.find('/');
    TRY(auto segment, percent_decode(path.substr(0, end)));
    if (segment == "." || segment == ".." || segment.find('/') != std::string::npos)
      return bad_request(fmt::format("the path's segment '{}' is not allowed", segment));
    out.push_back(std::move(segment));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  }
  return out;
}

namespace {

// "host", "host:port", "[::1]:port"; the port keeps its value when none is written.
Result<void> parse_authority(std::string_view text, Url& url) {
  const auto refused = [&] {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a host and port", text));
  };
  const bool bracketed = text.starts_with('[');
  const std::size_t host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == std::string_view::npos) return refused();
  url.host = bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
  std::string_view rest = text.substr(std::min(text.size(), bracketed ? host_end + 1 : host_end));
  if (url.host.empty() || text.find_first_of("@ \t\r\n") != std::string_view::npos)
    return refused();
  if (rest.empty()) return {};
  if (rest.front() != ':') return refused();
  rest.remove_prefix(1);
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
  if (ec != std::errc() || end != rest.data() + rest.size() || url.port == 0) return refused();
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  const std::size_t colon = text.find("://");
  url.scheme = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (url.scheme != "http" && url.scheme != "https")
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("'{}' is not a URL; write http://host:port/ or https://host:port/", text));
  url.port = url.scheme == "https" ? 443 : 80;
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = rest.find_first_of("/?#");
  TRY_VOID(parse_authority(rest.substr(0, slash), url));
  if (slash == std::string_view::npos) return url;
  const std::string_view target = rest.substr(slash, rest.find('#') - slash);
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

}  // namespace slipway::http
