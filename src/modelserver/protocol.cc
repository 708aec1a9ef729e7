#include "modelserver/protocol.h"

#include <fmt/core.h>

#include <bit>
#include <cstring>
#include <limits>

namespace slipway::modelserver {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little-endian as they stand");

constexpr std::size_t kRequestHead = 9;    // u8 method, u16 id, u16 target, u32 headers
constexpr std::size_t kResponseHead = 11;  // u16 status, u8 flags, u32 run_us, u32 headers
constexpr std::uint8_t kRunFailed = 1;
constexpr std::uint8_t kRunCalled = 2;

template <class Number>
void put(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class Number>
Number take(std::string_view& bytes) {
  Number value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::uint8_t method_number(std::string_view method) {
  if (method == "GET") return 0;
  return method == "OPTIONS" ? 2 : 1;
}

std::string header_block(const http::Headers* headers) {
  std::string block;
  if (headers == nullptr) return block;
  for (const auto& [name, value] : *headers) block += name + ": " + value + "\n";
  return block;
}

Error malformed(std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("the worker sent {}", what));
}

Result<void> read_headers(std::string_view block, http::Headers& headers) {
  while (!block.empty()) {
    const auto end = block.find('\n');
    const auto line = block.substr(0, end);
    const auto colon = line.find(": ");
    if (end == std::string_view::npos || colon == std::string_view::npos || colon == 0 ||
        line.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos)
      return malformed("a header line that is none");
    headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
    block.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

Result<std::string> encode_request(const WorkerRequest& request) {
  const std::string headers = header_block(request.headers);
  constexpr std::size_t kShort = std::numeric_limits<std::uint16_t>::max();
  const std::size_t payload = kRequestHead + request.request_id.size() + request.target.size() +
                              headers.size() + request.body.size();
  if (request.request_id.size() > kShort || request.target.size() > kShort ||
      payload >= std::numeric_limits<std::uint32_t>::max())
    return fail(ErrorCode::too_large, "the request is too large for a Python worker");
  std::string out;
  out.reserve(kFramePrefix + payload - request.body.size());
  put(out, static_cast<std::uint32_t>(payload + 1));
  put(out, FrameKind::request);
  put(out, method_number(request.method));
  put(out, static_cast<std::uint16_t>(request.request_id.size()));
  put(out, static_cast<std::uint16_t>(request.target.size()));
  put(out, static_cast<std::uint32_t>(headers.size()));
  out.append(request.request_id).append(request.target).append(headers);
  return out;
}

Result<std::optional<FramePrefix>> decode_prefix(std::string_view bytes) {
  if (bytes.size() < kFramePrefix) return std::optional<FramePrefix>();
  const auto length = take<std::uint32_t>(bytes);
  const auto kind = take<FrameKind>(bytes);
  if (length == 0 || length > kFrameBytes)
    return malformed(fmt::format("a frame of {} bytes; at most {}", length, kFrameBytes));
  if (kind < FrameKind::request || kind > FrameKind::response)
    return malformed(fmt::format("a frame of unknown kind {}", static_cast<int>(kind)));
  return std::optional(FramePrefix{kind, length - 1});
}

Result<WorkerResponse> decode_response(std::string_view payload) {
  if (payload.size() < kResponseHead) return malformed("a response that is too short");
  WorkerResponse out;
  out.status = take<std::uint16_t>(payload);
  const auto flags = take<std::uint8_t>(payload);
  const auto run_us = take<std::uint32_t>(payload);
  const auto headers = take<std::uint32_t>(payload);
  if (out.status < 200 || out.status > 599)
    return malformed(fmt::format("status {}; an answer has 200 to 599", out.status));
  if (headers > payload.size()) return malformed("a header block longer than its frame");
  out.run_failed = (flags & kRunFailed) != 0;
  if ((flags & kRunCalled) != 0) out.run_us = run_us;
  TRY_VOID(read_headers(payload.substr(0, headers), out.headers));
  out.body = payload.substr(headers);
  return out;
}

Result<WorkerReady> decode_ready(std::string_view payload) {
  TRY(const auto value, parse_json(payload));
  return from_json<WorkerReady>(value);
}

Result<StartFailure> decode_failure(std::string_view payload) {
  TRY(const auto value, parse_json(payload));
  return from_json<StartFailure>(value);
}

}  // namespace slipway::modelserver
