#include "http/wire.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

namespace slipway::http {
namespace {

constexpr std::size_t kChunkLineBytes = 256;  // size and extensions of one chunk
constexpr std::size_t kTrailerBytes = 8 << 10;

// RFC 9110 5.6.2: what names and methods are made of.
constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = make_token_table();

constexpr std::array<bool, 256> make_host_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("-._~%!$&'()*+;=:[]0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kHostCharacter = make_host_table();

bool all_in(std::string_view text, const std::array<bool, 256>& table) {
  for (const char c : text)
    if (!table[static_cast<unsigned char>(c)]) return false;
  return true;
}

bool is_token(std::string_view text) { return !text.empty() && all_in(text, kToken); }

// RFC 9110 5.5: visible characters, spaces, tabs and bytes above ASCII.
bool is_field_value(std::string_view text) {
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if ((b < 0x20 && b != '\t') || b == 0x7f) return false;
  }
  return true;
}

bool is_visible(std::string_view text) {
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f) return false;
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next line without its CRLF; `rest` moves past it. Heads hold whole lines only.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

// What the framing headers of a message said.
struct Framing {
  std::optional<std::uint64_t> content_length;
  std::optional<std::string> transfer_encoding;
  unsigned hosts = 0;
  bool close = false;
  bool keep_alive = false;
  std::string_view expect;
};

void read_connection(std::string_view value, Framing& framing) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view option = trimmed(value.substr(0, comma));
    framing.close = framing.close || same_name(option, "close");
    framing.keep_alive = framing.keep_alive || same_name(option, "keep-alive");
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
  }
}

Fault read_content_length(std::string_view value, Framing& framing) {
  constexpr std::size_t kMaxDigits = 18;  // fits 64 bits
  if (framing.content_length) return {400, "more than one Content-Length (RFC 9112 6.3)"};
  std::uint64_t length = 0;
  const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (ec != std::errc() || end != value.data() + value.size() || value.size() > kMaxDigits)
    return {400, "Content-Length is not a number (RFC 9110 8.6)"};
  framing.content_length = length;
  return {};
}

Fault read_framing_header(std::string_view name, std::string_view value, Framing& framing) {
  switch (name.size()) {
    case 4:
      if (!same_name(name, "host")) return {};
      if (!all_in(value, kHostCharacter)) return {400, "Host is not a host (RFC 9110 7.2)"};
      ++framing.hosts;
      return {};
    case 6:
      if (same_name(name, "expect")) framing.expect = value;
      return {};
    case 10:
      if (same_name(name, "connection")) read_connection(value, framing);
      return {};
    case 14:
      return same_name(name, "content-length") ? read_content_length(value, framing) : Fault{};
    case 17:
      if (!same_name(name, "transfer-encoding")) return {};
      if (framing.transfer_encoding) return {400, "more than one Transfer-Encoding (RFC 9112 6.1)"};
      framing.transfer_encoding = std::string(value);
      return {};
    default: return {};
  }
}

Fault split_field(std::string_view line, std::string_view& name, std::string_view& value) {
  if (line.front() == ' ' || line.front() == '\t')
    return {400, "a header line is folded (RFC 9112 5.2)"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {400, "a header line has no colon (RFC 9112 5)"};
  name = line.substr(0, colon);
  value = trimmed(line.substr(colon + 1));
  if (!is_token(name)) return {400, "a header name is not a token (RFC 9112 5.1)"};
  if (!is_field_value(value)) return {400, "a header holds a control character (RFC 9110 5.5)"};
  return {};
}

Fault parse_fields(std::string_view rest, const HeadLimits& limits, Headers& out,
                   Framing& framing) {
  for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
    std::string_view name, value;
    if (auto fault = split_field(line, name, value)) return fault;
    if (auto fault = read_framing_header(name, value, framing)) return fault;
    if (out.size() >= limits.headers) return {431, "the request has too many header lines"};
    out.add(std::string(name), std::string(value));
  }
  return {};
}

