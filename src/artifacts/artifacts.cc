#include "artifacts/artifacts.h"

#include <fmt/core.h>

#include "artifacts/blobs.h"
#include "artifacts/paths.h"
#include "artifacts/unpack.h"

namespace slipway::artifacts {
namespace fs = std::filesystem;

namespace {

constexpr TimeMs kStaleUploadMs = 24LL * 3600 * 1000;
constexpr std::size_t kBlockLimit = 50'000;  // blocks of one upload, as in the documented protocol

// A whole upload becomes a blob, a block becomes a file of its upload's folder.
class FileUpload final : public Upload {
 public:
  FileUpload(BlobFolder& blobs, std::unique_ptr<TemporaryFile> file, fs::path block)
      : blobs_(blobs), file_(std::move(file)), block_(std::move(block)) {}

  Result<void> write(std::string_view piece) override { return file_->write(piece); }

  Result<Blob> commit(std::string_view expected_md5) override {
    TRY(auto blob, file_->finish(TemporaryFile::Sync::yes));
    TRY_VOID(check_md5(file_->path(), expected_md5));
    if (block_.empty()) {
      TRY_VOID(blobs_.publish(*file_, blob));
    } else {
      TRY_VOID(make_directories(block_.parent_path()));
      TRY_VOID(file_->rename_to(block_));
    }
    return blob;
  }

 private:
  BlobFolder& blobs_;
  std::unique_ptr<TemporaryFile> file_;
  const fs::path block_;  // empty: a whole upload
};

class DiskArtifacts final : public Artifacts {
 public:
  explicit DiskArtifacts(std::unique_ptr<BlobFolder> blobs) : blobs_(std::move(blobs)) {}

  Result<std::unique_ptr<Upload>> begin_upload() override { return begin({}); }
  Result<std::unique_ptr<Upload>> begin_block(const std::string& upload,
                                              const std::string& block_id) override {
    TRY(const auto folder, folder_of(upload));
    return begin(folder / sha256_hex(block_id));
  }
  Result<Blob> commit_blocks(const BlockList& list) override;

  bool has(const std::string& digest) const override { return blobs_->path_of(digest).has_value(); }
  Result<fs::path> path_of(const std::string& digest) const override {
    return blobs_->path_of(digest);
  }
  Result<void> verify(const std::string& digest) const override { return blobs_->verify(digest); }
  Result<std::vector<resources::StoredFile>> unpack(const std::string& digest,
                                                    const UnpackLimits& limits) override {
    TRY(const auto archive, blobs_->path_of(digest));
    return unpack_archive(*blobs_, archive, limits);
  }
  Result<void> place(const fs::path& directory, const std::vector<Placement>& placements,
                     const std::vector<std::pair<std::string, std::string>>& extra) override {
    return place_bundle(*blobs_, directory, placements, extra);
  }
  Result<void> remove_tree(const fs::path& directory) override { return remove_folder(directory); }
  Result<std::int64_t> collect(const std::set<std::string>& referenced, TimeMs grace_ms) override {
    remove_stale(blobs_->root() / "uploads");
    remove_stale(blobs_->root() / "blocks");
    return blobs_->collect(referenced, grace_ms);
  }

 private:
  Result<std::unique_ptr<Upload>> begin(fs::path block) {
    TRY(auto file, blobs_->new_file());
    return std::unique_ptr<Upload>(
        std::make_unique<FileUpload>(*blobs_, std::move(file), std::move(block)));
  }
  Result<fs::path> folder_of(const std::string& upload) const;
  void remove_stale(const fs::path& folder) const;

  const std::unique_ptr<BlobFolder> blobs_;
};

Result<fs::path> DiskArtifacts::folder_of(const std::string& upload) const {
  if (is_upload_name(upload)) return blobs_->root() / "blocks" / upload;
  return fail(ErrorCode::invalid_argument,
              fmt::format("the upload name must be 1 to 128 hexadecimal digits, but has {} bytes",
                          upload.size()));
}

Result<Blob> DiskArtifacts::commit_blocks(const BlockList& list) {
  TRY(const auto folder, folder_of(list.upload));
  if (list.block_ids.size() > kBlockLimit)
    return fail(ErrorCode::too_large,
                fmt::format("{} blocks were listed, at most {} make an upload",
                            list.block_ids.size(), kBlockLimit));
  TRY(auto file, blobs_->new_file());
  for (const auto& id : list.block_ids) {
    const auto written = file->write_file(folder / sha256_hex(id));
    if (!written && written.error().code == ErrorCode::not_found)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("block \"{}\" was listed but never arrived; send it and commit again", id),
          "InvalidBlockList");
    TRY_VOID(written);
  }
  TRY(auto blob, file->finish(TemporaryFile::Sync::yes));
  TRY_VOID(blobs_->publish(*file, blob));
  std::error_code ec;
  fs::remove_all(folder, ec);
  return blob;
}

void DiskArtifacts::remove_stale(const fs::path& folder) const {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (blobs_->age_ms(entry.path()) > kStaleUploadMs) fs::remove_all(entry.path(), ec);
}

}  // namespace

Result<std::unique_ptr<Artifacts>> Artifacts::open(const fs::path& root, const Clock& clock) {
  TRY(auto blobs, BlobFolder::open(root, clock));
  return std::unique_ptr<Artifacts>(std::make_unique<DiskArtifacts>(std::move(blobs)));
}

}  // namespace slipway::artifacts
