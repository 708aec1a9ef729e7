#pragma once
// The Python interpreters of this machine, told by their paths, without running any.
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::compute {

struct Interpreter {
  std::vector<int> version;  // {3, 8, 18}, or {3, 11} where only the minor is known
  std::filesystem::path path;
  std::string text() const;  // "3.8.18"
};

// Those of version managers (whose shims do not answer for versions that are not active), of uv,
// and of the system; newest first.
std::vector<Interpreter> find_interpreters();

struct Chosen {
  Interpreter interpreter;
  std::string note;  // when it is not exactly what was asked for
};
// `asked` is "3.8", "3.8.13" or empty (then the newest up to 3.12, which most packages support). A
// patch version that differs is taken with a note; another minor only when `nearest`.
Result<Chosen> choose_interpreter(const std::vector<Interpreter>& found, const std::string& asked,
                                  bool nearest);

}  // namespace slipway::compute
