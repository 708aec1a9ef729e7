#pragma once
// What `slipway up`, `down`, `status` and `env` share: where the data lies, and who runs on it.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "compute/compute.h"

namespace slipway::apps {

// A listener as the user writes it: "127.0.0.1:8443", "[::1]:0", ":0".
struct Listen {
  std::string address;
  std::uint16_t port = 0;
};
// invalid_argument with the text and the forms that are taken.
Result<Listen> parse_listen(const std::string& text, const std::string& default_address);

struct UpOptions {
  std::filesystem::path data_dir;
  std::string listen = "127.0.0.1:8443";  // management
  std::string scoring_listen = "127.0.0.1:9443";
  bool background = false;
  compute::EnvironmentPolicy environment_policy = compute::EnvironmentPolicy::exact;
  bool json_log = false;
};

// $SLIPWAY_DATA_DIR, else $XDG_DATA_HOME/slipway, else ~/.local/share/slipway.
std::filesystem::path default_data_dir();

// The running daemon of a data directory, as it wrote itself down in run/daemon.json (mode 0600).
struct DaemonFile {
  std::int64_t pid = 0;
  std::string version;
  std::string management;  // base URL, no slash at its end
  std::string scoring;
  std::string ca;         // our authority's certificate (PEM)
  std::string ca_bundle;  // the system's authorities and ours
  std::string token_file;
  std::string msi;  // full URL of the token endpoint; a secret
};
BOOST_DESCRIBE_STRUCT(DaemonFile, (),
                      (pid, version, management, scoring, ca, ca_bundle, token_file, msi))

std::filesystem::path daemon_file_path(const std::filesystem::path& data_dir);
// not_found when no daemon runs there (a file left by a crash counts as none).
Result<DaemonFile> find_daemon(const std::filesystem::path& data_dir);

// Each returns the program's exit code and prints for people.
int up(const UpOptions& options);
int down(const std::filesystem::path& data_dir, int timeout_seconds);
int status(const std::filesystem::path& data_dir, const std::string& output);
int print_environment(const std::filesystem::path& data_dir, const std::string& shell);

// "slipway: <message>" on standard error; the exit code for it (1).
int complain(const Error& error);

}  // namespace slipway::apps
