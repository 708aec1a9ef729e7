#include "apps/cli/transfer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <span>

#include "apps/cli/progress.h"
#include "base/crypto.h"
#include "base/file.h"
#include "resources/resources.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPathsPerRequest = 50;
constexpr std::uint64_t kSinglePutBytes = 64ULL << 20;
constexpr std::uint64_t kBlockBytes = 4ULL << 20;

http::Headers blob_headers() {
  return {{"x-ms-blob-type", "BlockBlob"},
          {"x-ms-version", "2021-08-06"},
          {"Content-Type", "application/octet-stream"}};
}

Error path_error(const fs::path& path, const std::string& what) {
  return fail(ErrorCode::invalid_argument, path.string() + " " + what, "BadPath", path.string());
}

// Uploads one file, block by block when it is large.
class FileUpload {
 public:
  FileUpload(Rest& rest, const LocalFile& file, Progress& progress)
      : rest_(rest), file_(file), progress_(progress) {}

  Result<void> run(const std::string& link) {
    fd_.reset(::open(file_.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_.valid()) return errno_error("cannot open " + file_.path.string());
    if (file_.bytes <= kSinglePutBytes) {
      TRY_VOID(put(link, file_.bytes));
    } else {
      TRY_VOID(put_blocks(link));
    }
    return check(link);
  }

 private:
  Result<void> put(const std::string& link, std::uint64_t length) {
    std::uint64_t left = length;
    const auto source = [&](char* buffer, std::size_t capacity) -> Result<std::size_t> {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(capacity, left));
      const auto got = want == 0 ? 0 : ::read(fd_.get(), buffer, want);
      if (got < 0) return errno_error("cannot read " + file_.path.string());
      if (got == 0 && want != 0) return path_error(file_.path, "became shorter while it was read");
      left -= static_cast<std::uint64_t>(got);
      sent_ += static_cast<std::uint64_t>(got);
      progress_.show(fmt::format("{} ({} of {} MiB)", file_.name, sent_ >> 20, file_.bytes >> 20));
      return static_cast<std::size_t>(got);
    };
    TRY(const auto answer, rest_.stream("PUT", link, blob_headers(), length, source));
    return {};
  }

  Result<void> put_blocks(const std::string& link) {
    std::string list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
    for (std::uint64_t at = 0; at < file_.bytes; at += kBlockBytes) {
      if (interrupted()) return fail(ErrorCode::cancelled, "the upload was given up");
      const auto id = to_base64(fmt::format("{:032}", at / kBlockBytes));
      std::string target = link;
      add_query(target, "comp", "block");
      add_query(target, "blockid", id);
      TRY_VOID(put(target, std::min(kBlockBytes, file_.bytes - at)));
      list += "<Latest>" + id + "</Latest>";
    }
    std::string target = link;
    add_query(target, "comp", "blocklist");
    return put_text(target, list + "</BlockList>");
  }

  Result<void> put_text(const std::string& target, const std::string& text) {
    std::size_t at = 0;
    const auto source = [&](char* buffer, std::size_t capacity) -> Result<std::size_t> {
      const auto copied = text.copy(buffer, capacity, at);
      at += copied;
      return copied;
    };
    TRY(const auto answer, rest_.stream("PUT", target, blob_headers(), text.size(), source));
    return {};
  }

  // The size that the server holds is the size that we have read.
  Result<void> check(const std::string& link) {
    TRY(const auto answer, rest_.send(link, {"HEAD", {}, {}, {}}));
    const auto length = answer.headers.get_or("Content-Length", "");
    if (answer.status == 200 && length == std::to_string(file_.bytes)) return {};
    return fail(ErrorCode::internal,
                fmt::format("{}: the server holds {} bytes of {}; upload it again", file_.name,
                            length, file_.bytes));
  }

  Rest& rest_;
  const LocalFile& file_;
  Progress& progress_;
  Fd fd_;
  std::uint64_t sent_ = 0;
};

Result<void> upload_some(Context& context, std::span<const LocalFile> files,
                         const std::string& container, Progress& progress) {
  json::array paths;
  for (const auto& file : files) paths.push_back(json::object{{"path", file.name}});
  TRY(const auto announced,
      context.call("POST", Face::artifact, "/artifacts/batch/metadata/LocalUpload/" + container,
                   json::object{{"paths", std::move(paths)}}));
  TRY(auto* rest, context.rest());
  const auto* links = find(announced.body, "artifactContentInformation");
  for (const auto& file : files) {
    const auto* link = links == nullptr ? nullptr : find(*links, file.name);
    if (link == nullptr)
      return fail(ErrorCode::internal, "the server gave no link to upload " + file.name);
    TRY_VOID(FileUpload(*rest, file, progress).run(string_or(*link, "contentUri", "")));
  }
  return {};
}

