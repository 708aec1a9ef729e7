#include "compute/command.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/clock.h"
#include "compute/process.h"

namespace slipway::compute {
namespace {

constexpr std::size_t kOutputBytes = 64U << 10;
constexpr int kLookMs = 200;  // for cancel and the timeout
constexpr std::array kPassedOn{"PATH",
                               "HOME",
                               "LANG",
                               "XDG_CACHE_HOME",
                               "XDG_CONFIG_HOME",
                               "UV_CACHE_DIR",
                               "UV_CONFIG_FILE",
                               "UV_DEFAULT_INDEX",
                               "UV_INDEX_URL",
                               "UV_EXTRA_INDEX_URL",
                               "UV_FIND_LINKS",
                               "UV_NATIVE_TLS",
                               "UV_SYSTEM_CERTS",
                               "UV_INDEX",
                               "UV_OFFLINE",
                               "SSL_CERT_FILE",
                               "SSL_CERT_DIR",
                               "HTTP_PROXY",
                               "HTTPS_PROXY",
                               "NO_PROXY",
                               "http_proxy",
                               "https_proxy",
                               "no_proxy",
                               "UV_HTTP_TIMEOUT"};

std::vector<std::string> environment() {
  std::vector<std::string> out = {"NO_COLOR=1", "UV_NO_PROGRESS=1", "UV_LINK_MODE=hardlink"};
  for (const char* name : kPassedOn)
    if (const char* value = std::getenv(name)) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

// False at the end of the stream.
bool read_some(int fd, CommandResult& result,
               const std::function<void(std::string_view)>& progress) {
  char buffer[8192];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
  const std::string_view text(buffer, static_cast<std::size_t>(n));
  result.output += text;
  if (result.output.size() > 2 * kOutputBytes)
    result.output.erase(0, result.output.size() - kOutputBytes);
  if (progress) progress(text);
  return true;
}

Result<void> follow(const Command& command, int fd, CommandResult& result,
                    const std::function<void(std::string_view)>& progress) {
  const auto deadline = system_clock().steady_ms() + command.timeout_ms;
  for (;;) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, kLookMs) > 0 && !read_some(fd, result, progress)) return {};
    if (command.cancelled != nullptr && *command.cancelled)
      return fail(ErrorCode::cancelled, "the build was ended with the daemon");
    if (system_clock().steady_ms() > deadline)
      return fail(ErrorCode::deadline,
                  fmt::format("{} took longer than {} s", command.arguments.front(),
                              command.timeout_ms / 1000));
  }
}

}  // namespace

Result<CommandResult> run(const Command& command,
                          const std::function<void(std::string_view)>& progress) {
  TRY(Pipe pipe, make_pipe());
  ChildOptions options;
  options.arguments = command.arguments;
  options.environment = environment();
  options.directory = command.directory;
  options.output = pipe.write.get();
  TRY(const Child child, spawn(options));
  pipe.write.reset();
  CommandResult result;
  auto followed = follow(command, pipe.read.get(), result, progress);
  if (!followed) ::kill(-child.pid, SIGKILL);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED);
  if (!followed) return std::move(followed.error());
  result.status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return result;
}

}  // namespace slipway::compute
