#include "compute/replica_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace slipway::compute {
namespace fs = std::filesystem;
namespace {

fs::path part(const fs::path& folder, int index) {
  return folder / (index == 0 ? std::string("output.log") : fmt::format("output.{}.log", index));
}

Result<Fd> open_file(const fs::path& path) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return errno_error("cannot create " + path.string());
  return file;
}

}  // namespace

Result<ReplicaLog> ReplicaLog::open(const fs::path& folder) {
  ReplicaLog log;
  log.folder_ = folder;
  TRY(log.file_, open_file(part(folder, 0)));
  return log;
}

void ReplicaLog::append(std::string_view text) {
  if (bytes_ + text.size() > kPartBytes) rotate();
  const ssize_t n = ::write(file_.get(), text.data(), text.size());
  if (n > 0) bytes_ += static_cast<std::size_t>(n);
}

void ReplicaLog::rotate() {
  std::error_code ignored;
  for (int i = kParts - 2; i >= 0; --i) fs::rename(part(folder_, i), part(folder_, i + 1), ignored);
  if (auto file = open_file(part(folder_, 0)); file) file_ = std::move(*file);
  bytes_ = 0;
}

std::string ReplicaLog::tail(const fs::path& folder, std::size_t lines) {
  std::string text;
  for (int i = 0; i < kParts; ++i) {
    text.insert(0, read_file(part(folder, i)).value_or(""));
    const auto last = last_lines(text, lines);
    if (last.size() < text.size()) return std::string(last);
  }
  return text;
}

std::string_view last_lines(std::string_view text, std::size_t lines) {
  std::size_t end = text.size();
  if (end > 0 && text[end - 1] == '\n') --end;
  for (std::size_t at = end; lines > 0; --at) {
    if (at == 0) return text;
    if (text[at - 1] == '\n' && --lines == 0) return text.substr(at);
  }
  return {};
}

}  // namespace slipway::compute
