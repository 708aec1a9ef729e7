#pragma once
// One replica of the local driver: its folder, its process, what it said and how it ended.
//
// Owner: LocalDriver, under its mutex.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "compute/compute.h"
#include "compute/limits.h"
#include "compute/process.h"
#include "compute/replica_log.h"

namespace slipway::compute {

struct Replica {
  ReplicaSpec spec;
  ReplicaStatus status;
  std::filesystem::path folder;
  Child child;
  Fd ready;  // its readiness line comes here
  Fd output;
  std::optional<ReplicaLog> log;
  std::string ready_text;        // what came on `ready` so far
  std::optional<Error> refused;  // {"ready":false}: reason and message
  bool running = false;
  std::int64_t launched_at_ms = 0;  // steady
  bool forget = false;              // stop() was called: gone once it has ended
  std::int64_t kill_at_ms = 0;      // steady; SIGKILL to the group when still there; 0: never
};

// How it ended, from waitid's answer, the memory group and what it said itself.
struct Ending {
  int code = 0;   // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  int value = 0;  // exit status or signal
  MemoryUse memory;
};
// Sets state, reason and message.
void describe_end(Replica& replica, const Ending& ending, const std::string& last_output);

// One readiness line: {"ready":true}, or {"ready":false,"reason":…,"message":…,"log_tail":…}.
struct Readiness {
  bool ready = false;
  Error refused;
};
Result<Readiness> parse_readiness(std::string_view line);

// Variables of the replica's process: a bare system's, ours, and the user's own except those that
// would change how our program is loaded or where it finds its parts.
std::vector<std::string> replica_environment(const ReplicaSpec& spec,
                                             const std::filesystem::path& folder,
                                             const std::filesystem::path& runtime);

}  // namespace slipway::compute
