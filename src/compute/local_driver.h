#pragma once
// LocalDriver: replicas as child processes of this one.
//
// Owner: the daemon. One internal thread forks, watches and ends them (it must be the one that
// forks: the kernel kills a child when the thread that made it ends). The public calls may come
// from any thread; they change the table under the mutex and wake the thread, which holds it while
// it handles an event.
#include <sys/types.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "compute/compute.h"
#include "compute/replica.h"

namespace slipway::compute {

class LocalDriver final : public Driver {
 public:
  explicit LocalDriver(LocalDriverOptions options);
  ~LocalDriver() override;  // ends every replica

  Result<void> open();  // sweeps what is left over, starts the thread
  Result<void> start(const ReplicaSpec& spec) override;
  Result<void> stop(const std::string& id, std::chrono::milliseconds grace) override;
  std::vector<ReplicaStatus> observe() override;
  std::vector<ReplicaStatus> observe(const std::string& workspace,
                                     const std::string& service) override;
  Result<std::string> logs(const std::string& id, std::size_t lines) override;
  std::vector<std::string> ended(const std::string& workspace, const std::string& service) override;
  void on_change(std::function<void(const std::string&, const std::string&)> changed) override;
  resources::Capacity true_capacity() override;

 private:
  using ReplicaPtr = std::shared_ptr<Replica>;
  enum class Source : std::uint64_t { wake, exit, ready, output };

  void sweep();
  void run();
  void handle_commands();
  int overdue();  // kills what outstayed its grace; returns epoll's timeout
  void handle(std::uint64_t serial, Source source);
  ReplicaPtr by_serial(std::uint64_t serial);
  void watch(int fd, std::uint64_t serial, Source source);
  void launch(std::uint64_t serial, Replica& replica);
  Result<void> launch_process(std::uint64_t serial, Replica& replica);
  Result<Fd> confine(const Replica& replica) const;
  void read_ready(Replica& replica);
  void take_readiness(Replica& replica);
  void read_output(Replica& replica);
  void reap(std::uint64_t serial, Replica& replica);
  void forget(std::uint64_t serial, Replica& replica);
  void prune_ended(const Replica& replica);
  void signal_group(const Replica& replica, int number) const;
  void changed(const Replica& replica);
  void wake();
  bool may_launch() const;
  void shut_down();
  std::filesystem::path socket_path(const std::string& id) const;
  std::filesystem::path ended_folder() const { return options_.directory / ".ended"; }

  const LocalDriverOptions options_;
  const Clock& clock_;
  const std::string instance_;  // tells data directories of one machine apart
  Limits limits_;
  Fd epoll_;
  Fd wake_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::uint64_t next_serial_ = 1;
  std::map<std::uint64_t, ReplicaPtr> replicas_;  // by serial: a number never used again
  std::map<std::string, std::uint64_t> serials_;  // by id
  std::deque<std::uint64_t> waiting_;             // to be launched, in order
  std::deque<std::uint64_t> stopped_;             // ended, to be forgotten
  std::vector<std::string> dying_groups_;         // control groups whose last members still die
  std::function<void(const std::string&, const std::string&)> on_change_;
  std::thread thread_;
};

}  // namespace slipway::compute
