#include "compute/limits.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace slipway::compute {
namespace fs = std::filesystem;
namespace {

constexpr int kPeriodMicroseconds = 100'000;
constexpr int kTasks = 1024;  // processes and threads of one replica

bool put(const fs::path& file, std::string_view text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() &&
         ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::int64_t number(const fs::path& file) {
  const auto text = read_file(file, 4096);
  return text ? std::strtoll(text->c_str(), nullptr, 10) : 0;
}

// The value after `name` in a file of "name value" lines.
std::int64_t counter(const fs::path& file, std::string_view name) {
  std::istringstream lines(read_file(file, 65536).value_or(""));
  std::string key;
  for (std::int64_t value = 0; lines >> key >> value;)
    if (key == name) return value;
  return 0;
}

bool make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  return !error && ::access((folder / "cgroup.procs").c_str(), W_OK) == 0;
}

const fs::path kMount = "/sys/fs/cgroup";

bool hand_down(const fs::path& folder) {
  return put(folder / "cgroup.subtree_control", "+cpu +memory +pids");
}

// Version 2 allows controllers only below groups without members, so it works where we may write at
// the mount's root (root) or beside our own group (a delegated user slice).
fs::path version2(const std::string& instance) {
  std::error_code error;
  if (!fs::exists(kMount / "cgroup.controllers", error)) return {};
  std::string own = read_file("/proc/self/cgroup", 65536).value_or("");
  own = own.substr(own.rfind("::/") == std::string::npos ? own.size() : own.rfind("::/") + 3);
  own.erase(std::find(own.begin(), own.end(), '\n'), own.end());
  for (const auto& base : {kMount, (kMount / own).parent_path()}) {
    const fs::path root = base / "slipway" / instance;
    if (hand_down(base) && make_folder(root) && hand_down(base / "slipway") && hand_down(root) &&
        fs::exists(root / "memory.max", error))
      return root;
  }
  return {};
}

std::uint64_t shares(double cpu) {
  return static_cast<std::uint64_t>(std::clamp(cpu * 1024, 2.0, 262144.0));
}

void set_version1(const std::string& controller, const fs::path& group,
                  const resources::ContainerResources& r) {
  if (controller == "pids") put(group / "pids.max", std::to_string(kTasks));
  if (controller == "memory") {
    const std::string bytes = std::to_string(memory_limit_bytes(r));
    put(group / "memory.limit_in_bytes", bytes);
    put(group / "memory.memsw.limit_in_bytes", bytes);
  }
  if (controller != "cpu") return;
  put(group / "cpu.shares", std::to_string(shares(r.cpu)));
  put(group / "cpu.cfs_period_us", std::to_string(kPeriodMicroseconds));
  if (r.cpu_limit)
    put(group / "cpu.cfs_quota_us",
        std::to_string(std::llround(*r.cpu_limit * kPeriodMicroseconds)));
}

void set_version2(const fs::path& group, const resources::ContainerResources& r) {
  put(group / "pids.max", std::to_string(kTasks));
  put(group / "memory.max", std::to_string(memory_limit_bytes(r)));
  put(group / "memory.swap.max", "0");
  // Kubernetes' mapping of shares [2, 262144] to weight [1, 10000].
  put(group / "cpu.weight", std::to_string(1 + (shares(r.cpu) - 2) * 9999 / 262142));
  if (r.cpu_limit)
    put(group / "cpu.max", fmt::format("{} {}", std::llround(*r.cpu_limit * kPeriodMicroseconds),
                                       kPeriodMicroseconds));
}

}  // namespace

std::int64_t memory_limit_bytes(const resources::ContainerResources& resources) {
  const double gib = resources.memory_gb_limit.value_or(resources.memory_gb);
  return static_cast<std::int64_t>(gib * (1LL << 30));
}

Limits Limits::detect(const std::string& instance) {
  Limits out;
  if (const auto root = version2(instance); !root.empty()) {
    out.kind_ = "cgroup-v2";
    out.roots_.emplace_back("", root);
    return out;
  }
  for (const char* controller : {"memory", "cpu", "pids"}) {
    const fs::path root = kMount / controller / "slipway" / instance;
    if (make_folder(root)) out.roots_.emplace_back(controller, root);
  }
  // Memory is the limit that a neighbour would feel; without it rlimits are the better half.
  if (out.roots_.empty() || out.roots_.front().first != "memory") out.roots_.clear();
  if (!out.roots_.empty()) out.kind_ = "cgroup-v1";
  return out;
}

Result<std::vector<Fd>> Limits::make(const std::string& id,
                                     const resources::ContainerResources& resources) {
  std::vector<Fd> procs;
  for (const auto& [controller, root] : roots_) {
    const fs::path folder = root / id;
    if (!make_folder(folder))
      return errno_error("cannot make the control group " + folder.string());
    controller.empty() ? set_version2(folder, resources)
                       : set_version1(controller, folder, resources);
    procs.emplace_back(::open((folder / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!procs.back().valid())
      return errno_error("cannot open " + (folder / "cgroup.procs").string());
  }
  return procs;
}

void Limits::kill(const std::string& id) const {
  if (roots_.empty()) return;
  const fs::path folder = roots_.front().second / id;
  if (put(folder / "cgroup.kill", "1")) return;
  std::istringstream members(read_file(folder / "cgroup.procs").value_or(""));
  for (pid_t pid = 0; members >> pid;) ::kill(pid, SIGKILL);
}

bool Limits::remove(const std::string& id) const {
  bool gone = true;
  for (const auto& [controller, root] : roots_)
    gone &= ::rmdir((root / id).c_str()) == 0 || errno == ENOENT;
  return gone;
}

MemoryUse Limits::memory(const std::string& id) const {
  if (roots_.empty()) return {};
  const fs::path folder = roots_.front().second / id;
  if (kind_ == "cgroup-v2")
    return {counter(folder / "memory.events", "oom_kill"), number(folder / "memory.peak")};
  return {counter(folder / "memory.oom_control", "oom_kill"),
          number(folder / "memory.max_usage_in_bytes")};
}

std::vector<std::string> Limits::list() const {
  std::vector<std::string> out;
  for (const auto& [controller, root] : roots_) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error))
      if (entry.is_directory(error)) out.push_back(entry.path().filename());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace slipway::compute
