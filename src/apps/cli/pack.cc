// The source folder of a deployment as one compressed archive. The only file that knows libarchive.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "apps/cli/transfer.h"
#include "base/crypto.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

struct Free {
  void operator()(archive* writer) const { archive_write_free(writer); }
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

Error archive_failure(archive* writer) {
  return fail(ErrorCode::internal,
              std::string("cannot pack the source folder: ") + archive_error_string(writer));
}

Result<void> add_content(archive* writer, const LocalFile& file) {
  const Fd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot read " + file.path.string());
  std::string buffer(64 << 10, '\0');
  while (true) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0) return errno_error("cannot read " + file.path.string());
    if (got == 0) return {};
    if (archive_write_data(writer, buffer.data(), static_cast<std::size_t>(got)) < 0)
      return archive_failure(writer);
  }
}

Result<void> add_file(archive* writer, const LocalFile& file) {
  const std::unique_ptr<archive_entry, Free> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), file.name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.bytes));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), ::access(file.path.c_str(), X_OK) == 0 ? 0755 : 0644);
  if (archive_write_header(writer, entry.get()) != ARCHIVE_OK) return archive_failure(writer);
  return add_content(writer, file);
}

}  // namespace

Result<LocalFile> pack_folder(const fs::path& folder) {
  TRY(const auto files, files_at(folder));
  std::error_code code;
  const std::string name = random_hex(4) + ".tar.gz";
  const fs::path path = fs::temp_directory_path(code) / name;
  const std::unique_ptr<archive, Free> writer(archive_write_new());
  archive_write_add_filter_gzip(writer.get());
  archive_write_set_format_pax_restricted(writer.get());
  if (archive_write_open_filename(writer.get(), path.c_str()) != ARCHIVE_OK)
    return archive_failure(writer.get());
  for (const auto& file : files) TRY_VOID(add_file(writer.get(), file));
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return archive_failure(writer.get());
  return LocalFile{path, name, fs::file_size(path, code)};
}

}  // namespace slipway::cli
