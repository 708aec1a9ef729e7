#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "artifacts/paths.h"
#include "artifacts/unpack.h"

namespace slipway::artifacts {
namespace fs = std::filesystem;

namespace {

constexpr int kFolderMode = 0755;         // while it is made
constexpr mode_t kReadOnlyFolder = 0555;  // replicas share it and must not change it

// A folder on its way to `directory_`; removed when dropped before it got there.
class Bundle {
 public:
  // One name per target, so that what a crash left is found and removed by the next try.
  explicit Bundle(const fs::path& directory)
      : directory_(directory),
        partial_(directory.parent_path() / ("." + directory.filename().string() + ".partial")) {}
  ~Bundle() { remove(); }
  Bundle(const Bundle&) = delete;

  Result<void> begin();
  Result<void> add_blob(const std::string& path, const fs::path& blob);
  Result<void> add_text(const std::string& path, std::string_view text);
  Result<void> appear();

 private:
  void remove() { static_cast<void>(remove_folder(partial_)); }
  Result<fs::path> target(const std::string& path);

  const fs::path directory_;
  const fs::path partial_;
  std::set<fs::path> folders_;
};

Result<void> Bundle::begin() {
  remove();
  TRY_VOID(make_directories(directory_.parent_path()));
  TRY_VOID(make_directories(partial_, kFolderMode));
  folders_.insert(partial_);
  return {};
}

Result<fs::path> Bundle::target(const std::string& path) {
  TRY_VOID(check_relative_path(path));
  const fs::path file = partial_ / path;
  std::error_code ec;
  if (fs::exists(file, ec))
    return fail(ErrorCode::invalid_argument, fmt::format("two files would lie at \"{}\"", path));
  TRY_VOID(make_directories(file.parent_path(), kFolderMode));
  for (fs::path at = file.parent_path(); folders_.insert(at).second;) at = at.parent_path();
  return file;
}

Result<void> copy_blob(const fs::path& from, const fs::path& to) {
  TRY(auto copy, TemporaryFile::create(to.parent_path()));
  TRY_VOID(copy->write_file(from));
  TRY_VOID(copy->finish(TemporaryFile::Sync::yes));
  return copy->rename_to(to);
}

Result<void> Bundle::add_blob(const std::string& path, const fs::path& blob) {
  TRY(const auto file, target(path));
  if (::link(blob.c_str(), file.c_str()) == 0) return {};
  // Another file system, one link too many, or a file system without links.
  if (errno == EXDEV || errno == EMLINK || errno == EPERM) return copy_blob(blob, file);
  return disk_error(directory_.parent_path(), "cannot link " + file.string());
}

Result<void> Bundle::add_text(const std::string& path, std::string_view text) {
  TRY(const auto file, target(path));
  return write_file_atomic(file, text, 0444);
}

Result<void> Bundle::appear() {
  for (const auto& folder : folders_) {
    TRY_VOID(sync_directory(folder));
    if (::chmod(folder.c_str(), kReadOnlyFolder) != 0)
      return errno_error("cannot make " + folder.string() + " read only");
  }
  if (::rename(partial_.c_str(), directory_.c_str()) != 0)
    return disk_error(directory_.parent_path(), "cannot make " + directory_.string());
  return sync_directory(directory_.parent_path());
}

}  // namespace

Result<void> place_bundle(const BlobFolder& blobs, const fs::path& directory,
                          const std::vector<Placement>& placements,
                          const std::vector<std::pair<std::string, std::string>>& extra) {
  std::error_code ec;
  if (fs::exists(directory, ec))
    return fail(ErrorCode::conflict, fmt::format("{} exists already", directory.string()));
  Bundle bundle(directory);
  TRY_VOID(bundle.begin());
  for (const auto& placement : placements) {
    const std::string prefix = placement.folder.empty() ? "" : placement.folder + "/";
    for (const auto& file : placement.files) {
      TRY(const auto blob, blobs.path_of(file.digest));
      TRY_VOID(bundle.add_blob(prefix + file.path, blob));
    }
  }
  for (const auto& [name, text] : extra) TRY_VOID(bundle.add_text(name, text));
  return bundle.appear();
}

Result<void> remove_folder(const fs::path& directory) {
  std::error_code ec;
  for (fs::recursive_directory_iterator at(directory, ec), end; !ec && at != end; at.increment(ec))
    if (at->symlink_status(ec).type() == fs::file_type::directory)
      fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ec);
  fs::remove_all(directory, ec);
  if (!ec) return {};
  return fail(ErrorCode::internal,
              fmt::format("cannot remove {}: {}", directory.string(), ec.message()));
}

}  // namespace slipway::artifacts
