#pragma once
// The XML in which a client names the blocks that make a blob.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::api {

// The ids of "<BlockList><Latest>id</Latest>…</BlockList>" in order; ids are base64 and so need no
// entities. Strict: unknown elements, attributes and stray text are refused. Pure; any thread.
Result<std::vector<std::string>> parse_block_list(std::string_view xml);

inline constexpr std::size_t kMaxBlocks = 50'000;  // the documented limit of a block blob

}  // namespace slipway::api
