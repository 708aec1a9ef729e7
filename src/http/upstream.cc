#include <fmt/core.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

#include "http/client.h"
#include "http/socket.h"
#include "http/wire.h"

namespace slipway::http {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kRead = 16 << 10;
constexpr TimeMs kIdleMs = 60'000;  // below the 75 s after which our own servers close
constexpr HeadLimits kAnswerLimits{64 << 10, 200, 0};

// One connection to the peer, idle in its pool or inside one exchange.
struct Link {
  std::unique_ptr<Socket> socket;
  Buffer buffer;
  TimeMs idle_since_ms = 0;
  bool reusable = true;
};
using LinkPtr = std::unique_ptr<Link>;

// Kept alive by the exchanges that run, so that an Upstream may go away under them.
struct Pool {
  Upstream::Options options;
  std::string host_header;
  std::vector<LinkPtr> idle;
  std::shared_ptr<Watchdog> watchdog;
};

std::string name_of(const Address& address) {
  if (!address.unix_path.empty()) return address.unix_path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port)
            : fmt::format("{}:{}", address.host, address.port);
}

// False when the peer has closed it, or (in plain text) has sent what no one asked for. Records of
// TLS may wait unread: tickets come after the handshake.
bool still_open(const Pool& pool, Link& link) {
  if (coarse_ms() - link.idle_since_ms > kIdleMs) return false;
  char byte = 0;
  const ssize_t n = ::recv(link.socket->raw().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n > 0) return pool.options.tls != nullptr;
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

LinkPtr take_idle(Pool& pool) {
  while (!pool.idle.empty()) {
    LinkPtr link = std::move(pool.idle.back());
    pool.idle.pop_back();
    if (still_open(pool, *link)) return link;
  }
  return nullptr;
}

Error cannot_connect(const Pool& pool, const std::string& why) {
  return fail(ErrorCode::unavailable,
              fmt::format("cannot connect to {}: {}", name_of(pool.options.address), why));
}

// Names are resolved by the system, off this Core; addresses at once.
Task<Result<RawSocket::endpoint_type>> resolve(const Pool& pool) {
  const Address& address = pool.options.address;
  if (!address.unix_path.empty()) {
    if (address.unix_path.size() >= sizeof(sockaddr_un::sun_path))
      co_return cannot_connect(pool, "the socket's path is too long");
    co_return RawSocket::endpoint_type(asio::local::stream_protocol::endpoint(address.unix_path));
  }
  error_code ec;
  const auto ip = asio::ip::make_address(address.host, ec);
  if (!ec) co_return RawSocket::endpoint_type(asio::ip::tcp::endpoint(ip, address.port));
  asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto found = co_await resolver.async_resolve(address.host, std::to_string(address.port),
                                                     asio::redirect_error(asio::use_awaitable, ec));
  if (ec || found.empty()) co_return cannot_connect(pool, ec.message());
  co_return RawSocket::endpoint_type(found.begin()->endpoint());
}

std::unique_ptr<Socket> wrap(const Pool& pool, RawSocket raw) {
  if (!pool.options.tls) return make_plain_socket(std::move(raw), pool.watchdog);
  return make_tls_socket(std::move(raw), pool.watchdog, *pool.options.tls,
                         pool.options.address.host);
}

// Connecting first and handshaking then share one deadline.
Task<Result<LinkPtr>> connect(Pool& pool, TimeMs deadline_ms) {
  CO_TRY(const auto endpoint, co_await resolve(pool));
  error_code ec;
  RawSocket raw(co_await asio::this_coro::executor);
  raw.open(endpoint.protocol(), ec);
  if (ec) co_return cannot_connect(pool, ec.message());
  auto link = std::make_unique<Link>();
  link->socket = wrap(pool, std::move(raw));
  Socket& socket = *link->socket;
  socket.arm_at(deadline_ms);
  co_await socket.raw().async_connect(endpoint, asio::redirect_error(asio::use_awaitable, ec));
  if (!ec) co_await socket.handshake(ec);
  socket.disarm();
  if (socket.expired()) co_return cannot_connect(pool, "no answer in time");
  if (ec) co_return cannot_connect(pool, ec.message());
  co_return std::move(link);
}

// One request and its answer over one link.
class Call {
 public:
  Call(Pool& pool, Link& link, const Request& request, std::uint64_t limit)
      : pool_(pool), link_(link), request_(request), limit_(limit) {}
  Task<Result<Response>> run();
  bool sent() const { return sent_; }

 private:
  Task<void> write_request();
  Task<Result<void>> read_head();
  Task<Result<void>> read_final_head();
  Task<Result<void>> read_body();
  Task<Result<void>> read_chunked();
  Task<Result<void>> read_counted(std::uint64_t length);
  Task<Result<void>> read_to_end();
  Task<Result<bool>> fill();  // false at the end of the stream
  Error broken(std::string_view why) const;
  Error too_large() const;

  Pool& pool_;
  Link& link_;
  const Request& request_;
  std::uint64_t limit_;
  bool sent_ = false;
  ResponseHead head_;
  ResponseFraming framing_;
  std::string body_;
};

Error Call::broken(std::string_view why) const {
  return fail(ErrorCode::unavailable,
              fmt::format("{} gave no whole answer: {}", name_of(pool_.options.address), why));
}

Error Call::too_large() const {
  return fail(ErrorCode::too_large, fmt::format("the answer of {} is above {} bytes",
                                                name_of(pool_.options.address), limit_));
}

Task<Result<bool>> Call::fill() {
  error_code ec;
  const auto room = link_.buffer.prepare(kRead);
  const std::size_t n = co_await link_.socket->read_some(room, ec);
  link_.buffer.commit(n);
  if (link_.socket->expired())
    co_return fail(ErrorCode::deadline,
                   fmt::format("{} did not answer in time", name_of(pool_.options.address)));
  if (ec == asio::error::eof) co_return false;
  if (ec) co_return broken(ec.message());
  co_return true;
}

// A peer may answer before it has read the request: a failed write still leaves its answer to read.
Task<void> Call::write_request() {
  error_code ec;
  const std::string head = request_head_text(request_, pool_.host_header, request_.body.size());
  Pieces pieces(head, request_.body);
  const std::size_t now = link_.socket->write_now(pieces, ec);
  pieces.consume(now);
  sent_ = now > 0;
  while (!ec && !pieces.empty()) {
    const std::size_t n = co_await link_.socket->write_some(pieces, ec);
    sent_ = sent_ || n > 0;
    pieces.consume(n);
  }
  if (ec) link_.reusable = false;
}

Task<Result<Response>> Call::run() {
  co_await write_request();
  if (!sent_ && !link_.reusable) co_return broken("the connection was closed");
  CO_TRY_VOID(co_await read_final_head());
  CO_TRY_VOID(co_await read_body());
  link_.reusable = link_.reusable && framing_.keep_alive;
  co_return Response{head_.status, std::move(head_.headers), std::move(body_)};
}

Task<Result<void>> Call::read_final_head() {
  do {  // 1xx answers announce another
    head_ = {};
    framing_ = {};
    CO_TRY_VOID(co_await read_head());
  } while (head_.status < 200);
  co_return Result<void>();
}

Task<Result<void>> Call::read_head() {
  HeadScanner scanner;
  for (;;) {
    const std::string_view bytes = link_.buffer.view();
    if (const std::size_t size = scanner.scan(bytes); size > 0) {
      const Fault fault =
          parse_response_head(bytes.substr(0, size), kAnswerLimits, head_, framing_);
      link_.buffer.consume(size);
      if (fault) co_return broken(fault.message);
      co_return Result<void>();
    }
    if (scanner.bare_line_feed()) co_return broken("a line ends with a bare LF");
    if (bytes.size() > kAnswerLimits.head_bytes) co_return broken("its head is too large");
    CO_TRY(const bool more, co_await fill());
    if (!more) co_return broken("the connection was closed");
  }
}

Task<Result<void>> Call::read_body() {
  const bool none = request_.method == "HEAD" || head_.status == 204 || head_.status == 304;
  if (none) co_return Result<void>();
  if (framing_.chunked) co_return co_await read_chunked();
  if (framing_.content_length) co_return co_await read_counted(*framing_.content_length);
  co_return co_await read_to_end();
}

Task<Result<void>> Call::read_counted(std::uint64_t length) {
  if (length > limit_) co_return too_large();
  body_.reserve(std::min<std::uint64_t>(length, 1 << 20));
  for (;;) {
    const auto piece = link_.buffer.view().substr(0, length - body_.size());
    body_ += piece;
    link_.buffer.consume(piece.size());
    if (body_.size() == length) co_return Result<void>();
    CO_TRY(const bool more, co_await fill());
    if (!more) co_return broken("its body was cut short");
  }
}

Task<Result<void>> Call::read_chunked() {
  ChunkDecoder chunks;
  while (!chunks.done()) {
    const auto step = chunks.next(link_.buffer.view());
    if (chunks.fault()) co_return broken(chunks.fault().message);
    body_ += step.piece;
    link_.buffer.consume(step.used);
    if (body_.size() > limit_) co_return too_large();
    if (step.used > 0) continue;
    CO_TRY(const bool more, co_await fill());
    if (!more) co_return broken("its body was cut short");
  }
  co_return Result<void>();
}

Task<Result<void>> Call::read_to_end() {
  link_.reusable = false;
  for (bool more = true; more;) {
    body_ += link_.buffer.view();
    link_.buffer.consume(link_.buffer.size());
    if (body_.size() > limit_) co_return too_large();
    CO_TRY(more, co_await fill());
  }
  co_return Result<void>();
}

using Outcome = std::variant<Response, SendError>;

void give_back(Pool& pool, LinkPtr link) {
  // Bytes beyond the answer belong to no request: such a peer is not in step with us.
  if (!link->reusable || link->buffer.size() > 0) return;
  if (pool.idle.size() >= pool.options.idle_connections) return;
  link->idle_since_ms = coarse_ms();
  pool.idle.push_back(std::move(link));
}

Task<Outcome> exchange(std::shared_ptr<Pool> pool, const Request& request, milliseconds timeout,
                       std::uint64_t limit) {
  const TimeMs deadline = coarse_ms() + timeout.count();
  for (;;) {
    LinkPtr link = take_idle(*pool);
    const bool reused = link != nullptr;
    if (!reused) {
      const TimeMs latest = coarse_ms() + pool->options.connect_timeout.count();
      auto made = co_await connect(*pool, std::min(deadline, latest));
      if (!made) co_return SendError{std::move(made.error()), false};
      link = std::move(*made);
    }
    link->socket->arm_at(deadline);
    Call call(*pool, *link, request, limit);
    auto answer = co_await call.run();
    link->socket->disarm();
    if (answer) {
      give_back(*pool, std::move(link));
      co_return std::move(*answer);
    }
    const bool try_anew = reused && !call.sent() && coarse_ms() < deadline;
    if (!try_anew) co_return SendError{std::move(answer.error()), call.sent()};
  }
}

class UpstreamImpl final : public Upstream {
 public:
  explicit UpstreamImpl(Options options) : pool_(std::make_shared<Pool>()) {
    pool_->host_header = options.address.unix_path.empty() ? name_of(options.address) : "localhost";
    pool_->options = std::move(options);
  }
  // The first caller's Core is the one that it lives on.
  Task<Outcome> send(const Request& request, milliseconds timeout, std::uint64_t limit) override {
    if (pool_->watchdog == nullptr)
      pool_->watchdog = std::make_shared<Watchdog>(co_await asio::this_coro::executor);
    co_return co_await exchange(pool_, request, timeout, limit);
  }

 private:
  std::shared_ptr<Pool> pool_;
};

}  // namespace

std::unique_ptr<Upstream> Upstream::create(Options options) {
  return std::make_unique<UpstreamImpl>(std::move(options));
}

}  // namespace slipway::http
