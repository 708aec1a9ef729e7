#include "apps/cli/rest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace slipway::cli {
namespace {

ErrorCode code_of(unsigned status) {
  switch (status) {
    case 401: return ErrorCode::unauthenticated;
    case 403: return ErrorCode::forbidden;
    case 404: return ErrorCode::not_found;
    case 409: return ErrorCode::conflict;
    case 412: return ErrorCode::precondition_failed;
    case 413: return ErrorCode::too_large;
    case 503: return ErrorCode::unavailable;
    case 504: return ErrorCode::deadline;
    case 507: return ErrorCode::exhausted;
    default: return status < 500 ? ErrorCode::invalid_argument : ErrorCode::internal;
  }
}

// "user@host" in a URL is a name for clients that rebuild it; the host is what follows.
Result<http::Url> parse_link(const std::string& text) {
  std::string url = text;
  const auto start = url.find("://");
  const auto end = start == std::string::npos ? start : url.find('/', start + 3);
  const auto at = url.substr(0, end).rfind('@');
  if (at != std::string::npos) url.erase(start + 3, at - start - 2);
  return http::parse_url(url);
}

}  // namespace

Error refusal(unsigned status, std::string_view body) {
  const auto parsed = parse_json(body);
  json::value answer = parsed ? *parsed : json::value(nullptr);
  if (const auto* inner = find(answer, "error"); inner != nullptr && inner->is_object()) {
    json::value copy = *inner;
    answer = std::move(copy);
  }
  std::string message = string_or(answer, "message", "");
  if (message.empty())
    message = fmt::format("the server answered {} {} {}", status, http::reason_phrase(status),
                          body.substr(0, 500));
  return fail(code_of(status), message, string_or(answer, "code", ""),
              string_or(answer, "target", ""));
}

Result<std::unique_ptr<Rest>> Rest::open(ServerAddress server) {
  auto rest = std::unique_ptr<Rest>(new Rest(std::move(server)));
  if (!rest->server_.ca_pem.empty()) {
    TRY(rest->tls_, http::make_client_context(rest->server_.ca_pem));
  }
  return rest;
}

Result<http::BlockingClient*> Rest::client_of(const http::Url& url) {
  auto& client = clients_[fmt::format("{}:{}:{}", url.scheme, url.host, url.port)];
  if (client) return client.get();
  http::BlockingClient::Options options;
  options.address = {.unix_path = {}, .host = url.host, .port = url.port};
  if (url.scheme == "https") {
    options.tls = tls_;
    if (!tls_)
      return fail(ErrorCode::invalid_argument,
                  "no certificate authority for " + url.host + "; set SLIPWAY_CA to its file");
  }
  client = http::BlockingClient::create(std::move(options));
  return client.get();
}

Result<Reply> Rest::call(std::string_view method, std::string_view target, const json::value& body,
                         std::string_view content_type) {
  const std::string full =
      target.starts_with("/") ? server_.url + std::string(target) : std::string(target);
  TRY(const auto url, http::parse_url(full));
  TRY(auto* client, client_of(url));
  http::Request request{std::string(method), url.target, {}, {}};
  request.headers.set("Authorization", "Bearer " + server_.token);
  request.headers.set("Accept", "application/json");
  if (!body.is_null()) {
    request.body = json::serialize(body);
    request.headers.set("Content-Type", std::string(content_type));
  }
  auto response = client->send(request);
  if (!response)
    return fail(response.error().code,
                fmt::format("{} does not answer: {}; is it running (`slipway status`)?",
                            server_.url, response.error().message),
                "NoAnswer");
  if (response->status >= 400) return refusal(response->status, response->body);
  Reply reply{response->status, response->headers, nullptr};
  if (!response->body.empty()) {
    TRY(reply.body, parse_json(response->body));
  }
  return reply;
}

Result<json::value> Rest::get(std::string_view target) {
  TRY(auto reply, call("GET", target));
  return std::move(reply.body);
}

Result<http::Response> Rest::stream(std::string_view method, const std::string& link,
                                    const http::Headers& headers, std::uint64_t length,
                                    const http::BlockingClient::Source& source,
                                    const http::BlockingClient::Sink& sink) {
  TRY(const auto url, parse_link(link));
  TRY(auto* client, client_of(url));
  const http::Request head{std::string(method), url.target, headers, {}};
  TRY(auto response, client->stream(head, length, source, sink));
  if (response.status >= 400) return refusal(response.status, response.body);
  return response;
}

Result<http::Response> Rest::send(const std::string& link, http::Request request) {
  TRY(const auto url, parse_link(link));
  TRY(auto* client, client_of(url));
  request.target = url.target;
  return client->send(request);
}

}  // namespace slipway::cli
