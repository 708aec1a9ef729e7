// What replicas leave on disk: their folders while they live, the end of their logs for a while
// after, and whatever a daemon that was killed could not put away.
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "compute/local_driver.h"

namespace slipway::compute {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kEndedPerService = 5;
constexpr std::size_t kEndedLines = 5'000;
constexpr int kDeathMs = 5'000;  // how long a killed process may take to be gone
constexpr int kGroupTries = 100;
constexpr int kDyingPollStep = 10;  // milliseconds between them

// "<workspace>@<service>-<revision>-<6 hex>.log"
std::string ended_name(const std::string& workspace, const std::string& id) {
  return workspace + "@" + id + ".log";
}

std::string without_parts(std::string id, int parts) {
  for (; parts > 0 && id.rfind('-') != std::string::npos; --parts) id.resize(id.rfind('-'));
  return id;
}

struct EndedLog {
  fs::file_time_type time;
  fs::path path;
  std::string id;
  bool operator<(const EndedLog& other) const { return time < other.time; }
};

std::vector<EndedLog> ended_logs(const fs::path& folder, const std::string& workspace,
                                 const std::string& service) {
  std::vector<EndedLog> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().stem();
    if (!name.starts_with(workspace + "@")) continue;
    std::string id = name.substr(workspace.size() + 1);
    if (without_parts(id, 2) == service)
      out.push_back({entry.last_write_time(error), entry.path(), std::move(id)});
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Ends a process of an earlier daemon, if it is still the one that was recorded.
void end_recorded(const fs::path& record) {
  std::ifstream in(record);
  pid_t pid = 0;
  std::uint64_t started = 0;
  if (!(in >> pid >> started) || pid <= 1 || process_start_time(pid) != started) return;
  Fd watched(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  pollfd wait{watched.get(), POLLIN, 0};
  if (watched.valid()) ::poll(&wait, 1, kDeathMs);
}

}  // namespace

void LocalDriver::sweep() {
  std::error_code error;
  std::size_t swept = 0;
  for (const auto& entry : fs::directory_iterator(options_.directory, error)) {
    if (entry.path() == ended_folder()) continue;
    end_recorded(entry.path() / "process");
    fs::remove_all(entry.path(), error);
    ++swept;
  }
  for (const auto& id : limits_.list())
    for (int i = 0; i < kGroupTries && !limits_.remove(id); ++i) {
      limits_.kill(id);
      ::poll(nullptr, 0, kDyingPollStep);
    }
  fs::remove_all(fs::path("/tmp") / ("slipway-" + instance_), error);
  if (swept > 0) log::info("compute", "ended replicas of an earlier daemon", {{"count", swept}});
}

void LocalDriver::forget(std::uint64_t serial, Replica& replica) {
  const auto& spec = replica.spec;
  std::error_code error;
  const std::string tail = ReplicaLog::tail(replica.folder, kEndedLines);
  if (!tail.empty()) std::ofstream(ended_folder() / ended_name(spec.workspace, spec.id)) << tail;
  fs::remove_all(replica.folder, error);
  if (const auto socket = socket_path(spec.id); socket.parent_path() != replica.folder)
    fs::remove_all(socket.parent_path(), error);
  prune_ended(replica);
  const auto keep = replicas_.at(serial);  // `replica` lives in it
  serials_.erase(spec.id);
  replicas_.erase(serial);
  changed(*keep);
}

void LocalDriver::prune_ended(const Replica& replica) {
  auto logs = ended_logs(ended_folder(), replica.spec.workspace, replica.spec.service);
  std::error_code error;
  for (std::size_t i = 0; i + kEndedPerService < logs.size(); ++i) fs::remove(logs[i].path, error);
}

std::vector<std::string> LocalDriver::ended(const std::string& workspace,
                                            const std::string& service) {
  std::vector<std::string> out;
  for (auto& log : ended_logs(ended_folder(), workspace, service)) out.push_back(std::move(log.id));
  return out;
}

Result<std::string> LocalDriver::logs(const std::string& id, std::size_t lines) {
  std::unique_lock lock(mutex_);
  if (serials_.contains(id)) {
    lock.unlock();
    return ReplicaLog::tail(options_.directory / id, lines);
  }
  lock.unlock();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(ended_folder(), error))
    if (entry.path().filename().string().ends_with("@" + id + ".log"))
      return std::string(last_lines(read_file(entry.path()).value_or(""), lines));
  return fail(ErrorCode::not_found, fmt::format("no log is kept of replica '{}'", id));
}

resources::Capacity LocalDriver::true_capacity() {
  const double bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return {static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN)), bytes / (1LL << 30)};
}

}  // namespace slipway::compute
