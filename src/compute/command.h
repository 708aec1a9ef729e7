#pragma once
// One helper program run to its end, its output handed on as it comes.
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::compute {

struct Command {
  std::vector<std::string> arguments;  // the first is an absolute path
  std::string directory = "/";
  std::int64_t timeout_ms = 60'000;
  const std::atomic<bool>* cancelled = nullptr;
};
struct CommandResult {
  int status = 0;      // exit status; 128 + signal
  std::string output;  // standard output and error, the last 64 KiB
};
// Blocks. It gets the variables that a package installer needs and none besides; it is killed with
// everything it started after the timeout, on cancel and when the daemon dies.
Result<CommandResult> run(const Command& command,
                          const std::function<void(std::string_view)>& progress = {});

}  // namespace slipway::compute
