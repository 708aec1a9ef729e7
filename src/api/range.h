#pragma once
// Byte ranges and dates of HTTP.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace slipway::api {

// Which bytes of a body are asked for. Pure; any thread.
struct ByteRange {
  std::int64_t first = 0;
  std::int64_t length = 0;
  bool partial = false;
};

// "bytes=0-99", "bytes=100-", "bytes=-5" of a body of `total` bytes. An empty or other header is
// the whole body; one that begins behind the end is invalid_argument "InvalidRange".
Result<ByteRange> parse_range(std::string_view header, std::int64_t total);

// "Mon, 23 Nov 2020 21:14:00 GMT".
std::string http_date(TimeMs time);

}  // namespace slipway::api
