// The server's head and chunk parsers and the helpers of message.h, over any bytes.
#include "http/message.h"
#include "http/wire.h"

using namespace slipway::http;

namespace {

void parse_heads(std::string_view bytes) {
  HeadScanner scanner;
  const std::size_t half = scanner.scan(bytes.substr(0, bytes.size() / 2));
  const std::size_t size = half > 0 ? half : scanner.scan(bytes);
  if (size == 0) return;
  RequestHead request;
  RequestFraming request_framing;
  parse_request_head(bytes.substr(0, size), {}, request, request_framing);
  ResponseHead response;
  ResponseFraming response_framing;
  parse_response_head(bytes.substr(0, size), {}, response, response_framing);
}

void decode_chunks(std::string_view bytes) {
  ChunkDecoder chunks;
  while (!chunks.done() && !chunks.fault()) {
    const auto step = chunks.next(bytes);
    if (step.used == 0) return;
    bytes.remove_prefix(step.used);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  parse_heads(bytes);
  decode_chunks(bytes);
  [[maybe_unused]] const auto decoded = percent_decode(bytes, true);
  [[maybe_unused]] const auto query = parse_query(bytes);
  [[maybe_unused]] const auto path = split_path(bytes);
  [[maybe_unused]] const auto url = parse_url(bytes);
  std::string out;
  append_header(out, "X", bytes);
  if (out.find('\n') + 1 != out.size()) __builtin_trap();  // a value stays on its line
  return 0;
}