// "chunked" and nothing else is a transfer coding that we read.
Fault check_transfer_encoding(const Framing& framing) {
  if (!framing.transfer_encoding) return {};
  if (framing.content_length)
    return {400, "both Content-Length and Transfer-Encoding are given (RFC 9112 6.3)"};
  const std::string_view coding = *framing.transfer_encoding;
  if (same_name(coding, "chunked")) return {};
  constexpr std::string_view kChunked = "chunked";
  if (coding.size() > kChunked.size() &&
      same_name(coding.substr(coding.size() - kChunked.size()), kChunked))
    return {501, "Transfer-Encoding is more than chunked (RFC 9112 6.1)"};
  return {400, "the last Transfer-Encoding is not chunked (RFC 9112 6.3)"};
}

Fault check_target(std::string_view method, std::string_view target, const HeadLimits& limits) {
  if (target.size() > limits.target_bytes) return {414, "the request's target is too long"};
  if (!is_visible(target)) return {400, "the target holds a character that is not visible ASCII"};
  const bool asterisk = target == "*" && method == "OPTIONS";
  if (!asterisk && (target.empty() || target.front() != '/'))
    return {400, "the target is not a path that begins with a slash (RFC 9112 3.2.1)"};
  return {};
}

Fault parse_request_line(std::string_view line, const HeadLimits& limits, RequestHead& out,
                         RequestFraming& framing) {
  constexpr std::size_t kMaxMethod = 32;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return {400, "the request line is not method, target and version (RFC 9112 3)"};
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > kMaxMethod) return {400, "the method is not a token"};
  if (version.size() != 8 || !version.starts_with("HTTP/"))
    return {400, "the request line has no HTTP version (RFC 9112 2.3)"};
  framing.http_1_0 = version == "HTTP/1.0";
  if (!framing.http_1_0 && version != "HTTP/1.1") return {505, "only HTTP/1.1 is spoken here"};
  out.method = method;
  out.target = line.substr(first + 1, last - first - 1);
  return check_target(out.method, out.target, limits);
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::size_t HeadScanner::scan(std::string_view bytes) {
  while (scanned_ < bytes.size()) {
    const std::size_t feed = bytes.find('\n', scanned_);
    if (feed == std::string_view::npos) {
      scanned_ = bytes.size();
      return 0;
    }
    bare_line_feed_ = feed == line_ || bytes[feed - 1] != '\r';
    if (bare_line_feed_) return 0;
    const bool blank = feed == line_ + 1;
    line_ = scanned_ = feed + 1;
    if (blank) return scanned_;
  }
  return 0;
}

Fault HeadScanner::check(std::string_view bytes, const HeadLimits& limits) const {
  constexpr std::size_t kLineRest = 64;  // method and version beside the target
  if (bare_line_feed_) return {400, "a line ends with a bare LF (RFC 9112 2.2)"};
  if (line_ == 0 && bytes.size() > limits.target_bytes + kLineRest)
    return {414, "the request's target is too long"};
  if (bytes.size() > limits.head_bytes) return {431, "the request's head is too large"};
  return {};
}

Fault parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out,
                         RequestFraming& framing) {
  if (head.size() > limits.head_bytes) return {431, "the request's head is too large"};
  if (auto fault = parse_request_line(take_line(head), limits, out, framing)) return fault;
  Framing seen;
  if (auto fault = parse_fields(head, limits, out.headers, seen)) return fault;
  if (auto fault = check_transfer_encoding(seen)) return fault;
  if (seen.transfer_encoding && framing.http_1_0)
    return {400, "HTTP/1.0 has no Transfer-Encoding (RFC 9112 6.1)"};
  if (seen.hosts > 1 || (seen.hosts == 0 && !framing.http_1_0))
    return {400, "HTTP/1.1 needs exactly one Host (RFC 9112 3.2)"};
  if (!seen.expect.empty() && !same_name(seen.expect, "100-continue"))
    return {417, "the only expectation that can be met is 100-continue"};
  out.content_length = seen.content_length;
  out.chunked = seen.transfer_encoding.has_value();
  const bool body = out.chunked || out.content_length.value_or(0) > 0;
  framing.expects_continue = !seen.expect.empty() && body && !framing.http_1_0;
  framing.keep_alive = !framing.http_1_0 && !seen.close;
  return {};
}

