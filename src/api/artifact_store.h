#pragma once
// Uploaded files: looked up by their address, and turned into the files of a model.
#include "api/context.h"

namespace slipway::api {

// Uploaded files by their documented address "origin/container/path", as the store keeps them.
std::string artifact_name(const resources::Artifact& artifact);
Result<resources::Artifact> find_artifact(store::Store& store, const std::string& scope,
                                          const std::string& name);
// `url` is "aml://artifact/origin/container/path". invalid_argument when it is no such URL.
Result<std::string> artifact_of_url(const std::string& url);
// The artifact, which must have been uploaded.
Result<resources::Artifact> uploaded_artifact(const Context& context, const std::string& name);
// The files that an asset's entry ({"prefix": …} or {"id": …}) stands for, by the paths that a
// model has them under: below the parent of the prefix.
Result<std::vector<resources::StoredFile>> files_of_entry(const Context& context,
                                                          const json::value& entry);

}  // namespace slipway::api
