#pragma once
// The files of runtime/, as the linker placed them in this binary (embed.cmake makes the table).
#include <span>
#include <string_view>

namespace slipway::modelserver {

struct EmbeddedFile {
  std::string_view path;  // relative, "slipway_runtime/worker.py"
  std::string_view content;
};
std::span<const EmbeddedFile> embedded_files();

}  // namespace slipway::modelserver
