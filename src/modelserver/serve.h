#pragma once
// serve(): the whole life of a model server process.
#include <cstdint>
#include <filesystem>
#include <string>

#include "modelserver/bundle.h"

namespace slipway::modelserver {

struct ServeOptions {
  Bundle bundle;
  std::filesystem::path folder;       // absolute
  std::filesystem::path unix_socket;  // instead of address and port, when set
  std::string address = "127.0.0.1";
  std::uint16_t port = 5001;  // 0: any free port
  int ready_fd = -1;          // one line of JSON goes there when ready, or failed
};

// What serve() and the program return.
inline constexpr int kStopped = 0;
inline constexpr int kUsage = 1;
inline constexpr int kCouldNotStart = 3;

// Serves until SIGTERM or SIGINT, then drains. Blocks; call it once, before any other thread is
// started, since it blocks those signals for the whole process.
int serve(const ServeOptions& options);

// Reports, in the log and on `ready_fd`, that there is nothing to serve; returns kCouldNotStart.
int refuse(int ready_fd, const Error& error);

}  // namespace slipway::modelserver
