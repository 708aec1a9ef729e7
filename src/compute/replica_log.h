#pragma once
// The captured output of one replica: <folder>/output.log and its older parts output.1.log …, at
// most kParts × kPartBytes in all.
//
// Owner: the local driver, which writes on its thread; tail() only reads files and may run
// anywhere.
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace slipway::compute {

class ReplicaLog {
 public:
  static constexpr std::size_t kPartBytes = 1U << 20;
  static constexpr int kParts = 4;

  static Result<ReplicaLog> open(const std::filesystem::path& folder);
  // Best effort: a full disk loses output, never the replica.
  void append(std::string_view text);
  // The last `lines` lines of a log folder.
  static std::string tail(const std::filesystem::path& folder, std::size_t lines);

 private:
  void rotate();
  std::filesystem::path folder_;
  Fd file_;
  std::size_t bytes_ = 0;
};

// The last `lines` lines of a text.
std::string_view last_lines(std::string_view text, std::size_t lines);

}  // namespace slipway::compute
