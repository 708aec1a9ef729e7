#pragma once
// Service: the HTTP face of one model version: routes, request ids, headers, access log.
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http.h"
#include "modelserver/backend.h"
#include "modelserver/bundle.h"
#include "modelserver/swagger.h"

namespace slipway::modelserver {

// Lives on the server's Core, and outlives the server that calls handle().
class Service {
 public:
  struct Options {
    const Bundle* bundle = nullptr;
    std::filesystem::path folder;
    std::string cors_origins;  // AML_CORS_ORIGINS: "*", or origins between commas; empty: none
  };
  Service(asio::io_context& context, Options options, Backend& backend);

  Task<void> handle(http::Exchange& exchange);
  // After the backend has started: what /swagger.json answers.
  void publish_swagger();

 private:
  // The three ids of a request, as documented: A = x-request-id, C = x-ms-client-request-id, and
  // B = x-ms-request-id, which older clients used for both.
  struct Ids {
    std::string request, legacy, client;
  };
  Task<ScoreAnswer> answer(http::Exchange& exchange, std::string_view path, const Ids& ids);
  Task<ScoreAnswer> score(http::Exchange& exchange, const Ids& ids);
  ScoreAnswer swagger(const http::RequestHead& head) const;
  static std::optional<ScoreAnswer> take_ids(const http::RequestHead& head, Ids& ids);
  std::string_view local_path(const http::RequestHead& head) const;
  void add_cors(const http::RequestHead& head, ScoreAnswer& answer) const;
  void log(const http::RequestHead& head, const ScoreAnswer& answer, double elapsed_ms);

  Options options_;
  Backend& backend_;
  Swagger swagger_;
  std::vector<std::string> origins_;
  asio::steady_timer flush_;
};

// What http answers itself (bad request line, limits), in our form.
http::Response protocol_error(unsigned status, std::string_view message);

}  // namespace slipway::modelserver
