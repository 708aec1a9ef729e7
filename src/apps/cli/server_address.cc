#include "apps/cli/server_address.h"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "base/json.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kSmallFile = 1 << 20;  // bytes; tokens, certificates, daemon.json

Result<std::string> read_token(const std::filesystem::path& path) {
  TRY(auto token, read_file(path, kSmallFile));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  return token;
}

Result<std::string> read_ca(const std::string& url, const std::string& path) {
  if (!url.starts_with("https:")) return std::string();
  if (path.empty())
    return fail(ErrorCode::invalid_argument,
                "SLIPWAY_CA is not set; it names the file of the certificate authority to trust, "
                "as `slipway env` prints it",
                "NoAuthority");
  return read_file(path, kSmallFile);
}

Result<std::string> token_of_environment() {
  if (auto token = environment("SLIPWAY_TOKEN")) return *token;
  if (auto file = environment("SLIPWAY_TOKEN_FILE")) return read_token(*file);
  return fail(ErrorCode::unauthenticated,
              "SLIPWAY_URL is set, but neither SLIPWAY_TOKEN nor SLIPWAY_TOKEN_FILE; "
              "eval \"$(slipway env)\" sets them all",
              "NoToken");
}

Error no_server(const std::filesystem::path& data_dir) {
  return fail(ErrorCode::unavailable,
              fmt::format("no Slipway server runs on {}; start one with `slipway up --background`, "
                          "or set SLIPWAY_URL to one elsewhere",
                          data_dir.string()),
              "NoServer");
}

Result<ServerAddress> local_daemon(const std::filesystem::path& data_dir) {
  const auto text = read_file(data_dir / "run" / "daemon.json", kSmallFile);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) return no_server(data_dir);
    return text.error();
  }
  TRY(const auto file, parse_json(*text));
  const auto* pid = find(file, "pid");
  const bool alive = pid != nullptr && pid->is_int64() &&
                     (::kill(static_cast<pid_t>(pid->get_int64()), 0) == 0 || errno == EPERM);
  if (!alive) return no_server(data_dir);
  ServerAddress server;
  server.url = string_or(file, "management", "");
  TRY(server.token, read_token(string_or(file, "token_file", "")));
  TRY(server.ca_pem, read_ca(server.url, string_or(file, "ca", "")));
  return server;
}

}  // namespace

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::filesystem::path data_directory() {
  if (auto given = environment("SLIPWAY_DATA_DIR")) return *given;
  if (auto data = environment("XDG_DATA_HOME")) return std::filesystem::path(*data) / "slipway";
  return std::filesystem::path(environment("HOME").value_or("/")) / ".local/share/slipway";
}

Result<ServerAddress> find_server() {
  const auto url = environment("SLIPWAY_URL");
  if (!url) return local_daemon(data_directory());
  ServerAddress server;
  server.url = url->substr(0, url->find_last_not_of('/') + 1);
  TRY(server.token, token_of_environment());
  TRY(server.ca_pem, read_ca(server.url, environment("SLIPWAY_CA").value_or("")));
  return server;
}

}  // namespace slipway::cli
