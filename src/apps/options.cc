#include "apps/options.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <charconv>
#include <csignal>
#include <cstdlib>

#include "base/file.h"

namespace slipway::apps {

Result<Listen> parse_listen(const std::string& text, const std::string& default_address) {
  const auto refuse = [&] {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is no address to listen on; write ADDRESS:PORT, such as "
                            "127.0.0.1:8443, [::1]:8443, or :0 for any free port",
                            text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse();
  Listen listen{text.substr(0, colon), 0};
  if (listen.address.size() > 1 && listen.address.front() == '[' && listen.address.back() == ']')
    listen.address = listen.address.substr(1, listen.address.size() - 2);
  else if (listen.address.find(':') != std::string::npos)
    return refuse();
  if (listen.address.empty()) listen.address = default_address;
  const char* end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data() + colon + 1, end, listen.port);
  if (ec != std::errc() || at != end) return refuse();
  return listen;
}

std::filesystem::path default_data_dir() {
  if (const char* own = std::getenv("SLIPWAY_DATA_DIR"); own != nullptr && *own != '\0') return own;
  if (const char* xdg = std::getenv("XDG_DATA_HOME"); xdg != nullptr && *xdg != '\0')
    return std::filesystem::path(xdg) / "slipway";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/") / ".local/share/slipway";
}

std::filesystem::path daemon_file_path(const std::filesystem::path& data_dir) {
  return data_dir / "run" / "daemon.json";
}

Result<DaemonFile> find_daemon(const std::filesystem::path& data_dir) {
  const auto none = [&] {
    return fail(ErrorCode::not_found,
                fmt::format("no Slipway runs on {}; start one with: slipway up --data-dir {}",
                            data_dir.string(), data_dir.string()));
  };
  auto text = read_file(daemon_file_path(data_dir), 64 << 10);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) return none();
    return text.error();
  }
  TRY(auto value, parse_json(*text));
  TRY(auto file, from_json<DaemonFile>(value));
  if (file.pid <= 0 || ::kill(static_cast<pid_t>(file.pid), 0) != 0) return none();
  return file;
}

int complain(const Error& error) {
  fmt::print(stderr, "slipway: {}\n", error.message);
  return 1;
}

}  // namespace slipway::apps
