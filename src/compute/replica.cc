#include "compute/replica.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <cstring>

namespace slipway::compute {
namespace {

constexpr double kMiB = 1U << 20;
constexpr std::size_t kMessageBytes = 4U << 10;  // of output that goes into a message

Error out_of_memory(const Replica& replica, const MemoryUse& memory) {
  const auto limit = static_cast<double>(memory_limit_bytes(replica.spec.resources));
  return fail(
      ErrorCode::exhausted,
      fmt::format("the replica reached its memory limit: limit {:.0f} MiB (memory_gb {:g}), peak "
                  "{:.0f} MiB, and was ended; give the service more memory_gb, or load less",
                  limit / kMiB, limit / kMiB / 1024, static_cast<double>(memory.peak_bytes) / kMiB),
      "OutOfMemory");
}

Error how_it_ended(const Replica& replica, const Ending& ending) {
  if (ending.memory.kills > 0) return out_of_memory(replica, ending.memory);
  if (replica.refused) return *replica.refused;
  if (ending.code == CLD_EXITED)
    return fail(ErrorCode::unavailable,
                fmt::format("the replica ended with status {}", ending.value), "ExitCode");
  return fail(ErrorCode::unavailable,
              fmt::format("the replica was ended by signal {} ({})", ending.value,
                          ::strsignal(ending.value)),
              "Killed");
}

bool is_ours(std::string_view name) {
  return name.starts_with("LD_") || name.starts_with("SLIPWAY_") || name == "PATH" ||
         name == "HOME" || name == "TMPDIR" || name.find('=') != name.npos || name.empty();
}

}  // namespace

void describe_end(Replica& replica, const Ending& ending, const std::string& last_output) {
  const Error error = how_it_ended(replica, ending);
  replica.status.state = replica.refused ? ReplicaState::failed : ReplicaState::exited;
  replica.status.reason = error.reason;
  replica.status.message = error.message;
  if (!last_output.empty() && !replica.refused)
    replica.status.message +=
        "\nLast lines of its output:\n" +
        last_output.substr(last_output.size() - std::min(last_output.size(), kMessageBytes));
}

Result<Readiness> parse_readiness(std::string_view line) {
  TRY(const auto value, parse_json(line));
  const auto* ready = find(value, "ready");
  if (ready == nullptr || !ready->is_bool())
    return fail(ErrorCode::internal, "the readiness line has no boolean member 'ready'");
  Readiness out{ready->as_bool(), {}};
  if (out.ready) return out;
  std::string message = string_or(value, "message", "the model server gave no message");
  if (const auto tail = string_or(value, "log_tail", ""); !tail.empty()) message += "\n" + tail;
  out.refused = fail(ErrorCode::invalid_argument, std::move(message),
                     string_or(value, "reason", "ModelServerFailed"));
  return out;
}

std::vector<std::string> replica_environment(const ReplicaSpec& spec,
                                             const std::filesystem::path& folder,
                                             const std::filesystem::path& runtime) {
  const std::string home = (folder / "home").string();
  std::vector<std::string> out = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                  "LANG=C.UTF-8",
                                  "HOME=" + home,
                                  "TMPDIR=" + (folder / "tmp").string(),
                                  "SLIPWAY_RUNTIME_DIR=" + runtime.string(),
                                  fmt::format("SLIPWAY_READY_FD={}", kExtraDescriptor)};
  for (const auto& [name, value] : spec.environment_variables)
    if (!is_ours(name)) out.push_back(name + "=" + value);
  return out;
}

}  // namespace slipway::compute
