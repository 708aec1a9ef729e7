#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/crypto.h"

namespace slipway {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error errno_error(std::string_view what) {
  const int e = errno;
  ErrorCode code = ErrorCode::internal;
  if (e == ENOSPC || e == EDQUOT) code = ErrorCode::exhausted;
  if (e == ENOENT) code = ErrorCode::not_found;
  if (e == EEXIST) code = ErrorCode::conflict;
  if (e == EACCES || e == EPERM || e == EROFS) code = ErrorCode::forbidden;
  return fail(code, fmt::format("{}: {}", what, std::strerror(e)));
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot open " + path.string());
  std::string out;
  char buffer[64 << 10];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot read " + path.string());
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > limit)
      return fail(ErrorCode::too_large,
                  fmt::format("{} is larger than {} bytes", path.string(), limit));
  }
}

namespace {

Result<void> write_all(int fd, std::string_view content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot write " + name);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> write_synced(const std::string& path, std::string_view content, int mode) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid()) return errno_error("cannot create " + path);
  TRY_VOID(write_all(fd.get(), content, path));
  if (::fsync(fd.get()) != 0) return errno_error("cannot sync " + path);
  return {};
}

}  // namespace

Result<void> write_file_atomic(const std::filesystem::path& path, std::string_view content,
                               int mode) {
  const std::string temporary = path.string() + "." + random_hex(6) + ".tmp";
  auto written = write_synced(temporary, content, mode);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = errno_error("cannot rename onto " + path.string());
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_directory(path.parent_path());
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const Fd fd(::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot open folder " + path.string());
  if (::fsync(fd.get()) != 0) return errno_error("cannot sync folder " + path.string());
  return {};
}

Result<void> make_directories(const std::filesystem::path& path, int mode) {
  if (path.empty() || std::filesystem::is_directory(path)) return {};
  TRY_VOID(make_directories(path.parent_path(), mode));
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST)
    return errno_error("cannot create folder " + path.string());
  return {};
}

}  // namespace slipway