// Each segment encoded, the slashes kept.
std::string encode_path(const std::string& path) {
  std::string out;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    out += (at == 0 ? "" : "/") + http::percent_encode(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Result<void> fetch_file(Rest& rest, const std::string& link, const fs::path& path) {
  const fs::path part = path.string() + ".part";
  const Fd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return errno_error("cannot write " + part.string());
  const auto sink = [&](std::string_view piece) -> Result<void> {
    while (!piece.empty()) {
      const auto written = ::write(fd.get(), piece.data(), piece.size());
      if (written < 0) return errno_error("cannot write " + part.string());
      piece.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  };
  const auto nothing = [](char*, std::size_t) -> Result<std::size_t> { return std::size_t{0}; };
  auto answer = rest.stream("GET", link, {}, 0, nothing, sink);
  std::error_code code;
  if (answer) fs::rename(part, path, code);
  if (answer && !code) return {};
  fs::remove(part, code);
  return answer ? fail(ErrorCode::internal, "cannot write " + path.string()) : answer.error();
}

}  // namespace

Result<std::vector<LocalFile>> files_at(const fs::path& path) {
  std::error_code code;
  const auto whole = fs::absolute(path, code).lexically_normal();
  const auto clean = whole.has_filename() ? whole : whole.parent_path();
  const auto status = fs::status(clean, code);
  if (!fs::exists(status)) return path_error(path, "does not exist");
  const auto parent = clean.parent_path();
  if (fs::is_regular_file(status))
    return std::vector<LocalFile>{{clean, clean.filename().string(), fs::file_size(clean, code)}};
  if (!fs::is_directory(status)) return path_error(path, "is neither a file nor a folder");
  std::vector<LocalFile> files;
  for (fs::recursive_directory_iterator at(clean, code), end; !code && at != end;
       at.increment(code)) {
    if (!at->is_regular_file(code)) continue;
    files.push_back(
        {at->path(), at->path().lexically_relative(parent).generic_string(), at->file_size(code)});
  }
  if (code) return path_error(path, "cannot be read: " + code.message());
  if (files.empty()) return path_error(path, "is an empty folder; there is nothing to upload");
  std::ranges::sort(files, {}, &LocalFile::name);
  return files;
}

std::string new_container() {
  const std::time_t now = system_clock().now_ms() / 1000;
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%y%m%dT%H%M%S", &utc);
  return std::string(stamp) + "-" + random_hex(4);
}

Result<void> upload(Context& context, const std::vector<LocalFile>& files,
                    const std::string& container) {
  Progress progress("Uploading");
  const std::span<const LocalFile> all(files);
  for (std::size_t at = 0; at < all.size(); at += kPathsPerRequest)
    TRY_VOID(upload_some(context, all.subspan(at, std::min(kPathsPerRequest, all.size() - at)),
                         container, progress));
  return {};
}

Result<std::vector<std::string>> download(Context& context, const std::string& prefix,
                                          const fs::path& folder, bool overwrite) {
  TRY(const auto infos,
      context.list(Face::artifact, "/artifacts/prefix/contentinfo/" + encode_path(prefix)));
  TRY(auto* rest, context.rest());
  Progress progress("Downloading");
  // "LocalUpload/<container>/dir": what lies above `dir` is not part of the local path.
  const auto inside =
      prefix.substr(std::min(prefix.find('/', prefix.find('/') + 1), prefix.size()));
  const auto above = inside.rfind('/');
  std::vector<std::string> written;
  for (const auto& info : infos) {
    const auto name = string_or(info, "path", "").substr(above == std::string::npos ? 0 : above);
    TRY_VOID(resources::check_relative_path(name));
    const auto path = folder / name;
    std::error_code code;
    if (!overwrite && fs::exists(path, code))
      return fail(ErrorCode::conflict, path.string() + " exists already; --overwrite replaces it",
                  "FileExists");
    TRY_VOID(make_directories(path.parent_path(), 0755));
    progress.show(name);
    TRY_VOID(fetch_file(*rest, string_or(info, "contentUri", ""), path));
    written.push_back(path.string());
  }
  if (written.empty()) return fail(ErrorCode::not_found, "there are no files to download");
  return written;
}

}  // namespace slipway::cli
