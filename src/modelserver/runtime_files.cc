#include "modelserver/runtime_files.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>

#include "base/crypto.h"
#include "base/file.h"
#include "modelserver/embedded.h"

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

fs::path cache_root() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const auto set = variable("SLIPWAY_RUNTIME_DIR"); !set.empty()) return fs::absolute(set);
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return fs::path(cache) / "slipway";
  if (const auto home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache/slipway";
  return fs::temp_directory_path() / fmt::format("slipway-{}", ::getuid());
}

std::string digest() {
  Sha256 sum;
  for (const auto& file : embedded_files()) {
    sum.update(std::string(file.path) + '\0');
    sum.update(file.content);
  }
  constexpr std::size_t kShown = 16;
  return sum.finish_hex().substr(0, kShown);
}

Result<void> write_all(const fs::path& folder) {
  for (const auto& file : embedded_files()) {
    const fs::path path = folder / file.path;
    TRY_VOID(make_directories(path.parent_path(), 0755));
    TRY_VOID(write_file_atomic(path, file.content, 0644));
  }
  return {};
}

}  // namespace

Result<fs::path> runtime_directory() {
  const fs::path root = cache_root();
  const fs::path folder = root / ("runtime-" + digest());
  std::error_code ec;
  if (fs::is_directory(folder, ec)) return folder;
  TRY_VOID(make_directories(root, 0755));
  const fs::path fresh = root / fmt::format(".runtime-{}-{}", ::getpid(), random_hex(4));
  auto written = write_all(fresh);
  if (written) fs::rename(fresh, folder, ec);
  std::error_code ignored;
  fs::remove_all(fresh, ignored);  // left only when writing failed or another process was first
  if (!written) return written.error();
  if (ec && !fs::is_directory(folder, ignored))
    return fail(ErrorCode::internal, fmt::format("cannot write the Python runtime to {}: {}",
                                                 folder.string(), ec.message()));
  return folder;
}

}  // namespace slipway::modelserver
