#pragma once
// Which names may be made on disk. Pure.
#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace slipway::artifacts {

struct PathLimits {
  std::size_t bytes = 1024;
  int depth = 64;
};

// A relative path of ordinary names in UTF-8: not empty, no leading '/', no "." or "..", no empty
// name, no name above 255 bytes (the kernel's NAME_MAX), no NUL.
Result<void> check_relative_path(std::string_view path, const PathLimits& limits = {});

// 64 lower-case hexadecimal digits.
bool is_digest(std::string_view text);

// 1 to 128 lower-case hexadecimal digits.
bool is_upload_name(std::string_view text);

}  // namespace slipway::artifacts
