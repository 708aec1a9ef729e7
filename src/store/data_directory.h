#pragma once
// DataDirectory: the folder of one daemon, claimed for as long as the object lives. It makes the
// folder (0700) and the sealing key (0600, 32 bytes) on first use, and holds slipway.lock.
//
// Owner: the Store. Invariant: at most one live DataDirectory per folder on this machine.
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace slipway::store {

class DataDirectory {
 public:
  // conflict when another process holds the folder (its pid is named); forbidden when the folder or
  // the key has the wrong permissions; precondition_failed when the key is lost or no key.
  static Result<DataDirectory> claim(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path database() const { return folder_ / "slipway.db"; }
  const std::string& key() const { return key_; }

 private:
  explicit DataDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> make_folder();
  Result<void> lock();
  Result<void> load_key();
  Result<void> make_database_file();

  std::filesystem::path folder_;
  Fd lock_;
  std::string key_;
};

}  // namespace slipway::store
