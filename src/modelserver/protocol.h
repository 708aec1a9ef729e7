#pragma once
// Frames between the model server and its Python workers, as PROTOCOL.md lays them out.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "http/message.h"

namespace slipway::modelserver {

enum class FrameKind : std::uint8_t { request = 1, ready = 2, failed = 3, response = 4 };

// A worker's answer may not be larger than this; it is what one frame's length can say and more.
inline constexpr std::size_t kFrameBytes = std::size_t{1} << 30;
inline constexpr std::size_t kFramePrefix = 5;  // u32 length, u8 kind

struct WorkerRequest {
  std::string_view method;  // GET, POST or OPTIONS
  std::string_view request_id;
  std::string_view target;
  const http::Headers* headers = nullptr;  // null: the worker does not want them
  std::string_view body;
};
// All of the frame but the body, whose length it holds; the body follows on the wire as it is.
// too_large when the parts do not fit a frame.
Result<std::string> encode_request(const WorkerRequest& request);

struct FramePrefix {
  FrameKind kind;
  std::size_t payload;  // bytes that follow the prefix
};
// Nothing while fewer than kFramePrefix bytes are there; invalid_argument for an unknown kind or a
// length that is 0 or above kFrameBytes.
Result<std::optional<FramePrefix>> decode_prefix(std::string_view bytes);

struct WorkerResponse {
  unsigned status = 200;
  bool run_failed = false;
  std::optional<std::uint32_t> run_us;  // how long run() took, when it was called and returned
  http::Headers headers;
  std::string_view body;  // a view into the payload
};
Result<WorkerResponse> decode_response(std::string_view payload);

// What a worker says of its script once init() has returned.
struct WorkerReady {
  bool wants_headers = false;
  bool raw = false;        // run() takes the request itself and may answer OPTIONS
  bool json_only = false;  // run() is schema-decorated: other content types are refused
  std::string python;
  json::object schemas;  // {"input", "output", "versions"}
};
BOOST_DESCRIBE_STRUCT(WorkerReady, (), (wants_headers, raw, json_only, python, schemas))
Result<WorkerReady> decode_ready(std::string_view payload);

// Why a model or script could not start.
struct StartFailure {
  std::string reason;
  std::string message;
  std::string log_tail;
};
BOOST_DESCRIBE_STRUCT(StartFailure, (), (reason, message, log_tail))
Result<StartFailure> decode_failure(std::string_view payload);

}  // namespace slipway::modelserver
