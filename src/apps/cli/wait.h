#pragma once
// Waiting for operations of the server, with their log on standard error.
#include <string>

#include "apps/cli/context.h"

namespace slipway::cli {

struct Waiting {
  std::string what;    // "Deploying myservice"
  std::string follow;  // the command that shows how it goes on, told when Ctrl-C ends the wait
};

// Follows the operation that an answer points to (Operation-Location or Azure-AsyncOperation) to
// its end; at once when it points to none. A failed operation is an Error with its cause.
Result<void> wait_for(Context& context, const Reply& started, const Waiting& waiting);

// The texts of "yyyymmddHHMMSS|text#yyyymmddHHMMSS|text".
std::vector<std::string> log_lines(std::string_view streamed);
// The cause of an operation or a service that failed: code, message and details of its "error".
Error failure_of(const json::value& error, const std::string& state);

}  // namespace slipway::cli
