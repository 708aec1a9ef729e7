#pragma once
// Small files, written so that a crash leaves the old content or the new, never a part.
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// The last errno as an Error: ENOSPC and EDQUOT are `exhausted`, ENOENT `not_found`, EEXIST
// `conflict`, EACCES and EPERM `forbidden`, the rest `internal`. "what: reason".
Error errno_error(std::string_view what);

// At most `limit` bytes; too_large above.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 64U << 20);

// Writes beside `path`, syncs file and folder, renames.
Result<void> write_file_atomic(const std::filesystem::path& path, std::string_view content,
                               int mode);

Result<void> sync_directory(const std::filesystem::path& path);

// Creates the folder and its missing parents with `mode`.
Result<void> make_directories(const std::filesystem::path& path, int mode = 0700);

}  // namespace slipway
