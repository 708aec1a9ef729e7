#pragma once
// One connected byte stream (TCP, TLS or Unix) with a deadline; what servers and upstreams read and
// write through. Lives on one Core. Internal to this room.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "http/tls.h"

namespace slipway::http {

using ErrorCodeOut = boost::system::error_code&;
using RawSocket = asio::generic::stream_protocol::socket;

// Milliseconds of the coarse steady clock: a few nanoseconds to read, some milliseconds of error.
TimeMs coarse_ms();

class Socket;

// Looks every kTick at the deadlines of a Core's sockets: arming one is a store, not a timer.
// Ticks only while it has sockets. Owned by shared_ptr; the pending tick keeps it alive.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  static constexpr std::chrono::milliseconds kTick{50};
  explicit Watchdog(const asio::any_io_executor& executor) : timer_(executor) {}
  void add(Socket& socket);
  void remove(Socket& socket);
  std::span<Socket* const> sockets() const { return sockets_; }

 private:
  void schedule();
  void check();
  asio::steady_timer timer_;
  std::vector<Socket*> sockets_;
  bool ticking_ = false;
};

// Up to three pieces that leave in one write.
class Pieces {
 public:
  explicit Pieces(std::string_view a, std::string_view b = {}, std::string_view c = {})
      : parts_{asio::const_buffer(a.data(), a.size()), asio::const_buffer(b.data(), b.size()),
               asio::const_buffer(c.data(), c.size())} {}
  bool empty() const { return asio::buffer_size(parts_) == 0; }
  const std::array<asio::const_buffer, 3>& parts() const { return parts_; }
  void consume(std::size_t n);

 private:
  std::array<asio::const_buffer, 3> parts_;
};

class Socket {
 public:
  virtual ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  virtual Task<void> handshake(ErrorCodeOut ec) = 0;
  virtual Task<std::size_t> read_some(asio::mutable_buffer buffer, ErrorCodeOut ec) = 0;
  virtual Task<std::size_t> write_some(const Pieces& pieces, ErrorCodeOut ec) = 0;
  // What can be written without waiting; 0 when nothing can.
  virtual std::size_t write_now(const Pieces& pieces, ErrorCodeOut ec) = 0;
  // Ends our direction so that the peer can read to the end.
  virtual Task<void> finish_writing() = 0;
  virtual RawSocket& raw() = 0;

  // Writes all of it; `timeout` is for each step that the peer takes.
  Task<void> write(Pieces pieces, std::chrono::milliseconds timeout, ErrorCodeOut ec);
  void arm(std::chrono::milliseconds timeout) { deadline_ms_ = coarse_ms() + timeout.count(); }
  // An absolute deadline of coarse_ms().
  void arm_at(TimeMs deadline_ms) { deadline_ms_ = deadline_ms; }
  void disarm() { deadline_ms_ = 0; }
  bool expired() const { return expired_; }
  void forget_expiry() { expired_ = false; }
  void cancel();  // the pending operation ends with operation_aborted
  void close();
  std::string peer();

 protected:
  explicit Socket(std::shared_ptr<Watchdog> watchdog);

 private:
  friend class Watchdog;
  std::shared_ptr<Watchdog> watchdog_;
  std::size_t index_ = 0;   // among the watchdog's sockets
  TimeMs deadline_ms_ = 0;  // 0: none
  bool expired_ = false;
};

std::unique_ptr<Socket> make_plain_socket(RawSocket socket, std::shared_ptr<Watchdog> watchdog);
std::unique_ptr<Socket> make_tls_socket(RawSocket socket, std::shared_ptr<Watchdog> watchdog,
                                        TlsServerContext& context);
std::unique_ptr<Socket> make_tls_socket(RawSocket socket, std::shared_ptr<Watchdog> watchdog,
                                        TlsClientContext& context, const std::string& host);

// Received bytes in one piece: filled at its end, taken at its front. Views of its content last
// until the next prepare().
class Buffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t n) { begin_ += n; }
  // Room for at least `n` bytes more.
  asio::mutable_buffer prepare(std::size_t n);
  void commit(std::size_t n) { end_ += n; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace slipway::http
