#include "api/artifact_store.h"

namespace slipway::api {

std::string artifact_name(const resources::Artifact& artifact) {
  return artifact.origin + "/" + artifact.container + "/" + artifact.path;
}

Result<resources::Artifact> find_artifact(store::Store& store, const std::string& scope,
                                          const std::string& name) {
  TRY(const auto record, store.get({"artifact", scope, name}));
  if (record) return desired<resources::Artifact>(*record);
  return fail(ErrorCode::not_found, "there is no uploaded file '" + name + "'", "ArtifactNotFound",
              name);
}

Result<std::string> artifact_of_url(const std::string& url) {
  constexpr std::string_view kScheme = "aml://artifact/";
  if (url.starts_with(kScheme)) return url.substr(kScheme.size());
  return fail(ErrorCode::invalid_argument,
              "'" + url +
                  "' is not the address of an uploaded file; it must be "
                  "aml://artifact/<origin>/<container>/<path>",
              "BadRequest", "url");
}

Result<resources::Artifact> uploaded_artifact(const Context& context, const std::string& name) {
  TRY(auto artifact, find_artifact(context.store(), context.workspace.uid, name));
  if (!artifact.digest.empty()) return artifact;
  return fail(ErrorCode::invalid_argument,
              "the file '" + name + "' was announced but its bytes never arrived; upload it again",
              "ArtifactNotUploaded", name);
}

namespace {

resources::StoredFile stored(const resources::Artifact& artifact, std::size_t skipped) {
  return {
      .path = artifact.path.substr(skipped), .digest = artifact.digest, .bytes = artifact.bytes};
}

// How much of an artifact's path stands before the last segment of the prefix.
std::size_t parent_length(std::string_view prefix) {
  const auto slash = prefix.rfind('/');
  return slash == std::string_view::npos ? 0 : slash + 1;
}

Result<std::vector<resources::StoredFile>> files_below(const Context& context, std::string prefix) {
  while (prefix.ends_with('/')) prefix.pop_back();
  TRY(const auto records,
      context.store().list("artifact", {.scope = context.workspace.uid, .name_prefix = prefix}));
  std::vector<resources::StoredFile> files;
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    const auto& name = record->key.name;
    if (name != prefix && name[prefix.size()] != '/') continue;
    TRY(const auto artifact, uploaded_artifact(context, name));
    const auto before_path = name.size() - artifact.path.size();
    const auto parent = parent_length(prefix);
    files.push_back(stored(artifact, parent > before_path ? parent - before_path : 0));
  }
  if (!files.empty()) return files;
  return fail(ErrorCode::invalid_argument,
              "no uploaded file lies under '" + prefix + "'; upload the files first",
              "ArtifactNotFound", "artifacts");
}

}  // namespace

Result<std::vector<resources::StoredFile>> files_of_entry(const Context& context,
                                                          const json::value& entry) {
  const auto id = string_or(entry, "id", "");
  if (!id.empty()) {
    TRY(const auto artifact, uploaded_artifact(context, id));
    return std::vector{stored(artifact, parent_length(artifact.path))};
  }
  const auto prefix = string_or(entry, "prefix", "");
  if (!prefix.empty()) return files_below(context, prefix);
  return fail(ErrorCode::invalid_argument, "an artifact of an asset needs 'id' or 'prefix'",
              "BadRequest", "artifacts");
}

}  // namespace slipway::api
