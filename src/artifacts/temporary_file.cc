#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "artifacts/blobs.h"

namespace slipway::artifacts {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

// Hands the file to `use` piece by piece.
template <class Use>
Result<void> read_pieces(const std::filesystem::path& path, Use use) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno_error("cannot open " + path.string());
  std::vector<char> buffer(kBufferBytes);
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot read " + path.string());
    if (n == 0) return {};
    TRY_VOID(use(std::string_view(buffer.data(), static_cast<std::size_t>(n))));
  }
}

}  // namespace

Error disk_error(const std::filesystem::path& folder, std::string_view what) {
  Error error = errno_error(what);
  if (error.code == ErrorCode::exhausted)
    error.message =
        fmt::format("the disk of {} is full: {}; nothing was kept; free space and try again",
                    folder.string(), error.message);
  return error;
}

Result<std::unique_ptr<TemporaryFile>> TemporaryFile::create(const std::filesystem::path& folder) {
  std::unique_ptr<TemporaryFile> made(new TemporaryFile(folder / (random_hex(12) + ".tmp")));
  made->file_.reset(::open(made->path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made->file_.valid()) return disk_error(folder, "cannot create " + made->path_.string());
  return made;
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> TemporaryFile::write(std::string_view piece) {
  digest_.update(piece);
  bytes_ += std::ssize(piece);
  while (!piece.empty()) {
    const ssize_t n = ::write(file_.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return disk_error(path_.parent_path(), "cannot write " + path_.string());
    piece.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> TemporaryFile::write_file(const std::filesystem::path& source) {
  return read_pieces(source, [this](std::string_view piece) { return write(piece); });
}

Result<Blob> TemporaryFile::finish(Sync sync) {
  if (::fchmod(file_.get(), 0444) != 0 || (sync == Sync::yes && ::fsync(file_.get()) != 0))
    return disk_error(path_.parent_path(), "cannot sync " + path_.string());
  file_.reset();
  return Blob{digest_.finish_hex(), bytes_};
}

Result<void> TemporaryFile::rename_to(const std::filesystem::path& target) {
  if (::rename(path_.c_str(), target.c_str()) != 0)
    return disk_error(target.parent_path(), "cannot rename onto " + target.string());
  path_.clear();
  return sync_directory(target.parent_path());
}

Result<void> check_md5(const std::filesystem::path& file, std::string_view expected) {
  if (expected.empty()) return {};
  Md5 md5;
  TRY_VOID(read_pieces(file, [&](std::string_view piece) -> Result<void> {
    md5.update(piece);
    return {};
  }));
  const std::string found = md5.finish();
  if (found == expected) return {};
  return fail(
      ErrorCode::conflict,
      fmt::format("the bytes that arrived have MD5 {}, Content-MD5 says {}; send them again",
                  to_base64(found), to_base64(expected)));
}

Result<void> BlobFolder::verify(const std::string& digest) const {
  TRY(const auto path, path_of(digest));
  Sha256 sha;
  TRY_VOID(read_pieces(path, [&](std::string_view piece) -> Result<void> {
    sha.update(piece);
    return {};
  }));
  if (sha.finish_hex() == digest) return {};
  return fail(ErrorCode::internal,
              fmt::format("{} no longer has its digest: the disk changed it; upload it again",
                          path.string()));
}

}  // namespace slipway::artifacts
