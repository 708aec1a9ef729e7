#pragma once
// The server as the commands see it: JSON in, JSON out, refusals as Errors, and streams of bytes.
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "apps/cli/server_address.h"
#include "base/json.h"
#include "http/http.h"

namespace slipway::cli {

struct Reply {
  unsigned status = 200;
  http::Headers headers;
  json::value body;  // null when there is none
};

// One server and our connections to it. One thread.
class Rest {
 public:
  static Result<std::unique_ptr<Rest>> open(ServerAddress server);

  // A target ("/subscriptions?…") or a full URL of the server. A status of 400 and above is an
  // Error with the code and the message of the answer.
  Result<Reply> call(std::string_view method, std::string_view target,
                     const json::value& body = nullptr,
                     std::string_view content_type = "application/json");
  Result<json::value> get(std::string_view target);

  // Without our token: signed links carry their own permission. The URL may have a user part.
  Result<http::Response> stream(std::string_view method, const std::string& url,
                                const http::Headers& headers, std::uint64_t length,
                                const http::BlockingClient::Source& source,
                                const http::BlockingClient::Sink& sink = {});
  // Any URL whose certificate our authority signed (scoring).
  Result<http::Response> send(const std::string& url, http::Request request);

 private:
  explicit Rest(ServerAddress server) : server_(std::move(server)) {}
  Result<http::BlockingClient*> client_of(const http::Url& url);

  ServerAddress server_;
  std::shared_ptr<http::TlsClientContext> tls_;
  std::map<std::string, std::unique_ptr<http::BlockingClient>> clients_;  // by host and port
};

// The Error that an answer with a status of 400 or above stands for.
Error refusal(unsigned status, std::string_view body);

}  // namespace slipway::cli
