#pragma once
// JSON-Patch (RFC 6902), as far as the faces document it.
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace slipway::api {

// Applies a JSON-Patch (add, replace, remove of object members) to `document`. Every path must be
// one of `allowed`: exact ("/kvTags"), or ending in "/*" for any one member below ("/kvTags/*").
// invalid_argument names the first operation that cannot be done; the document is then undefined.
// Pure; any thread.
Result<void> apply_patch(json::object& document, const json::array& operations,
                         std::span<const std::string_view> allowed);

}  // namespace slipway::api
