#pragma once
// Files that people write in JSON or YAML.
#include <filesystem>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace slipway::cli {

// YAML's plain scalars become null, booleans and numbers as in its core schema; aliases are
// expanded within kMaxNodes. invalid_argument with line and column of the fault.
inline constexpr std::size_t kMaxNodes = 100'000;
Result<json::value> parse_yaml(std::string_view text);
// JSON when it begins like JSON, else YAML.
Result<json::value> parse_json_or_yaml(std::string_view text);
// Errors name the file.
Result<json::value> load_config(const std::filesystem::path& path);

}  // namespace slipway::cli
