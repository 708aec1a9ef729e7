#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "http/client.h"
#include "http/tls_context.h"
#include "http/wire.h"

namespace slipway::http {
namespace {

using std::chrono::milliseconds;
using Client = BlockingClient;

constexpr std::size_t kPiece = 64 << 10;
constexpr HeadLimits kAnswerLimits{64 << 10, 200, 0};

Error unavailable(std::string message) { return fail(ErrorCode::unavailable, std::move(message)); }

// A connected, non-blocking socket with or without TLS; every wait ends after `timeout`.
class Stream {
 public:
  Stream(Fd fd, milliseconds timeout) : fd_(std::move(fd)), timeout_(timeout) {}
  Result<void> start_tls(TlsClientContext& context, const std::string& host);
  // 0 at the end of the stream.
  Result<std::size_t> read(char* buffer, std::size_t capacity);
  Result<void> write(std::string_view bytes);
  // Bytes from the peer are waiting: while we send, that is an early answer.
  bool readable() const;
  // Nothing waits to be read, and the peer has not closed.
  bool quiet() const { return !readable(); }

 private:
  struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  enum class Wait { read, write };
  Result<void> wait(Wait what) const;
  // One try: how many bytes, or nothing when it must be tried again after waiting.
  Result<std::optional<std::size_t>> try_read(char* buffer, std::size_t capacity);
  Result<std::optional<std::size_t>> try_write(std::string_view bytes);
  Result<std::optional<std::size_t>> after_ssl(int result);

  Fd fd_;
  milliseconds timeout_;
  std::unique_ptr<SSL, SslFree> ssl_;
  Wait wanted_ = Wait::read;  // what TLS waits for
};

bool Stream::readable() const {
  if (ssl_ && SSL_pending(ssl_.get()) > 0) return true;
  pollfd p{fd_.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) > 0;
}

Result<void> Stream::wait(Wait what) const {
  pollfd p{fd_.get(), static_cast<short>(what == Wait::read ? POLLIN : POLLOUT), 0};
  int ready = 0;
  do ready = ::poll(&p, 1, static_cast<int>(timeout_.count()));
  while (ready < 0 && errno == EINTR);
  if (ready > 0) return {};
  return fail(ErrorCode::deadline,
              fmt::format("the server did not answer within {} ms", timeout_.count()));
}

Result<std::optional<std::size_t>> Stream::after_ssl(int result) {
  if (result > 0) return std::optional<std::size_t>(result);
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) return std::optional<std::size_t>(0);
  wanted_ = error == SSL_ERROR_WANT_WRITE ? Wait::write : Wait::read;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
    return std::optional<std::size_t>();
  const long verified = SSL_get_verify_result(ssl_.get());
  const std::string why = verified != X509_V_OK        ? X509_verify_cert_error_string(verified)
                          : error == SSL_ERROR_SYSCALL ? std::strerror(errno)
                                                       : openssl_reason();
  ERR_clear_error();
  return unavailable("the TLS connection failed: " + why);
}

Result<void> Stream::start_tls(TlsClientContext& context, const std::string& host) {
  ssl_.reset(SSL_new(context.context.native_handle()));
  if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), fd_.get()) != 1)
    return unavailable("cannot start TLS: " + openssl_reason());
  expect_peer(ssl_.get(), host);
  for (;;) {
    TRY(const auto done, after_ssl(SSL_connect(ssl_.get())));
    if (done == std::size_t{0}) return unavailable("the server ended the TLS handshake");
    if (done) return {};
    TRY_VOID(wait(wanted_));
  }
}

Result<std::optional<std::size_t>> Stream::try_read(char* buffer, std::size_t capacity) {
  if (ssl_) return after_ssl(SSL_read(ssl_.get(), buffer, static_cast<int>(capacity)));
  wanted_ = Wait::read;
  const ssize_t n = ::recv(fd_.get(), buffer, capacity, 0);
  if (n >= 0) return std::optional<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return std::optional<std::size_t>();
  return unavailable(fmt::format("the connection was lost: {}", std::strerror(errno)));
}

Result<std::optional<std::size_t>> Stream::try_write(std::string_view bytes) {
  if (ssl_) return after_ssl(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
  wanted_ = Wait::write;
  const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) return std::optional<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return std::optional<std::size_t>();
  return unavailable(fmt::format("the connection was lost: {}", std::strerror(errno)));
}

Result<std::size_t> Stream::read(char* buffer, std::size_t capacity) {
  for (;;) {
    TRY(const auto n, try_read(buffer, capacity));
    if (n) return *n;
    TRY_VOID(wait(wanted_));
  }
}

