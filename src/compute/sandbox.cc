#include "compute/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slipway::compute {
namespace {

// The kernel's own header may be older than the kernel; these are the struct and the bits of ABI 6.
struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};
constexpr std::uint64_t kScopes = 3;  // abstract sockets and signals stay inside
constexpr std::uint64_t kRead =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kFileRights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                      LANDLOCK_ACCESS_FS_WRITE_FILE | (1ULL << 14) /* truncate */;

std::uint64_t known_rights(long abi) {
  if (abi < 2) return (1ULL << 13) - 1;
  return abi < 3 ? (1ULL << 14) - 1 : (1ULL << 15) - 1;
}

Result<void> allow(int ruleset, const std::filesystem::path& path, std::uint64_t rights) {
  const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) return {};
  struct stat info{};
  if (::fstat(fd.get(), &info) == 0 && !S_ISDIR(info.st_mode)) rights &= kFileRights;
  const landlock_path_beneath_attr rule{rights, fd.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return errno_error("cannot confine access to " + path.string());
  return {};
}

}  // namespace

Result<Fd> make_ruleset(const Sandbox& sandbox) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U /* version */);
  if (abi < 1) return Fd();
  const std::uint64_t rights = known_rights(abi);
  const RulesetAttributes attributes{rights, 0, abi >= 6 ? kScopes : 0};
  // The kernel refuses a size that holds bits it does not know, but takes zeros.
  const std::size_t size = abi >= 6 ? sizeof attributes : sizeof attributes.files;
  Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset.valid()) return errno_error("cannot make a Landlock ruleset");
  for (const auto& path : sandbox.read) TRY_VOID(allow(ruleset.get(), path, rights & kRead));
  for (const auto& path : sandbox.write) TRY_VOID(allow(ruleset.get(), path, rights));
  return ruleset;
}

}  // namespace slipway::compute
