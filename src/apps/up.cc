// `slipway up`: in the foreground until a signal, or in the background once it is ready.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "apps/daemon.h"
#include "apps/options.h"
#include "base/file.h"
#include "base/log.h"

namespace slipway::apps {
namespace {

// Blocked before any thread starts, so that only wait_for_end() takes them.
sigset_t block_end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string banner(const DaemonFile& file, const UpOptions& options, TimeMs took_ms) {
  const bool usual = options.data_dir == default_data_dir();
  const std::string where = usual ? "" : " --data-dir " + options.data_dir.string();
  return fmt::format(
      "Slipway {} is up after {} ms (process {})\n"
      "  management  {}\n"
      "  scoring     {}\n"
      "  data        {}\n"
      "Next:\n"
      "  eval \"$(slipway env{})\"      set up this shell for the SDK and the CLI\n"
      "  slipway ml workspace list    see what is there\n"
      "  slipway down{}               stop it\n",
      SLIPWAY_VERSION, took_ms, file.pid, file.management, file.scoring, options.data_dir.string(),
      where, where);
}

int wait_for_end(const sigset_t& set) {
  int signal = 0;
  while (::sigwait(&set, &signal) != 0 || signal == SIGHUP) {
  }
  log::info("apps", "stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  return 0;
}

// `announce` gets the banner, or the error's text when the daemon cannot start.
template <class Announce>
int serve(const UpOptions& options, Announce&& announce) {
  const TimeMs began = system_clock().steady_ms();
  const sigset_t set = block_end_signals();
  raise_descriptor_limit();
  log::configure(log::Level::info, options.json_log ? log::Format::json : log::Format::text);
  auto daemon = Daemon::start(options);
  if (!daemon) {
    announce(false, "slipway: " + daemon.error().message + "\n");
    return 1;
  }
  announce(true, banner((*daemon)->file(), options, system_clock().steady_ms() - began));
  return wait_for_end(set);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// The child leaves the terminal behind and logs to a file; its first byte on the pipe is '+' or
// '-'.
int serve_detached(const UpOptions& options, int pipe) {
  ::setsid();
  const auto log_path = options.data_dir / "daemon.log";
  const Fd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(null.get(), STDOUT_FILENO);
  ::dup2(log.valid() ? log.get() : null.get(), STDERR_FILENO);
  return serve(options, [&](bool ok, const std::string& text) {
    write_all(pipe, (ok ? "+" : "-") + text);
    ::close(pipe);
  });
}

int report_of_child(int pipe, pid_t child, const UpOptions& options) {
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(pipe, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  const bool ok = !text.empty() && text.front() == '+';
  if (!text.empty()) fmt::print(ok ? stdout : stderr, "{}", text.substr(1));
  if (ok) return 0;
  ::waitpid(child, nullptr, 0);
  if (text.empty())
    fmt::print(stderr, "slipway: it ended while starting; see {}\n",
               (options.data_dir / "daemon.log").string());
  return 1;
}

}  // namespace

int up(const UpOptions& options) {
  if (!options.background)
    return serve(options, [](bool ok, const std::string& text) {
      fmt::print(ok ? stdout : stderr, "{}", text);
      std::fflush(stdout);
    });
  if (auto made = make_directories(options.data_dir, 0700); !made) return complain(made.error());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return complain(errno_error("cannot make a pipe"));
  const pid_t child = ::fork();
  if (child < 0) return complain(errno_error("cannot start in the background"));
  if (child == 0) {
    ::close(ends[0]);
    return serve_detached(options, ends[1]);
  }
  ::close(ends[1]);
  const Fd reader(ends[0]);
  return report_of_child(reader.get(), child, options);
}

}  // namespace slipway::apps
