#include "artifacts/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <locale.h>

#include <map>

#include "artifacts/paths.h"

namespace slipway::artifacts {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

// libarchive turns names into the thread's locale, and a daemon's is often "C", which has no UTF-8.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

Error refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "InvalidArchive");
}

// One archive being unpacked. Nothing of it is published before all of it was accepted.
class Unpacking {
 public:
  Unpacking(BlobFolder& blobs, const UnpackLimits& limits) : blobs_(blobs), limits_(limits) {}

  Result<void> open(const std::filesystem::path& archive);
  Result<void> take_all();
  Result<std::vector<resources::StoredFile>> publish();

 private:
  struct File {
    std::unique_ptr<TemporaryFile> temporary;
    Blob blob;
  };
  enum class Is { folder, file };

  Result<void> take(archive_entry* entry);
  Result<void> take_file(const std::string& path);
  Result<void> claim(const std::string& path, Is what);
  Result<void> count_bytes(std::int64_t bytes);
  Error fault() const;

  BlobFolder& blobs_;
  const UnpackLimits& limits_;
  const Utf8Locale locale_;
  const std::unique_ptr<archive, decltype(&archive_read_free)> reader_{archive_read_new(),
                                                                       &archive_read_free};
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  std::int64_t bytes_ = 0;
  std::int64_t entries_ = 0;
  std::map<std::string, Is> names_;
  std::map<std::string, File> files_;
};

Error Unpacking::fault() const {
  const char* said = archive_error_string(reader_.get());
  return refuse(
      fmt::format("the archive cannot be read: {}; send a whole tar (plain, gz, bz2, xz, "
                  "zstd) or zip without a password",
                  said == nullptr ? "unknown format" : said));
}

Result<void> Unpacking::open(const std::filesystem::path& path) {
  archive* reader = reader_.get();
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_zstd(reader);
  archive_read_support_format_tar(reader);
  archive_read_support_format_zip(reader);
  if (archive_read_open_filename(reader, path.c_str(), kBufferBytes) != ARCHIVE_OK) return fault();
  return {};
}

Result<void> Unpacking::take_all() {
  for (;;) {
    archive_entry* entry = nullptr;
    const int rc = archive_read_next_header(reader_.get(), &entry);
    if (rc == ARCHIVE_EOF) return {};
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return fault();
    if (++entries_ > limits_.files)
      return fail(ErrorCode::too_large,
                  fmt::format("the archive has more than {} entries; split it", limits_.files));
    TRY_VOID(take(entry));
  }
}

// "./a/b/" is written by honest tools; what it means is "a/b".
std::string plain_path(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  while (path.ends_with('/') && path.size() > 1) path.remove_suffix(1);
  return std::string(path == "." ? "" : path);
}

Result<void> Unpacking::take(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) return refuse("the archive has an entry whose name is not UTF-8 text");
  const auto type = archive_entry_filetype(entry);
  const std::string path = plain_path(name);
  if (path.empty() && type == AE_IFDIR) return {};
  TRY_VOID(check_relative_path(path, {.bytes = limits_.path_bytes, .depth = limits_.depth}));
  if (archive_entry_hardlink(entry) != nullptr || type == AE_IFLNK)
    return refuse(fmt::format("\"{}\" in the archive is a link; put the file itself there", path));
  if (type != AE_IFREG && type != AE_IFDIR)
    return refuse(
        fmt::format("\"{}\" in the archive is a device, pipe or socket; only files and "
                    "folders are taken",
                    path));
  TRY_VOID(claim(path, type == AE_IFDIR ? Is::folder : Is::file));
  return type == AE_IFDIR ? Result<void>() : take_file(path);
}

// A name is one file or any number of mentions of one folder, and every parent is a folder.
Result<void> Unpacking::claim(const std::string& path, Is what) {
  const auto [at, is_new] = names_.try_emplace(path, what);
  if (!is_new && (what == Is::file || at->second == Is::file))
    return refuse(fmt::format("\"{}\" is in the archive more than once", path));
  const auto slash = path.rfind('/');
  if (!is_new || slash == std::string::npos) return {};
  return claim(path.substr(0, slash), Is::folder);
}

Result<void> Unpacking::count_bytes(std::int64_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= limits_.bytes) return {};
  return fail(ErrorCode::too_large,
              fmt::format("the archive unpacks to more than {} bytes; split it", limits_.bytes));
}

Result<void> Unpacking::take_file(const std::string& path) {
  TRY(auto temporary, blobs_.new_file());
  for (;;) {
    const auto n = archive_read_data(reader_.get(), buffer_.data(), buffer_.size());
    if (n < 0) return fault();
    if (n == 0) break;
    TRY_VOID(count_bytes(n));
    TRY_VOID(temporary->write({buffer_.data(), static_cast<std::size_t>(n)}));
  }
  TRY(auto blob, temporary->finish(TemporaryFile::Sync::later));
  files_.emplace(path, File{std::move(temporary), std::move(blob)});
  return {};
}

Result<std::vector<resources::StoredFile>> Unpacking::publish() {
  TRY_VOID(blobs_.sync_everything());
  std::vector<resources::StoredFile> stored;
  for (auto& [path, file] : files_) {
    TRY_VOID(blobs_.publish(*file.temporary, file.blob));
    stored.push_back({path, file.blob.digest, file.blob.bytes});
  }
  return stored;
}

}  // namespace

Result<std::vector<resources::StoredFile>> unpack_archive(BlobFolder& blobs,
                                                          const std::filesystem::path& archive,
                                                          const UnpackLimits& limits) {
  Unpacking unpacking(blobs, limits);
  TRY_VOID(unpacking.open(archive));
  TRY_VOID(unpacking.take_all());
  return unpacking.publish();
}

}  // namespace slipway::artifacts
