#pragma once
// A child process that cannot outlive us and inherits nothing it was not given.
//
// Owner: the local driver and the environment builder. spawn() may be called from any thread, but
// the child is killed when the calling *thread* ends (PR_SET_PDEATHSIG), so that thread must
// outlive it.
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace slipway::compute {

struct ChildOptions {
  std::vector<std::string> arguments;    // the first is the program's absolute path
  std::vector<std::string> environment;  // "NAME=value"; nothing else is inherited
  std::filesystem::path directory;       // its working directory
  int output = -1;                       // becomes its standard output and error
  int extra = -1;                        // becomes kExtraDescriptor when set
  std::vector<int> join;                 // open cgroup.procs files that it enters first
  int landlock = -1;                     // ruleset that it is bound by when set
  bool unprivileged = false;             // without capabilities, and no way to get them back
  std::uint64_t data_bytes = 0;          // RLIMIT_DATA; 0 for none
};

inline constexpr int kExtraDescriptor = 3;

struct Child {
  pid_t pid = 0;  // also its session and process group
  Fd pidfd;       // readable once it has ended
};

// Returns once the program runs; a program that cannot be run is an error here, not an exit status.
Result<Child> spawn(const ChildOptions& options);

// Clock ticks since boot at which the process began, or 0 when there is none: with the pid, its
// identity.
std::uint64_t process_start_time(pid_t pid);

struct Pipe {
  Fd read;  // non-blocking
  Fd write;
};
Result<Pipe> make_pipe();

}  // namespace slipway::compute
