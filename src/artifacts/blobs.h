#pragma once
// BlobFolder: the files <root>/sha256/<2>/<62> and the temporary files they are made from.
//
// Owner: the Artifacts. Any thread. Invariant: a file under sha256/ is whole, on disk, read-only,
// and has the digest that it is named by.
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "artifacts/artifacts.h"
#include "base/crypto.h"
#include "base/file.h"

namespace slipway::artifacts {

// A file on its way in; unlinked when dropped. One thread at a time.
class TemporaryFile {
 public:
  static Result<std::unique_ptr<TemporaryFile>> create(const std::filesystem::path& folder);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;

  Result<void> write(std::string_view piece);
  // Appends the content of another file.
  Result<void> write_file(const std::filesystem::path& source);
  enum class Sync { yes, later };
  // Closes the file, read-only. With `later` the caller syncs the file system before publishing.
  Result<Blob> finish(Sync sync);
  Result<void> rename_to(const std::filesystem::path& target);
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFile(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  // empty once renamed
  Fd file_;
  Sha256 digest_;
  std::int64_t bytes_ = 0;
};

// ENOSPC in words for the person; other errors as errno_error says them.
Error disk_error(const std::filesystem::path& folder, std::string_view what);

// conflict when `expected` (may be empty) is not the MD5 of the file.
Result<void> check_md5(const std::filesystem::path& file, std::string_view expected);

class BlobFolder {
 public:
  // Makes the folders and removes what an earlier process left half done.
  static Result<std::unique_ptr<BlobFolder>> open(const std::filesystem::path& root,
                                                  const Clock& clock);

  Result<std::unique_ptr<TemporaryFile>> new_file() const;
  // Gives a finished file its place, or drops it for the equal blob that is there.
  Result<void> publish(TemporaryFile& file, const Blob& blob);
  // Waits until everything written so far is on disk.
  Result<void> sync_everything() const;

  Result<std::filesystem::path> path_of(const std::string& digest) const;
  Result<void> verify(const std::string& digest) const;
  Result<std::int64_t> collect(const std::set<std::string>& referenced, TimeMs grace_ms);
  const std::filesystem::path& root() const { return root_; }
  TimeMs age_ms(const std::filesystem::path& path) const;

 private:
  BlobFolder(std::filesystem::path root, const Clock& clock)
      : root_(std::move(root)), clock_(clock) {}
  std::filesystem::path place_of(const std::string& digest) const;
  bool refresh(const std::filesystem::path& file) const;
  Result<std::int64_t> collect_one(const std::filesystem::directory_entry& file,
                                   const std::set<std::string>& referenced, TimeMs grace_ms);

  const std::filesystem::path root_;
  const Clock& clock_;
  // A blob that is found to be there already must not be collected before it is made young again.
  std::mutex publishing_;
};

}  // namespace slipway::artifacts
