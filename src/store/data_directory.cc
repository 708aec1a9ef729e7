#include "store/data_directory.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/crypto.h"

namespace slipway::store {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr mode_t kOthers = 077;

Error cannot_write(const std::filesystem::path& folder, Error error) {
  if (error.code == ErrorCode::forbidden)
    error.message += fmt::format(
        "; give this user write permission on {}, or use another --data-dir", folder.string());
  return error;
}

// A folder that was there before us is made private only when it is ours: empty, or with our data.
bool is_ours(const std::filesystem::path& folder) {
  std::error_code ec;
  return std::filesystem::is_empty(folder, ec) ||
         std::filesystem::exists(folder / "slipway.db", ec);
}

std::string pid_in(int fd) {
  char text[24] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  pid.resize(std::min(pid.size(), pid.find('\n')));
  return pid.empty() ? "unknown" : pid;
}

Result<void> check_key_file(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return errno_error("cannot read " + path.string());
  if ((info.st_mode & kOthers) != 0)
    return fail(ErrorCode::forbidden,
                fmt::format("{} has mode {:04o}, so others than its owner may use the key; run "
                            "chmod 600 {}",
                            path.string(), info.st_mode & 07777, path.string()));
  return {};
}

}  // namespace

Result<DataDirectory> DataDirectory::claim(const std::filesystem::path& folder) {
  DataDirectory claimed(folder);
  TRY_VOID(claimed.make_folder());
  TRY_VOID(claimed.lock());
  TRY_VOID(claimed.load_key());
  TRY_VOID(claimed.make_database_file());
  return claimed;
}

Result<void> DataDirectory::make_folder() {
  if (auto made = make_directories(folder_, 0700); !made)
    return cannot_write(folder_, made.error());
  struct stat info{};
  if (::stat(folder_.c_str(), &info) != 0) return errno_error("cannot read " + folder_.string());
  if ((info.st_mode & kOthers) != 0 && is_ours(folder_) && ::chmod(folder_.c_str(), 0700) != 0)
    return cannot_write(folder_, errno_error("cannot make " + folder_.string() + " private"));
  return {};
}

Result<void> DataDirectory::lock() {
  const std::string path = folder_ / "slipway.lock";
  lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_.valid()) return cannot_write(folder_, errno_error("cannot create " + path));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("cannot lock " + path);
    return fail(ErrorCode::conflict,
                fmt::format("another Slipway (pid {}) uses {}; stop it with `slipway down`, or use "
                            "another --data-dir",
                            pid_in(lock_.get()), folder_.string()));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::pwrite(lock_.get(), pid.data(), pid.size(), 0) < 0 ||
      ::ftruncate(lock_.get(), static_cast<off_t>(pid.size())) != 0)
    return errno_error("cannot write " + path);
  return {};
}

Result<void> DataDirectory::load_key() {
  const auto path = folder_ / "slipway.key";
  if (!std::filesystem::exists(path)) {
    if (std::filesystem::exists(database()))
      return fail(
          ErrorCode::precondition_failed,
          fmt::format("{} is missing, and the secrets in {} were sealed with it; restore the "
                      "key file from a backup",
                      path.string(), database().string()));
    TRY_VOID(write_file_atomic(path, random_bytes(kKeyBytes), 0600));
  }
  TRY_VOID(check_key_file(path));
  TRY(key_, read_file(path, 1 << 10));
  if (key_.size() == kKeyBytes) return {};
  return fail(ErrorCode::precondition_failed,
              fmt::format("{} has {} bytes, a key has {}; restore the key file from a backup",
                          path.string(), key_.size(), kKeyBytes));
}

// Made here and not by SQLite, so that it and the log beside it have mode 0600.
Result<void> DataDirectory::make_database_file() {
  const Fd file(::open(database().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid())
    return cannot_write(folder_, errno_error("cannot open " + database().string()));
  return sync_directory(folder_);
}

}  // namespace slipway::store
