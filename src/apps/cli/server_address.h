#pragma once
// Where the server is and who we are to it.
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace slipway::cli {

struct ServerAddress {
  std::string url;  // "https://127.0.0.1:8443", no slash at its end
  std::string token;
  std::string ca_pem;  // empty: the URL is plain http
};

// An environment variable; nothing when unset or empty.
std::optional<std::string> environment(const char* name);

// $SLIPWAY_DATA_DIR, else $XDG_DATA_HOME/slipway, else ~/.local/share/slipway.
std::filesystem::path data_directory();

// SLIPWAY_URL with SLIPWAY_TOKEN or SLIPWAY_TOKEN_FILE, and SLIPWAY_CA; else the daemon that runs
// on the data directory. unavailable, naming `slipway up`, when there is neither.
Result<ServerAddress> find_server();

}  // namespace slipway::cli
