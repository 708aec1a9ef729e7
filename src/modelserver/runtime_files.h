#pragma once
// The Python runtime package that this binary carries, unpacked for workers to import.
#include <filesystem>

#include "base/result.h"

namespace slipway::modelserver {

// The folder for PYTHONPATH: <root>/runtime-<digest>, where root is $SLIPWAY_RUNTIME_DIR, else
// $XDG_CACHE_HOME/slipway, else ~/.cache/slipway. Written on first use, at once and as a whole, so
// that any number of processes may ask at the same time.
Result<std::filesystem::path> runtime_directory();

}  // namespace slipway::modelserver