Result<void> Stream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    TRY(const auto n, try_write(bytes.substr(0, kPiece)));
    if (n) bytes.remove_prefix(*n);
    if (!n) TRY_VOID(wait(wanted_));
  }
  return {};
}

Result<Fd> finish_connect(Fd fd, const sockaddr* address, socklen_t size, milliseconds timeout) {
  if (::connect(fd.get(), address, size) == 0) return fd;
  if (errno != EINPROGRESS) return unavailable(std::strerror(errno));
  pollfd p{fd.get(), POLLOUT, 0};
  if (::poll(&p, 1, static_cast<int>(timeout.count())) <= 0)
    return unavailable("no answer in time");
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return unavailable(std::strerror(error));
  return fd;
}

Result<Fd> connect_unix(const std::string& path, milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return unavailable("the socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return finish_connect(std::move(fd), reinterpret_cast<sockaddr*>(&address), sizeof address,
                        timeout);
}

Result<Fd> connect_tcp(const Address& to, milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int found = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &list);
  if (found != 0) return unavailable(::gai_strerror(found));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  Result<Fd> result = unavailable("no address");
  for (const auto* at = list; at != nullptr && !result; at = at->ai_next) {
    Fd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    result = finish_connect(std::move(fd), at->ai_addr, at->ai_addrlen, timeout);
  }
  return result;
}

// The answer's bytes as they come; its body goes to a sink.
class AnswerReader {
 public:
  explicit AnswerReader(Stream& stream) : stream_(stream) {}
  Result<void> read_head();
  Result<void> read_body(const std::string& method, const Client::Sink& sink);
  ResponseHead head;
  ResponseFraming framing;

 private:
  Result<bool> fill();
  Result<void> read_chunked(const Client::Sink& sink);
  Result<void> read_plain(const Client::Sink& sink);
  Stream& stream_;
  std::string held_;  // received and not yet used
};

Result<bool> AnswerReader::fill() {
  const std::size_t before = held_.size();
  held_.resize(before + kPiece);
  auto n = stream_.read(held_.data() + before, kPiece);
  held_.resize(before + (n ? *n : 0));
  if (!n) return std::move(n.error());
  return *n > 0;
}

Result<void> AnswerReader::read_head() {
  HeadScanner scanner;
  for (;;) {
    if (const std::size_t size = scanner.scan(held_); size > 0) {
      const Fault fault = parse_response_head(std::string_view(held_).substr(0, size),
                                              kAnswerLimits, head, framing);
      held_.erase(0, size);
      if (fault) return unavailable(std::string(fault.message));
      if (head.status >= 200) return {};
      head = {};
      framing = {};
      scanner = {};
      continue;
    }
    if (scanner.bare_line_feed() || held_.size() > kAnswerLimits.head_bytes)
      return unavailable("the server's answer is not HTTP/1.1");
    TRY(const bool more, fill());
    if (!more) return unavailable("the server closed the connection without an answer");
  }
}

Result<void> AnswerReader::read_body(const std::string& method, const Client::Sink& sink) {
  if (method == "HEAD" || head.status == 204 || head.status == 304) return {};
  return framing.chunked ? read_chunked(sink) : read_plain(sink);
}

Result<void> AnswerReader::read_chunked(const Client::Sink& sink) {
  ChunkDecoder chunks;
  std::size_t used = 0;
  while (!chunks.done()) {
    const auto step = chunks.next(std::string_view(held_).substr(used));
    used += step.used;
    if (chunks.fault()) return unavailable(std::string(chunks.fault().message));
    if (!step.piece.empty()) TRY_VOID(sink(step.piece));
    if (step.used > 0) continue;
    held_.erase(0, std::exchange(used, 0));
    TRY(const bool more, fill());
    if (!more) return unavailable("the server's answer was cut short");
  }
  held_.erase(0, used);
  return {};
}

Result<void> AnswerReader::read_plain(const Client::Sink& sink) {
  std::uint64_t left = framing.content_length.value_or(UINT64_MAX);
  if (!framing.content_length) framing.keep_alive = false;
  while (left > 0) {
    const auto piece = std::string_view(held_).substr(0, left);
    left -= piece.size();
    if (!piece.empty()) TRY_VOID(sink(piece));
    held_.erase(0, piece.size());
    if (left == 0) return {};
    TRY(const bool more, fill());
    if (more) continue;
    if (!framing.content_length) return {};
    return unavailable("the server's answer was cut short");
  }
  return {};
}

