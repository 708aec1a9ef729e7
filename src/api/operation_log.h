#pragma once
// The log of an operation in the form that the client streams.
#include <string>
#include <string_view>

namespace slipway::api {

// A stored log ("yyyymmddHHMMSS|line\n"…) as the client reads it: entries parted by '#', what
// stands inside a line never taken for a mark, and nothing of the first `offset` characters (not
// bytes: the client counts what it was given). Pure; any thread.
std::string streaming_log(std::string_view log, std::size_t offset);

}  // namespace slipway::api
