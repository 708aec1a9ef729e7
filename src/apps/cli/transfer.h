#pragma once
// Files to and from the server by the documented artifact protocol, streamed: a file of any size
// takes constant memory.
#include <filesystem>
#include <string>
#include <vector>

#include "apps/cli/context.h"

namespace slipway::cli {

struct LocalFile {
  std::filesystem::path path;
  std::string name;  // relative to the parent of what was asked for, '/' separated
  std::uint64_t bytes = 0;
};

// One file, or all files below a folder. invalid_argument when the path is missing, empty, or
// neither file nor folder.
Result<std::vector<LocalFile>> files_at(const std::filesystem::path& path);

// A name for a new container: time and a random part, as the documented clients make it.
std::string new_container();

// Uploads under LocalUpload/<container>/<name>.
Result<void> upload(Context& context, const std::vector<LocalFile>& files,
                    const std::string& container);

// The files below `prefix` ("LocalUpload/c/dir") into `folder`, their paths kept from the last part
// of the prefix on. conflict when one exists and `overwrite` is false.
Result<std::vector<std::string>> download(Context& context, const std::string& prefix,
                                          const std::filesystem::path& folder, bool overwrite);

// `<random>.tar.gz` in the temporary folder with everything below `folder`, whose name stays the
// top folder inside. The caller removes it.
Result<LocalFile> pack_folder(const std::filesystem::path& folder);

}  // namespace slipway::cli
