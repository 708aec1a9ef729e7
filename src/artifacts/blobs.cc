#include "artifacts/blobs.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/paths.h"

namespace slipway::artifacts {
namespace fs = std::filesystem;

namespace {

timespec to_timespec(TimeMs time) {
  return {.tv_sec = time / 1000, .tv_nsec = (time % 1000) * 1'000'000};
}

}  // namespace

Result<std::unique_ptr<BlobFolder>> BlobFolder::open(const fs::path& root, const Clock& clock) {
  TRY_VOID(make_directories(root / "sha256"));
  TRY_VOID(make_directories(root / "blocks"));
  std::error_code ec;
  fs::remove_all(root / "uploads", ec);  // of an earlier process; this one has begun none
  TRY_VOID(make_directories(root / "uploads"));
  TRY_VOID(sync_directory(root));
  return std::unique_ptr<BlobFolder>(new BlobFolder(root, clock));
}

Result<std::unique_ptr<TemporaryFile>> BlobFolder::new_file() const {
  return TemporaryFile::create(root_ / "uploads");
}

fs::path BlobFolder::place_of(const std::string& digest) const {
  return root_ / "sha256" / digest.substr(0, 2) / digest.substr(2);
}

// The age of a blob is what collect goes by; the house clock sets it, so that tests can hold it.
bool BlobFolder::refresh(const fs::path& file) const {
  const timespec now = to_timespec(clock_.now_ms());
  const timespec times[] = {now, now};
  return ::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0;
}

Result<void> BlobFolder::publish(TemporaryFile& file, const Blob& blob) {
  const fs::path target = place_of(blob.digest);
  const std::lock_guard lock(publishing_);
  std::error_code ec;
  if (fs::file_size(target, ec) == static_cast<std::uintmax_t>(blob.bytes) && !ec &&
      refresh(target))
    return {};
  if (!fs::exists(target.parent_path(), ec)) {
    TRY_VOID(make_directories(target.parent_path()));
    TRY_VOID(sync_directory(root_ / "sha256"));
  }
  refresh(file.path());
  return file.rename_to(target);
}

Result<void> BlobFolder::sync_everything() const {
  const Fd folder(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::syncfs(folder.get()) != 0)
    return disk_error(root_, "cannot sync " + root_.string());
  return {};
}

Result<fs::path> BlobFolder::path_of(const std::string& digest) const {
  std::error_code ec;
  if (is_digest(digest)) {
    fs::path path = place_of(digest);
    if (fs::is_regular_file(path, ec)) return path;
  }
  return fail(ErrorCode::not_found, fmt::format("there are no bytes with digest \"{}\"", digest));
}

TimeMs BlobFolder::age_ms(const fs::path& path) const {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return clock_.now_ms() - (info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000);
}

Result<std::int64_t> BlobFolder::collect_one(const fs::directory_entry& file,
                                             const std::set<std::string>& referenced,
                                             TimeMs grace_ms) {
  const fs::path& path = file.path();
  if (referenced.contains(path.parent_path().filename().string() + path.filename().string()))
    return 0;
  const std::lock_guard lock(publishing_);
  std::error_code ec;
  if (age_ms(path) <= grace_ms) return 0;
  const auto bytes = static_cast<std::int64_t>(fs::file_size(path, ec));
  if (ec || ::unlink(path.c_str()) != 0) return errno_error("cannot remove " + path.string());
  return bytes;
}

Result<std::int64_t> BlobFolder::collect(const std::set<std::string>& referenced, TimeMs grace_ms) {
  std::int64_t freed = 0;
  std::error_code ec;
  for (const auto& folder : fs::directory_iterator(root_ / "sha256", ec)) {
    for (const auto& file : fs::directory_iterator(folder.path(), ec)) {
      TRY(const auto bytes, collect_one(file, referenced, grace_ms));
      freed += bytes;
    }
  }
  if (ec) return fail(ErrorCode::internal, "cannot list " + root_.string() + ": " + ec.message());
  return freed;
}

}  // namespace slipway::artifacts