class ClientImpl final : public Client {
 public:
  explicit ClientImpl(Options options) : options_(std::move(options)) {}
  Result<Response> send(const Request& request) override;
  Result<Response> stream(const Request& head, std::uint64_t length, const Source& source,
                          const Sink& sink) override;

 private:
  Result<void> connect();
  Result<Response> exchange(const Request& head, std::uint64_t length, const Source& source,
                            const Sink& sink);
  Result<bool> upload(std::uint64_t length, const Source& source);
  Result<Response> read_answer(const std::string& method, const Sink& sink);
  std::string where() const;

  Options options_;
  std::unique_ptr<Stream> stream_;
};

std::string ClientImpl::where() const {
  const auto& to = options_.address;
  if (!to.unix_path.empty()) return to.unix_path;
  return to.host.find(':') == std::string::npos ? fmt::format("{}:{}", to.host, to.port)
                                                : fmt::format("[{}]:{}", to.host, to.port);
}

Result<void> ClientImpl::connect() {
  if (stream_ && stream_->quiet()) return {};
  stream_.reset();
  const auto& to = options_.address;
  auto fd = to.unix_path.empty() ? connect_tcp(to, options_.timeout)
                                 : connect_unix(to.unix_path, options_.timeout);
  if (!fd) return unavailable(fmt::format("cannot connect to {}: {}", where(), fd.error().message));
  auto made = std::make_unique<Stream>(std::move(*fd), options_.timeout);
  if (options_.tls) TRY_VOID(made->start_tls(*options_.tls, to.host));
  stream_ = std::move(made);
  return {};
}

Result<Response> ClientImpl::send(const Request& request) {
  std::string_view left = request.body;
  const Source source = [&](char* buffer, std::size_t capacity) -> Result<std::size_t> {
    const std::size_t n = left.copy(buffer, capacity);
    left.remove_prefix(n);
    return n;
  };
  return stream(request, request.body.size(), source, nullptr);
}

Result<Response> ClientImpl::stream(const Request& head, std::uint64_t length, const Source& source,
                                    const Sink& sink) {
  TRY_VOID(connect());
  auto response = exchange(head, length, source, sink);
  if (!response) stream_.reset();
  return response;
}

Result<Response> ClientImpl::exchange(const Request& head, std::uint64_t length,
                                      const Source& source, const Sink& sink) {
  const std::string host = options_.address.unix_path.empty() ? where() : "localhost";
  auto written = stream_->write(request_head_text(head, host, length));
  bool whole = written.has_value();
  if (whole) {
    TRY(whole, upload(length, source));
  }
  auto answer = read_answer(head.method, sink);
  if (!whole) stream_.reset();  // the rest of the body was never sent
  return answer;
}

// False when the server answered, or closed, before it had the whole body.
Result<bool> ClientImpl::upload(std::uint64_t length, const Source& source) {
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(length, kPiece)), '\0');
  while (length > 0) {
    // TLS may hold records that are no answer (tickets): there only a failed write ends the upload.
    if (!options_.tls && stream_->readable()) return false;
    const auto capacity = static_cast<std::size_t>(std::min<std::uint64_t>(length, buffer.size()));
    TRY(const auto n, source(buffer.data(), capacity));
    if (n == 0)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the body ended {} bytes before its announced length", length));
    if (auto written = stream_->write({buffer.data(), n}); !written) {
      if (written.error().code == ErrorCode::deadline) return std::move(written.error());
      return false;
    }
    length -= n;
  }
  return true;
}

Result<Response> ClientImpl::read_answer(const std::string& method, const Sink& sink) {
  AnswerReader reader(*stream_);
  TRY_VOID(reader.read_head());
  Response out{reader.head.status, std::move(reader.head.headers), {}};
  const Sink keep = [&out](std::string_view piece) -> Result<void> {
    out.body += piece;
    return {};
  };
  // A refusal is for the caller to read, not for the file that was asked for.
  const bool to_sink = sink != nullptr && out.status < 300;
  TRY_VOID(reader.read_body(method, to_sink ? sink : keep));
  if (!reader.framing.keep_alive) stream_.reset();
  return out;
}

}  // namespace

std::unique_ptr<BlockingClient> BlockingClient::create(Options options) {
  // OpenSSL writes without MSG_NOSIGNAL; a peer that left must not end the program.
  ::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<ClientImpl>(std::move(options));
}

}  // namespace slipway::http
