#include "http/connection.h"

#include <fmt/format.h>

#include <ctime>

#include "base/log.h"

namespace slipway::http {
namespace {

using boost::system::error_code;

constexpr std::size_t kFirstRead = 4 << 10;  // most requests fit
constexpr std::size_t kBodyRead = 64 << 10;
constexpr std::uint64_t kDrainBytes = 64 << 10;  // of a body that no one read
constexpr std::uint64_t kLingerBytes = 64 << 20;
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr std::chrono::milliseconds kGoodbye{100};  // for TLS to end in order

Error peer_left() { return fail(ErrorCode::cancelled, "the client closed the connection"); }

// "Date: Mon, 23 Nov 2026 21:30:00 GMT\r\n", made once a second and thread.
std::string_view date_line() {
  thread_local std::time_t made_at = 0;
  thread_local char line[64];
  thread_local std::size_t size = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made_at) {
    std::tm utc{};
    gmtime_r(&now.tv_sec, &utc);
    size = std::strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    made_at = now.tv_sec;
  }
  return {line, size};
}

bool has_no_body(unsigned status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

Connection::Connection(std::shared_ptr<const ServerContext> server, std::unique_ptr<Socket> socket)
    : server_(std::move(server)), socket_(std::move(socket)) {}

Task<void> Connection::run() {
  if (server_->draining) co_return;
  error_code ec;
  socket_->arm(limits().head_timeout);
  co_await socket_->handshake(ec);
  socket_->disarm();
  if (ec) co_return;
  while (co_await serve_one()) {
  }
  co_await linger();
}

// Our last answer must reach the peer: closing with unread bytes would reset the connection, and
// many clients read an answer only once they have sent all of their body.
Task<void> Connection::linger() {
  const bool unread = !body_done_ || refused_ || buffer_.size() > 0;
  socket_->arm(unread ? kLinger : kGoodbye);
  error_code ec;
  const std::uint64_t had = body_read_ + buffer_.size();
  const std::uint64_t length = refused_ ? 0 : head_.content_length.value_or(0);
  std::uint64_t rest = length > had && length - had <= kLingerBytes ? length - had : 0;
  while (unread && rest > 0 && !ec && !socket_->expired())
    rest -=
        std::min<std::uint64_t>(rest, co_await socket_->read_some(buffer_.prepare(kFirstRead), ec));
  co_await socket_->finish_writing();
  if (!unread) co_return;
  for (std::uint64_t seen = 0; !ec && seen < kLingerBytes && !socket_->expired();) {
    const auto room = buffer_.prepare(kFirstRead);
    seen += co_await socket_->read_some(room, ec);
  }
}

Task<bool> Connection::serve_one() {
  reset();
  if (!co_await read_head()) co_return false;
  co_await run_handler();
  if (answer_ == Answer::none) co_await refuse(500, "the server gave no answer");
  if (answer_ != Answer::done) co_return false;
  if (keep_) co_await drain_body();
  co_return keep_&& body_done_;
}

void Connection::reset() {
  scanner_ = {};
  head_ = {};
  framing_ = {};
  chunks_ = {};
  body_read_ = 0;
  answer_ = Answer::none;
  body_done_ = true;
  body_broken_ = continue_owed_ = false;
  form_ = BodyForm::none;
  answer_left_ = 0;
  keep_ = true;
}

Task<bool> Connection::read_head() {
  const Received received = co_await receive_head();
  idle_ = false;
  if (received == Received::peer_left) co_return false;
  if (received == Received::slow && buffer_.size() > 0)
    co_await refuse(408, "the request's head came too slowly");
  if (received == Received::bad) co_await refuse(fault_.status, fault_.message);
  co_return received == Received::yes;
}

// Reads until a head is whole, then parses it and takes it off the buffer.
Task<Connection::Received> Connection::receive_head() {
  const HeadLimits head_limits{limits().head_bytes, limits().headers, limits().target_bytes};
  TimeMs deadline = coarse_ms() + limits().idle_timeout.count();
  bool begun = false;
  for (;;) {
    // RFC 9112 2.2: one empty line before a request is tolerated.
    if (!begun && buffer_.view().starts_with("\r\n")) buffer_.consume(2);
    const std::size_t size = scanner_.scan(buffer_.view());
    if (size > 0) {
      fault_ = parse_request_head(buffer_.view().substr(0, size), head_limits, head_, framing_);
      buffer_.consume(size);
      if (fault_) co_return Received::bad;
      body_done_ = !head_.chunked && head_.content_length.value_or(0) == 0;
      continue_owed_ = framing_.expects_continue;
      co_return Received::yes;
    }
    fault_ = scanner_.check(buffer_.view(), head_limits);
    if (fault_) co_return Received::bad;
    if (!begun && buffer_.size() > 0) {
      begun = true;
      deadline = coarse_ms() + limits().head_timeout.count();
    }
    idle_ = !begun;
    if (idle_ && server_->draining) co_return Received::peer_left;
    const Received received = co_await receive_more(kFirstRead, deadline);
    if (received != Received::yes) co_return received;
  }
}

Task<Connection::Received> Connection::receive_more(std::size_t room, TimeMs deadline_ms) {
  error_code ec;
  const auto into = buffer_.prepare(room);
  socket_->arm_at(deadline_ms);
  const std::size_t n = co_await socket_->read_some(into, ec);
  socket_->disarm();
  buffer_.commit(n);
  if (socket_->expired() && ec) {
    socket_->forget_expiry();
    co_return Received::slow;
  }
  co_return ec || n == 0 ? Received::peer_left : Received::yes;
}

// The one place where an exception of a handler ends.
Task<void> Connection::run_handler() {
  try {
    co_await server_->handler(*this);
    co_return;
  } catch (const std::exception& e) {
    if (!server_->draining)
      log::error("http", "a handler failed",
                 {{"method", head_.method}, {"path", head_.path()}, {"cause", e.what()}});
  }
}

// Answers by the server itself and ends the connection.
Task<void> Connection::refuse(unsigned status, std::string_view message) {
  const auto& body = server_->options.error_body;
  Response response{status, {{"Content-Type", "text/plain"}}, std::string(message) + "\n"};
  if (body) response = body(status, message);
  keep_ = false;
  refused_ = true;
  [[maybe_unused]] const auto sent = co_await respond(std::move(response));
}

Error Connection::bad_body(std::string_view message) {
  body_broken_ = true;
  return fail(ErrorCode::invalid_argument, std::string(message), "BadRequest");
}

Error Connection::body_too_large(std::uint64_t limit) const {
  return fail(ErrorCode::too_large, fmt::format("the request's body is above {} bytes", limit),
              "RequestBodyTooLarge");
}

Task<Result<std::string_view>> Connection::read_some() {
  if (body_done_) co_return std::string_view();
  if (body_broken_) co_return bad_body("the request's body could not be read");
  if (head_.content_length.value_or(0) > limits().body_bytes)
    co_return body_too_large(limits().body_bytes);
  if (continue_owed_) {
    continue_owed_ = false;
    CO_TRY_VOID(co_await send(Pieces("HTTP/1.1 100 Continue\r\n\r\n")));
  }
  co_return co_await next_piece();
}

Task<Result<std::string_view>> Connection::next_piece() {
  for (;;) {
    auto piece = head_.chunked ? take_chunked() : take_counted();
    if (!piece || !piece->empty() || body_done_) co_return piece;
    CO_TRY_VOID(co_await fill_body());
  }
}

Task<Result<void>> Connection::fill_body() {
  const Received received =
      co_await receive_more(kBodyRead, coarse_ms() + limits().body_timeout.count());
  if (received == Received::yes) co_return Result<void>();
  body_broken_ = true;
  if (received == Received::peer_left) {
    keep_ = false;
    co_return peer_left();
  }
  if (answer_ == Answer::none) co_await refuse(408, "the request's body came too slowly");
  co_return fail(ErrorCode::cancelled, "the request's body came too slowly");
}

Result<std::string_view> Connection::take_counted() {
  const std::uint64_t left = *head_.content_length - body_read_;
  const std::string_view piece = buffer_.view().substr(0, left);
  buffer_.consume(piece.size());
  body_read_ += piece.size();
  body_done_ = body_read_ == *head_.content_length;
  return piece;
}

// Empty when more bytes are needed or the body is done.
Result<std::string_view> Connection::take_chunked() {
  for (;;) {
    const auto step = chunks_.next(buffer_.view());
    buffer_.consume(step.used);
    if (chunks_.fault()) return bad_body(chunks_.fault().message);
    body_done_ = chunks_.done();
    body_read_ += step.piece.size();
    if (body_read_ > limits().body_bytes) {
      body_broken_ = true;
      return body_too_large(limits().body_bytes);
    }
    if (!step.piece.empty() || step.used == 0 || body_done_) return step.piece;
  }
}

Task<Result<std::string>> Connection::read_body(std::uint64_t limit) {
  constexpr std::uint64_t kReserve = 1 << 20;  // what is promised is not yet sent
  limit = std::min(limit, limits().body_bytes);
  if (head_.content_length.value_or(0) > limit) co_return body_too_large(limit);
  std::string out;
  if (head_.content_length) out.reserve(std::min(*head_.content_length, kReserve));
  while (!body_done_) {
    CO_TRY(const auto piece, co_await read_some());
    if (out.size() + piece.size() > limit) co_return body_too_large(limit);
    out += piece;
  }
  co_return out;
}

// A rest of a body that no one wanted: a small one is read past, else the connection ends.
Task<void> Connection::drain_body() {
  const std::uint64_t start = body_read_;
  while (!body_done_ && body_read_ - start <= kDrainBytes)
    if (!co_await next_piece()) co_return;
}

void Connection::decide_keep_alive() {
  const bool large_rest =
      !body_done_ && head_.content_length.value_or(0) > body_read_ + kDrainBytes;
  keep_ = keep_ && framing_.keep_alive && !server_->draining && !body_broken_ && !large_rest &&
          !continue_owed_;
}

void Connection::start_head(unsigned status, const Headers& headers) {
  decide_keep_alive();
  out_.clear();
  append_status_line(out_, status);
  if (!headers.has("date")) out_ += date_line();
  if (!headers.has("server")) append_header(out_, "Server", server_->options.server_name);
  append_headers(out_, headers);
  if (!keep_) out_ += "Connection: close\r\n";
}

Task<Result<void>> Connection::respond(Response response) {
  if (answer_ != Answer::none) co_return peer_left();
  answer_ = Answer::done;
  start_head(response.status, response.headers);
  const bool bodiless = has_no_body(response.status);
  const bool head_only = bodiless || head_.method == "HEAD";
  if (!bodiless) {
    const auto size = fmt::format_int(response.body.size());
    const bool told = head_only && response.body.empty();
    out_ += "Content-Length: ";
    out_ += told ? response.headers.get_or("content-length", "0")
                 : std::string_view(size.data(), size.size());
    out_ += "\r\n";
  }
  out_ += "\r\n";
  co_return co_await send(Pieces(out_, head_only ? std::string_view() : response.body));
}

Task<Result<void>> Connection::begin(ResponseHead head) {
  if (answer_ != Answer::none) co_return peer_left();
  answer_ = Answer::begun;
  const auto length = head.headers.get("content-length");
  form_ = length ? BodyForm::counted : BodyForm::chunked;
  if (!length && framing_.http_1_0) form_ = BodyForm::until_close;
  if (has_no_body(head.status)) form_ = BodyForm::none;
  if (form_ == BodyForm::until_close) keep_ = false;
  start_head(head.status, head.headers);
  if (length) answer_left_ = std::strtoull(std::string(*length).c_str(), nullptr, 10);
  if (form_ == BodyForm::counted)
    append_header(out_, "Content-Length", fmt::format_int(answer_left_).c_str());
  if (form_ == BodyForm::chunked) out_ += "Transfer-Encoding: chunked\r\n";
  if (head_.method == "HEAD") form_ = BodyForm::none;
  out_ += "\r\n";
  co_return co_await send(Pieces(out_));
}

Task<Result<void>> Connection::write(std::string_view piece) {
  if (answer_ != Answer::begun) co_return peer_left();
  if (piece.empty() || form_ == BodyForm::none) co_return Result<void>();
  if (form_ == BodyForm::counted && piece.size() > answer_left_)
    co_return fail(ErrorCode::internal, "a streamed answer is longer than its Content-Length");
  if (form_ == BodyForm::counted) answer_left_ -= piece.size();
  if (form_ != BodyForm::chunked) co_return co_await send(Pieces(piece));
  out_.clear();
  fmt::format_to(std::back_inserter(out_), "{:x}\r\n", piece.size());
  co_return co_await send(Pieces(out_, piece, "\r\n"));
}

Task<Result<void>> Connection::end() {
  if (answer_ != Answer::begun) co_return peer_left();
  answer_ = Answer::done;
  if (form_ == BodyForm::chunked) co_return co_await send(Pieces("0\r\n\r\n"));
  // A body cut short must be seen as such: the connection ends instead of going on.
  if (form_ == BodyForm::counted && answer_left_ > 0) keep_ = false;
  co_return Result<void>();
}

Task<Result<void>> Connection::send(Pieces pieces) {
  error_code ec;
  pieces.consume(socket_->write_now(pieces, ec));
  if (!ec && !pieces.empty()) co_await socket_->write(pieces, limits().write_timeout, ec);
  if (!ec) co_return Result<void>();
  keep_ = false;
  body_broken_ = true;
  const bool slow = socket_->expired();
  socket_->close();
  co_return slow ? fail(ErrorCode::cancelled, "the client read too slowly") : peer_left();
}

}  // namespace slipway::http
