#pragma once
// What a replica may touch of the file system, by Landlock (kernel 5.13 on); empty where the kernel
// has none. Without it a replica could read the keys of the daemon, whose user it shares.
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace slipway::compute {

struct Sandbox {
  std::vector<std::filesystem::path> read;  // with everything below; what is absent is left out
  std::vector<std::filesystem::path> write;
};

// A ruleset descriptor for ChildOptions::landlock; an invalid one where the kernel cannot.
Result<Fd> make_ruleset(const Sandbox& sandbox);

}  // namespace slipway::compute
