#pragma once
// Clients: a pooled upstream for coroutines (router, model server), and a blocking one for the CLI.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "http/message.h"
#include "http/tls.h"

namespace slipway::http {

// Where an upstream listens: a Unix socket, or host and port.
struct Address {
  std::string unix_path;
  std::string host;
  std::uint16_t port = 0;
};

// Says whether anything of the request reached the peer: if not, it may be sent elsewhere.
struct SendError {
  Error error;
  bool sent = false;
};

// Keep-alive connections from one Core to one address; touched by that Core only.
// A connection found closed before anything was sent is replaced without a word.
class Upstream {
 public:
  struct Options {
    Address address;
    std::shared_ptr<TlsClientContext> tls;  // plain when null
    std::size_t idle_connections = 64;      // kept at most
    std::chrono::milliseconds connect_timeout{2'000};
  };
  static std::unique_ptr<Upstream> create(Options options);
  virtual ~Upstream() = default;
  // Sends and reads the whole answer. deadline when `timeout` passes; too_large when the answer's
  // body is above `limit`; unavailable when the peer refuses or closes.
  virtual Task<std::variant<Response, SendError>> send(const Request& request,
                                                       std::chrono::milliseconds timeout,
                                                       std::uint64_t limit) = 0;
};

// For programs that may block (CLI, probes, tests): one connection, kept alive between calls.
class BlockingClient {
 public:
  struct Options {
    Address address;
    std::shared_ptr<TlsClientContext> tls;
    std::chrono::milliseconds timeout{30'000};  // for each read or write
  };
  // Called for pieces of a streamed body: fill up to `capacity` bytes, return how many, 0 at the
  // end.
  using Source = std::function<Result<std::size_t>(char* buffer, std::size_t capacity)>;
  using Sink = std::function<Result<void>(std::string_view piece)>;

  static std::unique_ptr<BlockingClient> create(Options options);
  virtual ~BlockingClient() = default;
  virtual Result<Response> send(const Request& request) = 0;
  // The body comes from `source` (`length` bytes) and the answer's goes to `sink` when given.
  virtual Result<Response> stream(const Request& head, std::uint64_t length, const Source& source,
                                  const Sink& sink) = 0;
};

}  // namespace slipway::http