Fault parse_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out,
                          ResponseFraming& framing) {
  const std::string_view line = take_line(head);
  const bool http_1_0 = line.starts_with("HTTP/1.0 ");
  if (line.size() < 12 || !(http_1_0 || line.starts_with("HTTP/1.1 ")))
    return {502, "the answer does not begin with an HTTP/1.1 status line"};
  const auto [end, ec] = std::from_chars(line.data() + 9, line.data() + 12, out.status);
  if (ec != std::errc() || end != line.data() + 12 || out.status < 100 || out.status > 599)
    return {502, "the answer has no status of three digits"};
  Framing seen;
  if (auto fault = parse_fields(head, limits, out.headers, seen)) return fault;
  if (auto fault = check_transfer_encoding(seen)) return fault;
  framing.content_length = seen.content_length;
  framing.chunked = seen.transfer_encoding.has_value();
  framing.keep_alive = http_1_0 ? seen.keep_alive : !seen.close;
  return {};
}

ChunkDecoder::Step ChunkDecoder::refuse(std::string_view message) {
  fault_ = {400, message};
  return {};
}

ChunkDecoder::Step ChunkDecoder::take_size(std::string_view line) {
  constexpr std::size_t kMaxDigits = 15;
  const std::string_view digits = line.substr(0, line.find(';'));
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (digits.empty() || digits.size() > kMaxDigits || ec != std::errc() ||
      end != digits.data() + digits.size() || !is_field_value(line))
    return refuse("a chunk's size is not hexadecimal (RFC 9112 7.1)");
  state_ = left_ == 0 ? State::trailer : State::data;
  return {line.size() + 2, {}};
}

ChunkDecoder::Step ChunkDecoder::take_trailer(std::string_view line) {
  trailer_bytes_ += line.size() + 2;
  if (trailer_bytes_ > kTrailerBytes) return refuse("the trailers are too large");
  if (line.empty()) {
    state_ = State::done;
    return {2, {}};
  }
  std::string_view name, value;
  if (auto fault = split_field(line, name, value)) return refuse(fault.message);
  return {line.size() + 2, {}};
}

ChunkDecoder::Step ChunkDecoder::next(std::string_view bytes) {
  if (bytes.empty() || done() || fault_) return {};
  if (state_ == State::data) {
    const std::string_view piece = bytes.substr(0, left_);
    left_ -= piece.size();
    if (left_ == 0) state_ = State::data_end;
    return {piece.size(), piece};
  }
  if (state_ == State::data_end) {
    if (!std::string_view("\r\n").starts_with(bytes.substr(0, 2)))
      return refuse("a chunk does not end with CRLF (RFC 9112 7.1)");
    if (bytes.size() < 2) return {};
    state_ = State::size;
    return {2, {}};
  }
  const std::size_t limit = state_ == State::size ? kChunkLineBytes : kTrailerBytes;
  const std::size_t feed = bytes.substr(0, limit).find('\n');
  if (feed == std::string_view::npos)
    return bytes.size() < limit ? Step{} : refuse("a line of a chunked body is too long");
  if (feed == 0 || bytes[feed - 1] != '\r')
    return refuse("a line ends with a bare LF (RFC 9112 2.2)");
  const std::string_view line = bytes.substr(0, feed - 1);
  return state_ == State::size ? take_size(line) : take_trailer(line);
}

void append_status_line(std::string& out, unsigned status) {
  out += "HTTP/1.1 ";
  out += fmt::format_int(status).c_str();
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name)) return;
  out += name;
  out += ": ";
  const std::size_t start = out.size();
  out += value;
  for (std::size_t i = start; i < out.size(); ++i)
    if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') out[i] = ' ';
  out += "\r\n";
}

void append_headers(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (same_name(name, "content-length") || same_name(name, "transfer-encoding") ||
        same_name(name, "connection"))
      continue;
    append_header(out, name, value);
  }
}

std::string request_head_text(const Request& request, std::string_view host,
                              std::uint64_t content_length) {
  std::string out;
  out.reserve(256);
  const bool clean = is_token(request.method) && is_visible(request.target);
  // A target with spaces or line ends would be another request: ask for what no server has.
  out += clean ? request.method : "GET";
  out += ' ';
  out += clean ? std::string_view(request.target) : "/%";
  out += " HTTP/1.1\r\n";
  if (!request.headers.has("host")) append_header(out, "Host", host);
  append_headers(out, request.headers);
  const bool bodiless = request.method == "GET" || request.method == "HEAD";
  if (content_length > 0 || !bodiless)
    append_header(out, "Content-Length", fmt::format_int(content_length).c_str());
  out += "\r\n";
  return out;
}

}  // namespace slipway::http
