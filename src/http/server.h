#pragma once
// Server: accepts on one address, one coroutine per connection, a connection stays on its Core.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "http/message.h"
#include "http/tls.h"

namespace slipway::http {

// Every limit of a connection. Exceeding one is answered (408, 413, 414, 431) and then closed.
struct Limits {
  std::size_t head_bytes = 32 << 10;
  std::size_t headers = 100;
  std::size_t target_bytes = 8 << 10;
  std::uint64_t body_bytes = 100ULL << 20;          // read_some/read_body refuse more: too_large
  std::chrono::milliseconds head_timeout{10'000};   // from the first byte to the end of the head
  std::chrono::milliseconds idle_timeout{75'000};   // keep-alive, between requests
  std::chrono::milliseconds body_timeout{30'000};   // between two pieces of a body
  std::chrono::milliseconds write_timeout{30'000};  // until a write is taken by the peer
  std::size_t connections = 10'000;                 // per server; above: accepted and closed
};

// One request on one connection. Lives on the connection's Core; the handler must finish it by
// exactly one of respond() or begin()…end(). A handler that returns without doing so is a 500.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const RequestHead& head() const = 0;
  virtual std::string peer() const = 0;  // "127.0.0.1:51234", or "unix"
  // The next piece of the body; empty at its end. Sends "100 Continue" on first use when asked for.
  // The view lasts until the next call.
  virtual Task<Result<std::string_view>> read_some() = 0;
  // The whole body; too_large above `limit` bytes (and above Limits::body_bytes).
  virtual Task<Result<std::string>> read_body(std::uint64_t limit) = 0;
  virtual Task<Result<void>> respond(Response response) = 0;
  // A streamed answer: chunked unless the head carries Content-Length.
  virtual Task<Result<void>> begin(ResponseHead head) = 0;
  virtual Task<Result<void>> write(std::string_view piece) = 0;
  virtual Task<Result<void>> end() = 0;
};

// Runs on the Core of the connection; must not block.
using Handler = std::function<Task<void>(Exchange&)>;
// What to answer when the bytes are no request, or a limit was passed: status and text → body.
using ErrorBody = std::function<Response(unsigned status, std::string_view message)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                 // 0: any free port
  std::filesystem::path unix_path;        // instead of address and port, when set
  std::shared_ptr<TlsServerContext> tls;  // plain when null
  Limits limits;
  ErrorBody error_body;                 // default: text/plain
  std::string server_name = "slipway";  // the Server header
};

class Server {
 public:
  // Listens at once (SO_REUSEPORT per Core for TCP, one acceptor for Unix). conflict with the
  // address when it is in use.
  static Result<std::unique_ptr<Server>> start(Cores& cores, ServerOptions options,
                                               Handler handler);
  virtual ~Server() = default;  // stop({0})
  virtual std::uint16_t port() const = 0;
  // Accepts no more; lets running exchanges end for at most `drain`, then closes. Blocks: not on a
  // Core.
  virtual void stop(std::chrono::milliseconds drain) = 0;
  virtual std::size_t connections() const = 0;
};

}  // namespace slipway::http
