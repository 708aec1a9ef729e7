#pragma once
// Unpacking of archives into blobs; and the making of folders out of blobs.
#include "artifacts/blobs.h"

namespace slipway::artifacts {

Result<std::vector<resources::StoredFile>> unpack_archive(BlobFolder& blobs,
                                                          const std::filesystem::path& archive,
                                                          const UnpackLimits& limits);

Result<void> place_bundle(const BlobFolder& blobs, const std::filesystem::path& directory,
                          const std::vector<Placement>& placements,
                          const std::vector<std::pair<std::string, std::string>>& extra);

// Removes a folder that place_bundle made, also where its reader took the write permission away.
Result<void> remove_folder(const std::filesystem::path& directory);

}  // namespace slipway::artifacts
