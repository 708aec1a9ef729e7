#pragma once
// PythonWorker: one Python process and the socket to it.
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "modelserver/protocol.h"

namespace slipway::modelserver {

struct WorkerCommand {
  std::vector<std::string> arguments;    // arguments[0] is the interpreter's full path
  std::vector<std::string> environment;  // "NAME=value", all of it
  std::filesystem::path directory;       // where it runs
};

struct Frame {
  FrameKind kind;
  std::string_view payload;  // until the next exchange
};

// Lives on one Core. The process dies with this object, and with the thread that spawned it.
// Invariant: at most one exchange (send, then receive) at a time.
class PythonWorker : public std::enable_shared_from_this<PythonWorker> {
 public:
  // Forks and executes; from the Core's thread. A command that cannot run ends at once, and the
  // first receive() says so.
  static Result<std::shared_ptr<PythonWorker>> spawn(asio::io_context& context,
                                                     const WorkerCommand& command);
  ~PythonWorker();
  PythonWorker(const PythonWorker&) = delete;

  Task<Result<void>> send(std::string_view head, std::string_view body);
  // `unavailable` when the process has ended or was killed at its deadline.
  Task<Result<Frame>> receive();
  // Kills the process when nothing has called this again or clear_deadline() within `timeout`.
  void set_deadline(std::chrono::milliseconds timeout);
  void clear_deadline() { deadline_ = {}; }
  bool timed_out() const { return timed_out_; }
  void kill();
  // Waits for the process to be gone; "ended with exit code 1", "was ended by signal 11 (…)".
  // Any number of coroutines may wait.
  Task<std::string> ended();
  // Closes our end, upon which an idle worker leaves.
  void close();
  int pid() const { return pid_; }

 private:
  using Steady = std::chrono::steady_clock;
  PythonWorker(asio::io_context& context, int pid, Fd socket, Fd process);
  Task<Result<void>> fill(std::size_t bytes);
  void arm();
  void watch();

  int pid_;
  std::string ending_;  // how the process ended; empty while it runs
  bool timed_out_ = false;
  asio::local::stream_protocol::socket socket_;
  asio::posix::stream_descriptor process_;  // a pidfd: readable when the process has ended
  asio::steady_timer gone_;                 // expires in the past once the process has ended
  asio::steady_timer timer_;
  Steady::time_point deadline_{};
  bool armed_ = false;
  std::string buffer_;      // grown as needed, shrunk after a large answer
  std::size_t filled_ = 0;  // bytes of buffer_ that were received
};

}  // namespace slipway::modelserver
