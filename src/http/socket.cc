#include "http/socket.h"

#include <fmt/core.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstring>
#include <ctime>

#include "http/tls_context.h"

namespace slipway::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

// Answers are written whole: waiting for more to send would only delay them.
void set_no_delay(RawSocket& socket) {
  const int on = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

class PlainSocket final : public Socket {
 public:
  PlainSocket(RawSocket socket, std::shared_ptr<Watchdog> watchdog)
      : Socket(std::move(watchdog)), socket_(std::move(socket)) {
    error_code ec;
    socket_.non_blocking(true, ec);
    set_no_delay(socket_);
  }
  Task<void> handshake(ErrorCodeOut ec) override {
    ec = {};
    co_return;
  }
  Task<std::size_t> read_some(asio::mutable_buffer buffer, ErrorCodeOut ec) override {
    return socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
  }
  Task<std::size_t> write_some(const Pieces& pieces, ErrorCodeOut ec) override {
    return socket_.async_write_some(pieces.parts(), asio::redirect_error(asio::use_awaitable, ec));
  }
  std::size_t write_now(const Pieces& pieces, ErrorCodeOut ec) override {
    const std::size_t n = socket_.write_some(pieces.parts(), ec);
    if (ec == asio::error::would_block) ec = {};
    return n;
  }
  Task<void> finish_writing() override {
    error_code ec;
    socket_.shutdown(RawSocket::shutdown_send, ec);
    co_return;
  }
  RawSocket& raw() override { return socket_; }

 private:
  RawSocket socket_;
};

class TlsSocket final : public Socket {
 public:
  TlsSocket(RawSocket socket, std::shared_ptr<Watchdog> watchdog, ssl::context& context,
            ssl::stream_base::handshake_type side)
      : Socket(std::move(watchdog)), stream_(std::move(socket), context), side_(side) {
    set_no_delay(stream_.next_layer());
  }
  Task<void> handshake(ErrorCodeOut ec) override {
    return stream_.async_handshake(side_, asio::redirect_error(asio::use_awaitable, ec));
  }
  Task<std::size_t> read_some(asio::mutable_buffer buffer, ErrorCodeOut ec) override {
    return stream_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
  }
  Task<std::size_t> write_some(const Pieces& pieces, ErrorCodeOut ec) override {
    return stream_.async_write_some(pieces.parts(), asio::redirect_error(asio::use_awaitable, ec));
  }
  std::size_t write_now(const Pieces&, ErrorCodeOut ec) override {
    ec = {};
    return 0;
  }
  Task<void> finish_writing() override {
    error_code ec;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ec));
    raw().shutdown(RawSocket::shutdown_send, ec);
  }
  RawSocket& raw() override { return stream_.next_layer(); }
  SSL* native() { return stream_.native_handle(); }

 private:
  ssl::stream<RawSocket> stream_;
  ssl::stream_base::handshake_type side_;
};

}  // namespace

TimeMs coarse_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<TimeMs>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void Watchdog::add(Socket& socket) {
  socket.index_ = sockets_.size();
  sockets_.push_back(&socket);
  if (!ticking_) schedule();
}

void Watchdog::remove(Socket& socket) {
  sockets_[socket.index_] = sockets_.back();
  sockets_[socket.index_]->index_ = socket.index_;
  sockets_.pop_back();
}

void Watchdog::schedule() {
  ticking_ = true;
  timer_.expires_after(kTick);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    self->ticking_ = false;
    if (ec || self->sockets_.empty()) return;
    self->check();
    self->schedule();
  });
}

void Watchdog::check() {
  const TimeMs now = coarse_ms();
  for (Socket* socket : sockets_) {
    if (socket->deadline_ms_ == 0 || socket->deadline_ms_ > now) continue;
    socket->deadline_ms_ = 0;
    socket->expired_ = true;
    socket->cancel();
  }
}

void Pieces::consume(std::size_t n) {
  for (auto& part : parts_) {
    const std::size_t taken = std::min(n, part.size());
    part += taken;
    n -= taken;
  }
}

Socket::Socket(std::shared_ptr<Watchdog> watchdog) : watchdog_(std::move(watchdog)) {
  watchdog_->add(*this);
}

Socket::~Socket() { watchdog_->remove(*this); }

Task<void> Socket::write(Pieces pieces, std::chrono::milliseconds timeout, ErrorCodeOut ec) {
  ec = {};
  while (!pieces.empty() && !ec) {
    arm(timeout);
    pieces.consume(co_await write_some(pieces, ec));
  }
  disarm();
}

void Socket::cancel() {
  error_code ec;
  raw().cancel(ec);
}

void Socket::close() {
  error_code ec;
  raw().close(ec);
}

std::string Socket::peer() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (::getpeername(raw().native_handle(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return "closed";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
  }
  return "unix";
}

std::unique_ptr<Socket> make_plain_socket(RawSocket socket, std::shared_ptr<Watchdog> watchdog) {
  return std::make_unique<PlainSocket>(std::move(socket), std::move(watchdog));
}

std::unique_ptr<Socket> make_tls_socket(RawSocket socket, std::shared_ptr<Watchdog> watchdog,
                                        TlsServerContext& context) {
  return std::make_unique<TlsSocket>(std::move(socket), std::move(watchdog), context.context,
                                     ssl::stream_base::server);
}

std::unique_ptr<Socket> make_tls_socket(RawSocket socket, std::shared_ptr<Watchdog> watchdog,
                                        TlsClientContext& context, const std::string& host) {
  auto out = std::make_unique<TlsSocket>(std::move(socket), std::move(watchdog), context.context,
                                         ssl::stream_base::client);
  expect_peer(out->native(), host);
  return out;
}

asio::mutable_buffer Buffer::prepare(std::size_t n) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ < n) {
    const std::size_t held = size();
    if (held + n <= capacity_) {
      std::memmove(data_.get(), data_.get() + begin_, held);
    } else {
      capacity_ = std::max(held + n, 2 * capacity_);
      auto grown = std::make_unique_for_overwrite<char[]>(capacity_);
      if (held > 0) std::memcpy(grown.get(), data_.get() + begin_, held);
      data_ = std::move(grown);
    }
    begin_ = 0;
    end_ = held;
  }
  return {data_.get() + end_, capacity_ - end_};
}

}  // namespace slipway::http
