// The life of one replica's process: launch, readiness, output, end.
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/log.h"
#include "compute/local_driver.h"
#include "compute/sandbox.h"

namespace slipway::compute {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kReadyBytes = 64U << 10;   // of a readiness line
constexpr std::int64_t kRefusedGraceMs = 2'000;  // to end by itself after {"ready":false}
constexpr std::size_t kMessageLines = 20;

// Everything that can be read now; false at the end of the stream.
template <class Take>
bool drain(int fd, Take take) {
  char buffer[16 << 10];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) take(std::string_view(buffer, static_cast<std::size_t>(n)));
    if (n == 0) return false;
    if (n < 0 && errno != EINTR) return errno == EAGAIN;
  }
}

// The interpreter named in bundle.json lives in an environment and, behind its link, in an
// installation; the replica has to read both.
std::vector<fs::path> interpreter_folders(const fs::path& bundle) {
  const auto value = parse_json(read_file(bundle / "bundle.json").value_or("null"));
  const fs::path python = value ? string_or(*value, "python", "") : "";
  if (python.empty()) return {};
  std::error_code error;
  const fs::path real = fs::canonical(python, error);
  std::vector<fs::path> out = {python.parent_path().parent_path()};
  const fs::path prefix = real.parent_path().parent_path();
  // Only an installation's own prefix, never a home that happens to hold bin/python.
  if (!error && fs::exists(prefix / "lib", error)) out.push_back(prefix);
  return out;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

// A Unix socket's address is at most 107 bytes; a long data directory gets short paths elsewhere.
fs::path LocalDriver::socket_path(const std::string& id) const {
  const fs::path usual = options_.directory / id / "s";
  if (usual.string().size() < sizeof(sockaddr_un::sun_path)) return usual;
  return fs::path("/tmp") / ("slipway-" + instance_) / sha256_hex(id).substr(0, 8) / "s";
}

void LocalDriver::launch(std::uint64_t serial, Replica& replica) {
  replica.status.started_ms = replica.status.changed_ms = clock_.now_ms();
  replica.launched_at_ms = clock_.steady_ms();
  const auto launched = launch_process(serial, replica);
  if (launched) return;
  replica.status.state = ReplicaState::failed;
  replica.status.reason = "StartFailed";
  replica.status.message = launched.error().message;
  log::error("compute", "replica not started",
             {{"replica", replica.spec.id}, {"why", launched.error().message}});
  changed(replica);
}

Result<void> LocalDriver::launch_process(std::uint64_t serial, Replica& replica) {
  const auto& spec = replica.spec;
  const fs::path socket = socket_path(spec.id);
  for (const auto& folder :
       {replica.folder, replica.folder / "home", replica.folder / "tmp", socket.parent_path()})
    TRY_VOID(make_directories(folder));
  TRY(replica.log, ReplicaLog::open(replica.folder));
  TRY(Pipe ready, make_pipe());
  TRY(Pipe output, make_pipe());
  TRY(const auto groups, limits_.make(spec.id, spec.resources));
  TRY(const Fd ruleset, confine(replica));
  ChildOptions child;
  child.arguments = {options_.program.string(), "model-server",  "--model",
                     spec.bundle.string(),      "--unix-socket", socket.string()};
  child.environment = replica_environment(spec, replica.folder, options_.runtime);
  child.directory = replica.folder;
  child.output = output.write.get();
  child.extra = ready.write.get();
  for (const auto& group : groups) child.join.push_back(group.get());
  child.landlock = ruleset.get();
  child.unprivileged = true;
  if (!limits_.groups())
    child.data_bytes = static_cast<std::uint64_t>(memory_limit_bytes(spec.resources));
  TRY(replica.child, spawn(child));
  replica.running = true;
  replica.status.pid = replica.child.pid;
  replica.status.address = {spec.id, socket.string(), "", 0};
  replica.ready = std::move(ready.read);
  replica.output = std::move(output.read);
  watch(replica.child.pidfd.get(), serial, Source::exit);
  watch(replica.ready.get(), serial, Source::ready);
  watch(replica.output.get(), serial, Source::output);
  return write_file_atomic(
      replica.folder / "process",
      fmt::format("{} {}", replica.child.pid, process_start_time(replica.child.pid)), 0600);
}

Result<Fd> LocalDriver::confine(const Replica& replica) const {
  Sandbox sandbox;
  sandbox.read = {"/usr",
                  "/lib",
                  "/lib64",
                  "/bin",
                  "/sbin",
                  "/etc",
                  "/opt",
                  "/proc",
                  "/sys",
                  replica.spec.bundle,
                  options_.runtime,
                  options_.program.parent_path(),
                  options_.program.parent_path().parent_path() / "lib"};
  const auto add = [&sandbox](const auto& paths) {
    sandbox.read.insert(sandbox.read.end(), paths.begin(), paths.end());
  };
  add(options_.readable);
  add(interpreter_folders(replica.spec.bundle));
  sandbox.write = {replica.folder, socket_path(replica.spec.id).parent_path(),
                   "/dev/null",    "/dev/zero",
                   "/dev/random",  "/dev/urandom",
                   "/dev/shm"};
  // Scripts write there by habit; not when that would open the daemon's own folder.
  for (const char* shared : {"/tmp", "/var/tmp"})
    if (!is_below(options_.directory, shared)) sandbox.write.emplace_back(shared);
  return make_ruleset(sandbox);
}

void LocalDriver::read_ready(Replica& replica) {
  const bool open = drain(replica.ready.get(), [&](std::string_view piece) {
    if (replica.ready_text.size() < kReadyBytes) replica.ready_text += piece;
  });
  const bool whole = replica.ready_text.find('\n') != std::string::npos;
  if (!whole && open) return;
  replica.ready.reset();
  if (whole) take_readiness(replica);
}

void LocalDriver::take_readiness(Replica& replica) {
  auto readiness = parse_readiness(replica.ready_text.substr(0, replica.ready_text.find('\n')));
  if (readiness && readiness->ready) {
    replica.status.state = ReplicaState::ready;
    replica.status.changed_ms = clock_.now_ms();
    changed(replica);
    return;
  }
  replica.refused = readiness ? std::move(readiness->refused) : std::move(readiness.error());
  if (replica.kill_at_ms == 0) replica.kill_at_ms = clock_.steady_ms() + kRefusedGraceMs;
}

void LocalDriver::read_output(Replica& replica) {
  const bool open =
      drain(replica.output.get(), [&](std::string_view piece) { replica.log->append(piece); });
  if (!open) replica.output.reset();
}

void LocalDriver::signal_group(const Replica& replica, int number) const {
  ::kill(-replica.child.pid, number);
}

void LocalDriver::reap(std::uint64_t serial, Replica& replica) {
  // The group first, while the leader's pid cannot be anyone else's.
  signal_group(replica, SIGKILL);
  limits_.kill(replica.spec.id);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(replica.child.pid), &info, WEXITED);
  replica.running = false;
  replica.child.pidfd.reset();
  if (replica.ready.valid()) read_ready(replica);
  if (replica.output.valid()) read_output(replica);
  replica.ready.reset();
  replica.output.reset();
  const Ending ending{info.si_code, info.si_status, limits_.memory(replica.spec.id)};
  describe_end(replica, ending, ReplicaLog::tail(replica.folder, kMessageLines));
  replica.status.changed_ms = clock_.now_ms();
  replica.status.pid = 0;
  if (!limits_.remove(replica.spec.id)) dying_groups_.push_back(replica.spec.id);
  log::info("compute", "replica ended",
            {{"replica", replica.spec.id}, {"reason", replica.status.reason}});
  if (replica.forget)
    forget(serial, replica);
  else
    changed(replica);
}

}  // namespace slipway::compute
