#pragma once
// The text of HTTP/1.1 on the wire: heads and chunked bodies parsed from memory, heads written.
// Pure: no I/O, so that servers, clients and fuzzers run the same code. Strict where a lenient
// reading could make two parties see different messages (RFC 9112 section 11).
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace slipway::http {

// Why bytes are refused: the status a server answers with, and the rule. status 0: no fault.
struct Fault {
  unsigned status = 0;
  std::string_view message;
  explicit operator bool() const { return status != 0; }
};

struct HeadLimits {
  std::size_t head_bytes = 32 << 10;
  std::size_t headers = 100;
  std::size_t target_bytes = 8 << 10;
};

// Finds the blank line that ends a head in bytes that grow at their end; sees each byte once.
class HeadScanner {
 public:
  // Bytes of the head with its blank line, or 0 when more are needed.
  std::size_t scan(std::string_view bytes);
  // A bare LF, or a head above its limits so far.
  Fault check(std::string_view bytes, const HeadLimits& limits) const;
  bool bare_line_feed() const { return bare_line_feed_; }

 private:
  std::size_t line_ = 0;     // where the current line starts
  std::size_t scanned_ = 0;  // bytes looked at
  bool bare_line_feed_ = false;
};

// How the message's body and connection go on.
struct RequestFraming {
  bool keep_alive = true;
  bool expects_continue = false;
  bool http_1_0 = false;
};
// `head` is what HeadScanner found.
Fault parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out,
                         RequestFraming& framing);

struct ResponseFraming {
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
};
// `status` of a fault is only non-zero; the message says what the peer did.
Fault parse_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out,
                          ResponseFraming& framing);

// Takes a chunked body apart; trailers are checked and dropped.
class ChunkDecoder {
 public:
  struct Step {
    std::size_t used = 0;    // bytes to take off the front of the input
    std::string_view piece;  // body bytes among them; may be empty
  };
  // One step over `bytes`; used == 0 when more bytes are needed, or done(), or fault().
  Step next(std::string_view bytes);
  bool done() const { return state_ == State::done; }
  const Fault& fault() const { return fault_; }

 private:
  enum class State { size, data, data_end, trailer, done };
  Step refuse(std::string_view message);
  Step take_size(std::string_view line);
  Step take_trailer(std::string_view line);
  State state_ = State::size;
  std::uint64_t left_ = 0;  // of the current chunk
  std::size_t trailer_bytes_ = 0;
  Fault fault_;
};

bool same_name(std::string_view a, std::string_view b);  // header names: case does not count

// "HTTP/1.1 200 OK\r\n".
void append_status_line(std::string& out, unsigned status);
// One header line. A name that is no token drops the line; CR, LF and NUL in a value become
// spaces: whatever a value holds, it stays one line and cannot start another header or a body.
void append_header(std::string& out, std::string_view name, std::string_view value);
// Every line but those that frame the message (Content-Length, Transfer-Encoding, Connection).
void append_headers(std::string& out, const Headers& headers);
// A client's whole head; `host` is used unless the request names one.
std::string request_head_text(const Request& request, std::string_view host,
                              std::uint64_t content_length);

}  // namespace slipway::http
