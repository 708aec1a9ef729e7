#include "compute/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace slipway::compute {
namespace {

constexpr int kErrorDescriptor = 4;  // how the child tells that it could not start
constexpr int kAbove = 64;           // free numbers to move descriptors through
constexpr rlim_t kOpenFiles = 8192;

// What the child tells the parent when a step fails: the errno and which step.
struct StartError {
  int number;
  char step[28];
};

// From here to spawn(): runs between fork and exec, so only async-signal-safe calls.
[[noreturn]] void give_up(int error_fd, const char* step) {
  StartError error{errno, {}};
  std::strncpy(error.step, step, sizeof error.step - 1);
  [[maybe_unused]] const ssize_t n = ::write(error_fd, &error, sizeof error);
  ::_exit(127);
}

void limit(int resource, rlim_t value) {
  rlimit current{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &current);
  if (current.rlim_max != RLIM_INFINITY && value > current.rlim_max) value = current.rlim_max;
  const rlimit wanted{value, value};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

void default_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGQUIT})
    ::signal(number, SIG_DFL);
}

// Root without capabilities is an ordinary owner of root's files; the bits keep exec from giving
// them back.
void drop_capabilities() {
  ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  ::syscall(SYS_capset, &header, none);
}

struct Prepared {
  char* const* argv;
  char* const* envp;
  const ChildOptions* options;
  const char* directory;
  int null_fd;
  int error_fd;
  pid_t parent;
};

void tie_to_parent(const Prepared& p) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != p.parent) ::_exit(127);  // it died before we asked to be told
  ::umask(077);
}

void take_descriptors(const Prepared& p, int* landlock) {
  const int error_fd = ::fcntl(p.error_fd, F_DUPFD_CLOEXEC, kAbove);
  const int output = ::fcntl(p.options->output, F_DUPFD, kAbove);
  const int input = ::fcntl(p.null_fd, F_DUPFD, kAbove);
  const int extra = p.options->extra < 0 ? -1 : ::fcntl(p.options->extra, F_DUPFD, kAbove);
  *landlock = p.options->landlock < 0 ? -1 : ::fcntl(p.options->landlock, F_DUPFD_CLOEXEC, kAbove);
  ::dup3(error_fd, kErrorDescriptor, O_CLOEXEC);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0)
    give_up(kErrorDescriptor, "take its descriptors");
  if (extra >= 0)
    ::dup2(extra, kExtraDescriptor);
  else
    ::close(kExtraDescriptor);
  ::syscall(SYS_close_range, kErrorDescriptor + 1, kAbove - 1, 0);
  ::syscall(SYS_close_range, kAbove, ~0U, 4U /* CLOSE_RANGE_CLOEXEC: the ruleset is used below */);
}

void confine(const ChildOptions& options, int landlock) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kOpenFiles);
  if (options.data_bytes > 0) limit(RLIMIT_DATA, options.data_bytes);
  if (!options.unprivileged) return;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    give_up(kErrorDescriptor, "give up privileges");
  if (landlock >= 0 && ::syscall(SYS_landlock_restrict_self, landlock, 0) != 0)
    give_up(kErrorDescriptor, "confine its file access");
  drop_capabilities();
}

[[noreturn]] void run_child(const Prepared& p) {
  tie_to_parent(p);
  for (const int procs : p.options->join)
    if (::write(procs, "0\n", 2) != 2) give_up(p.error_fd, "enter its control group");
  if (::chdir(p.directory) != 0) give_up(p.error_fd, "enter its folder");
  int landlock = -1;
  take_descriptors(p, &landlock);
  default_signals();
  confine(*p.options, landlock);
  ::execve(p.argv[0], p.argv, p.envp);
  give_up(kErrorDescriptor, "run the program");
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// Nothing comes when the exec succeeds: it closes the pipe.
Result<void> wait_for_exec(int error_fd, const std::string& program) {
  StartError error{};
  ssize_t n = 0;
  do {
    n = ::read(error_fd, &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof error)) return {};
  return fail(ErrorCode::internal, fmt::format("cannot start {}: could not {}: {}", program,
                                               error.step, std::strerror(error.number)));
}

}  // namespace

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error("cannot make a pipe");
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

Result<Child> spawn(const ChildOptions& options) {
  const auto argv = pointers(options.arguments);
  const auto envp = pointers(options.environment);
  const std::string directory = options.directory.string();
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) return errno_error("cannot make a pipe");
  Fd error_read(error_pipe[0]);
  Fd error_write(error_pipe[1]);
  const Prepared prepared{argv.data(), envp.data(),       &options,  directory.c_str(),
                          null.get(),  error_write.get(), ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("cannot fork");
  if (pid == 0) run_child(prepared);
  error_write.reset();
  Child child{pid, Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
  if (auto started = wait_for_exec(error_read.get(), options.arguments.front()); !started) {
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
    return std::move(started.error());
  }
  return child;
}

std::uint64_t process_start_time(pid_t pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return 0;
  // The name, the second field, may hold blanks and parentheses; start time is the 22nd.
  std::size_t at = stat->rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  return at == std::string::npos ? 0 : std::strtoull(stat->c_str() + at, nullptr, 10);
}

}  // namespace slipway::compute
