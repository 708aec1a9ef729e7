#pragma once
// artifacts: bytes by digest (models, entry scripts, source directories) on local disk.
//
// Owner: the daemon. Any thread; calls block on files, so they run on a WorkPool. Content is
// written to a temporary file, synced and renamed to <root>/sha256/<2>/<62>, so a blob is whole or
// absent; blobs are read-only and shared by every model and bundle that has the same bytes.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "resources/resources.h"

namespace slipway::artifacts {

struct Blob {
  std::string digest;  // SHA-256, hexadecimal
  std::int64_t bytes = 0;
};

// A blob on its way in. Dropped without a trace unless committed.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Result<void> write(std::string_view piece) = 0;
  // conflict when `expected_md5` (16 raw bytes, may be empty) does not match.
  virtual Result<Blob> commit(std::string_view expected_md5 = {}) = 0;
};

// Blocks of an upload that comes in pieces and out of order, by the caller's block ids; they
// outlive a restart and are collected after a day.
struct BlockList {
  std::string upload;                  // opaque upload name (hexadecimal)
  std::vector<std::string> block_ids;  // in order
};

// Bounds of unpacking. A tar or zip above any of them is refused whole.
struct UnpackLimits {
  std::int64_t bytes = 20LL << 30;
  std::int64_t files = 100'000;
  std::size_t path_bytes = 1024;
  int depth = 64;
};

// What a replica's folder is made of; `place` hard-links (or copies) the blobs under their paths.
struct Placement {
  std::string folder;  // relative to the bundle
  std::vector<resources::StoredFile> files;
};

class Artifacts {
 public:
  static Result<std::unique_ptr<Artifacts>> open(const std::filesystem::path& root,
                                                 const Clock& clock);
  virtual ~Artifacts() = default;

  virtual Result<std::unique_ptr<Upload>> begin_upload() = 0;
  virtual Result<std::unique_ptr<Upload>> begin_block(const std::string& upload,
                                                      const std::string& block_id) = 0;
  virtual Result<Blob> commit_blocks(const BlockList& list) = 0;

  virtual bool has(const std::string& digest) const = 0;
  // The blob's file, for streaming out. not_found.
  virtual Result<std::filesystem::path> path_of(const std::string& digest) const = 0;
  // Reads and checks the digest; `internal` when the bytes have rotted.
  virtual Result<void> verify(const std::string& digest) const = 0;

  // Unpacks a tar (plain, gz, bz2, xz, zstd) or zip blob into blobs of its own and lists its files.
  // Refuses absolute paths, "..", links of either kind, devices, duplicates, and what passes
  // `limits`.
  virtual Result<std::vector<resources::StoredFile>> unpack(const std::string& digest,
                                                            const UnpackLimits& limits = {}) = 0;

  // Makes `directory` (which must not exist) hold every placement, and `extra` small files
  // (name → content); atomically: it appears whole or not at all.
  virtual Result<void> place(const std::filesystem::path& directory,
                             const std::vector<Placement>& placements,
                             const std::vector<std::pair<std::string, std::string>>& extra) = 0;

  // Removes a folder that place() made, though its folders are read only.
  virtual Result<void> remove_tree(const std::filesystem::path& directory) = 0;

  // Removes every blob that `referenced` does not name and that is older than `grace_ms`, and stale
  // uploads. Returns the bytes freed.
  virtual Result<std::int64_t> collect(const std::set<std::string>& referenced,
                                       TimeMs grace_ms) = 0;
};

}  // namespace slipway::artifacts
