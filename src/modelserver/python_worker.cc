#include "modelserver/python_worker.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstring>

namespace slipway::modelserver {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;
constexpr int kWorkerSocket = 3;  // the descriptor's number inside the worker
constexpr int kCannotRun = 127;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Between fork and exec: async-signal-safe calls only. The worker keeps stdout, stderr and its
// socket, nothing else.
[[noreturn]] void become_worker(int socket, pid_t parent, const char* directory, char* const* argv,
                                char* const* envp) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotRun);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::chdir(directory) != 0) ::_exit(kCannotRun);
  if (socket == kWorkerSocket) {
    ::fcntl(socket, F_SETFD, 0);
  } else if (::dup2(socket, kWorkerSocket) < 0) {
    ::_exit(kCannotRun);
  }
  ::syscall(SYS_close_range, kWorkerSocket + 1, ~0U, 0);
  ::execve(argv[0], argv, envp);
  ::_exit(kCannotRun);
}

std::string ending(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED && info.si_status == kCannotRun)
    return "could not be executed (exit code 127)";
  if (info.si_code == CLD_EXITED) return fmt::format("ended with exit code {}", info.si_status);
  return fmt::format("was ended by signal {} ({})", info.si_status, ::strsignal(info.si_status));
}

Error gone() { return fail(ErrorCode::unavailable, "the Python worker has ended"); }

}  // namespace

Result<std::shared_ptr<PythonWorker>> PythonWorker::spawn(asio::io_context& context,
                                                          const WorkerCommand& command) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return errno_error("socketpair for a Python worker");
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  const auto argv = pointers(command.arguments);
  const auto envp = pointers(command.environment);
  const std::string directory = command.directory;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork of a Python worker");
  if (pid == 0) become_worker(theirs.get(), parent, directory.c_str(), argv.data(), envp.data());
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return errno_error("pidfd_open of a Python worker");
  }
  std::shared_ptr<PythonWorker> worker(
      new PythonWorker(context, pid, std::move(ours), std::move(process)));
  worker->watch();
  return worker;
}

PythonWorker::PythonWorker(asio::io_context& context, int pid, Fd socket, Fd process)
    : pid_(pid),
      socket_(context, asio::local::stream_protocol(), socket.release()),
      process_(context, process.release()),
      gone_(context, Steady::time_point::max()),
      timer_(context),
      buffer_(kBufferBytes, '\0') {
  socket_.native_non_blocking(true);
}

PythonWorker::~PythonWorker() {
  if (!ending_.empty()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

// One writev when the socket takes all of it, which it does for all but large bodies.
Task<Result<void>> PythonWorker::send(std::string_view head, std::string_view body) {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                             iovec{const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t count = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) co_return gone();
  const auto sent = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  if (sent == head.size() + body.size()) co_return Result<void>();
  const auto head_sent = std::min(sent, head.size());
  std::array<asio::const_buffer, 2> rest{asio::buffer(head.substr(head_sent)),
                                         asio::buffer(body.substr(sent - head_sent))};
  boost::system::error_code ec;
  co_await asio::async_write(socket_, rest, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return gone();
  co_return Result<void>();
}

// Receives until at least `bytes` are in the buffer. It waits first: an answer is never there yet.
Task<Result<void>> PythonWorker::fill(std::size_t bytes) {
  if (buffer_.size() < bytes) buffer_.resize(bytes);
  while (filled_ < bytes) {
    boost::system::error_code ec;
    co_await socket_.async_wait(asio::socket_base::wait_read,
                                asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return gone();
    const ssize_t count = ::recv(socket_.native_handle(), buffer_.data() + filled_,
                                 buffer_.size() - filled_, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) co_return gone();
    filled_ += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  co_return Result<void>();
}

Task<Result<Frame>> PythonWorker::receive() {
  filled_ = 0;
  if (buffer_.size() > kBufferBytes) {
    buffer_.resize(kBufferBytes);
    buffer_.shrink_to_fit();
  }
  CO_TRY_VOID(co_await fill(kFramePrefix));
  CO_TRY(const auto prefix, decode_prefix({buffer_.data(), filled_}));
  const std::size_t total = kFramePrefix + prefix->payload;
  if (filled_ < total) CO_TRY_VOID(co_await fill(total));
  co_return Frame{prefix->kind, {buffer_.data() + kFramePrefix, prefix->payload}};
}

void PythonWorker::set_deadline(std::chrono::milliseconds timeout) {
  deadline_ = Steady::now() + timeout;
  if (!armed_) arm();
}

// One timer for all requests of this worker: when it fires early it is set to the current deadline.
void PythonWorker::arm() {
  armed_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([this, weak = weak_from_this()](boost::system::error_code) {
    const auto self = weak.lock();
    if (!self) return;
    armed_ = false;
    if (deadline_ == Steady::time_point{}) return;
    if (Steady::now() < deadline_) return arm();
    timed_out_ = true;
    kill();
  });
}

void PythonWorker::kill() {
  if (ending_.empty()) ::kill(pid_, SIGKILL);
}

void PythonWorker::watch() {
  process_.async_wait(asio::posix::descriptor_base::wait_read,
                      [this, weak = weak_from_this()](boost::system::error_code) {
                        const auto self = weak.lock();
                        if (!self) return;
                        siginfo_t info{};
                        const bool told =
                            ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) == 0;
                        ending_ = told ? ending(info) : "has ended";
                        gone_.expires_at(Steady::time_point::min());
                      });
}

Task<std::string> PythonWorker::ended() {
  const auto self = shared_from_this();
  boost::system::error_code ec;
  while (ending_.empty()) co_await gone_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  co_return ending_;
}

void PythonWorker::close() {
  boost::system::error_code ec;
  socket_.close(ec);
}

}  // namespace slipway::modelserver
