// `slipway down`, `status` and `env`: they speak to the daemon of a data directory from outside.
#include <fmt/core.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "apps/options.h"
#include "base/file.h"
#include "http/http.h"

namespace slipway::apps {
namespace {

constexpr int kNotRunning = 3;  // as `systemctl status` has it

// Waits until the process ends; false when `timeout_seconds` pass first.
bool wait_for_exit(pid_t pid, int timeout_seconds) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return true;
  pollfd ended{process.get(), POLLIN, 0};
  return ::poll(&ended, 1, timeout_seconds * 1000) == 1;
}

Result<std::unique_ptr<http::BlockingClient>> client_of(const DaemonFile& file) {
  TRY(const auto ca, read_file(file.ca));
  TRY(const auto url, http::parse_url(file.management));
  http::BlockingClient::Options options;
  options.address = {.unix_path = {}, .host = url.host, .port = url.port};
  TRY(options.tls, http::make_client_context(ca));
  return http::BlockingClient::create(std::move(options));
}

Result<json::value> fetch_status(const DaemonFile& file) {
  TRY(auto token, read_file(file.token_file));
  while (!token.empty() && token.back() == '\n') token.pop_back();
  TRY(auto client, client_of(file));
  http::Request request{.method = "GET", .target = "/slipway/v1/status", .headers = {}, .body = {}};
  request.headers.set("Authorization", "Bearer " + token);
  TRY(auto response, client->send(request));
  if (response.status != 200)
    return fail(ErrorCode::unavailable,
                fmt::format("{} answered {}: {}", file.management, response.status, response.body));
  return parse_json(response.body);
}

void print_status(const DaemonFile& file, const json::value& status) {
  fmt::print("Slipway {} runs (process {})\n  management  {}\n  scoring     {}\n", file.version,
             file.pid, file.management, file.scoring);
  for (const auto& member : status.as_object())
    if (!member.value().is_structured())
      fmt::print("  {:<10}  {}\n", std::string_view(member.key()),
                 member.value().is_string() ? std::string(member.value().as_string())
                                            : json::serialize(member.value()));
    else if (const auto* object = member.value().if_object())
      for (const auto& [key, value] : *object)
        fmt::print("  {}.{}  {}\n", std::string_view(member.key()), std::string_view(key),
                   json::serialize(value));
}

}  // namespace

int down(const std::filesystem::path& data_dir, int timeout_seconds) {
  auto file = find_daemon(data_dir);
  if (!file && file.error().code == ErrorCode::not_found) {
    fmt::print("no Slipway runs on {}\n", data_dir.string());
    return 0;
  }
  if (!file) return complain(file.error());
  const auto pid = static_cast<pid_t>(file->pid);
  if (::kill(pid, SIGTERM) != 0)
    return complain(errno_error(fmt::format("cannot signal process {}", pid)));
  if (!wait_for_exit(pid, timeout_seconds))
    return complain(
        fail(ErrorCode::deadline,
             fmt::format("process {} still runs after {} s; it may be draining requests. "
                         "Wait, or end it with: kill -9 {}",
                         pid, timeout_seconds, pid)));
  fmt::print("Slipway (process {}) has stopped\n", pid);
  return 0;
}

int status(const std::filesystem::path& data_dir, const std::string& output) {
  auto file = find_daemon(data_dir);
  if (!file) {
    complain(file.error());
    return file.error().code == ErrorCode::not_found ? kNotRunning : 1;
  }
  auto state = fetch_status(*file);
  if (!state) return complain(state.error());
  if (output == "json")
    fmt::print("{}\n", pretty_json(*state));
  else
    print_status(*file, *state);
  return 0;
}

int print_environment(const std::filesystem::path& data_dir, const std::string& shell) {
  auto file = find_daemon(data_dir);
  if (!file) return complain(file.error());
  const std::pair<const char*, std::string> variables[] = {
      {"SLIPWAY_DATA_DIR", data_dir.string()},
      {"SLIPWAY_URL", file->management},
      {"SLIPWAY_CA", file->ca},
      {"SLIPWAY_TOKEN_FILE", file->token_file},
      {"ARM_CLOUD_METADATA_URL", file->management + "/metadata/endpoints?api-version=2019-05-01"},
      {"AZUREML_CURRENT_CLOUD", "AzureCloud"},
      {"MSI_ENDPOINT", file->msi},
      {"AZURE_CONFIG_DIR", (data_dir / "azure").string()},
      {"REQUESTS_CA_BUNDLE", file->ca_bundle},
      {"SSL_CERT_FILE", file->ca_bundle},
  };
  for (const auto& [name, value] : variables) {
    std::string quoted = value;
    for (std::size_t at = 0; (at = quoted.find('\'', at)) != std::string::npos; at += 4)
      quoted.replace(at, 1, "'\\''");
    if (shell == "fish")
      fmt::print("set -gx {} '{}'\n", name, quoted);
    else
      fmt::print("export {}='{}'\n", name, quoted);
  }
  return 0;
}

}  // namespace slipway::apps
