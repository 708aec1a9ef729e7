#pragma once
// First start: the secrets of the server and the default workspace.
#include "api/context.h"

namespace slipway::api {

struct Booted {
  State state;
  Bootstrap bootstrap;
};

// Reads the server's secrets, making those that are missing, and the default workspace when there
// is no workspace at all.
Result<Booted> boot(const Options& options);

}  // namespace slipway::api
