#pragma once
// How an answer is printed: json, jsonc (coloured), table, tsv, yaml.
#include <string>
#include <string_view>

#include "base/json.h"

namespace slipway::cli {

enum class Colour { off, on };

// Ends with a line break; empty for null, so that a command without an answer prints nothing.
// `format` is one of the choices of --output. Tables show scalars only: an object is one row.
std::string render(const json::value& value, std::string_view format, Colour colour);

}  // namespace slipway::cli
