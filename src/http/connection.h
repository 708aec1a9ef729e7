#pragma once
// Connection: one accepted socket and the exchanges on it, one after another (pipelined requests
// wait in the buffer). Lives on one Core, inside its own coroutine. Internal to this room.
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <memory>
#include <string>

#include "http/server.h"
#include "http/socket.h"
#include "http/wire.h"

namespace slipway::http {

// What every connection of a server shares: settled at start, then only read; the flag apart.
struct ServerContext {
  ServerOptions options;
  Handler handler;
  std::atomic<bool> draining{false};
};

class Connection final : public Exchange {
 public:
  Connection(std::shared_ptr<const ServerContext> server, std::unique_ptr<Socket> socket);

  Task<void> run();  // to the connection's end; throws only when the server stops
  bool idle() const { return idle_; }
  Socket& socket() { return *socket_; }

  const RequestHead& head() const override { return head_; }
  std::string peer() const override { return socket_->peer(); }
  Task<Result<std::string_view>> read_some() override;
  Task<Result<std::string>> read_body(std::uint64_t limit) override;
  Task<Result<void>> respond(Response response) override;
  Task<Result<void>> begin(ResponseHead head) override;
  Task<Result<void>> write(std::string_view piece) override;
  Task<Result<void>> end() override;

 private:
  enum class Answer { none, begun, done };
  enum class BodyForm { none, counted, chunked, until_close };
  enum class Received { yes, peer_left, slow, bad };

  Task<bool> serve_one();
  void reset();
  Task<bool> read_head();
  Task<Received> receive_head();
  Task<Received> receive_more(std::size_t room, TimeMs deadline_ms);
  Task<void> run_handler();
  Task<void> refuse(unsigned status, std::string_view message);
  Task<Result<std::string_view>> next_piece();
  Task<Result<void>> fill_body();
  Task<void> drain_body();
  Task<void> linger();
  Result<std::string_view> take_counted();
  Result<std::string_view> take_chunked();
  Error bad_body(std::string_view message);
  Error body_too_large(std::uint64_t limit) const;
  void start_head(unsigned status, const Headers& headers);
  void decide_keep_alive();
  Task<Result<void>> send(Pieces pieces);
  const Limits& limits() const { return server_->options.limits; }

  std::shared_ptr<const ServerContext> server_;
  std::unique_ptr<Socket> socket_;
  Buffer buffer_;
  HeadScanner scanner_;
  RequestHead head_;
  RequestFraming framing_;
  ChunkDecoder chunks_;
  std::string out_;  // head of the answer, or of a chunk
  Fault fault_;      // when receive_head() says bad
  std::uint64_t body_read_ = 0;
  std::uint64_t answer_left_ = 0;  // of a streamed answer with Content-Length
  Answer answer_ = Answer::none;
  bool body_done_ = true;
  bool body_broken_ = false;
  bool continue_owed_ = false;      // "100 Continue" is asked for and not yet sent
  BodyForm form_ = BodyForm::none;  // of a streamed answer
  bool refused_ = false;            // our own answer ended the connection
  bool idle_ = true;
  bool keep_ = true;  // another request may follow
};

}  // namespace slipway::http
