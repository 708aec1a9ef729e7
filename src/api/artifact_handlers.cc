#include "api/artifact_store.h"
#include "api/handlers.h"
#include "api/signed_link.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

constexpr std::size_t kMaxPaths = 1'000;  // of one batch; the client sends 50

// Upload links carry a user name before the real host, because the client rebuilds the URL from the
// first two dots of the host: with an IP address in their place it would reach nowhere.
std::string content_uri(const Context& context, const resources::Artifact& artifact, char use) {
  const std::string path = "/azureml/" + artifact.blob;
  constexpr std::string_view kScheme = "https://";
  const std::string host = context.base_url.substr(kScheme.size());
  const std::string user = use == 'w' ? "amlstore.blob.x@" : "";
  const SignedLink link{
      .use = use, .scope = context.workspace.uid, .name = artifact_name(artifact)};
  return std::string(kScheme) + user + host + path + "?" +
         sign_link(context.state.link_key, path, link, context.now());
}

json::object content_info(const Context& context, const resources::Artifact& artifact, char use) {
  return {{"contentUri", content_uri(context, artifact, use)},
          {"origin", artifact.origin},
          {"container", artifact.container},
          {"path", artifact.path}};
}

json::object artifact_json(const resources::Artifact& artifact) {
  return {{"artifactId", artifact_name(artifact)},
          {"origin", artifact.origin},
          {"container", artifact.container},
          {"path", artifact.path},
          {"etag", artifact.digest},
          {"createdTime", to_iso8601(artifact.created_ms)},
          {"dataPath", nullptr}};
}

struct PathItem {
  std::string path;
};
BOOST_DESCRIBE_STRUCT(PathItem, (), (path))
struct PathList {
  std::vector<PathItem> paths;
};
BOOST_DESCRIBE_STRUCT(PathList, (), (paths))

Result<std::vector<resources::Artifact>> new_artifacts(const Context& context) {
  TRY(const auto body, context.object());
  TRY(const auto list, from_json<PathList>(body));
  if (list.paths.empty() || list.paths.size() > kMaxPaths)
    return fail(ErrorCode::invalid_argument, "'paths' must name 1 to 1000 files", "BadRequest",
                "paths");
  std::vector<resources::Artifact> made;
  for (const auto& [path] : list.paths) {
    TRY_VOID(resources::check_relative_path(path));
    made.push_back({.origin = context.param("origin"),
                    .container = context.param("container"),
                    .path = path,
                    .blob = random_hex(16),
                    .digest = {},
                    .bytes = 0,
                    .created_ms = context.now()});
  }
  return made;
}

// Announcing a file again replaces it; models that were registered keep the bytes they had.
Result<void> keep(const Context& context, const std::vector<resources::Artifact>& made) {
  return context.store().write([&](store::Transaction& tx) -> Result<void> {
    for (const auto& artifact : made) {
      const auto key = context.key("artifact", artifact_name(artifact));
      TRY(const auto known, tx.get(key));
      if (known) {
        TRY_VOID(tx.update(key, to_json(artifact)));
      } else {
        TRY_VOID(tx.create(key, to_json(artifact)));
      }
    }
    return {};
  });
}

}  // namespace

Result<http::Response> create_artifacts(Context& context) {
  TRY(const auto made, new_artifacts(context));
  TRY_VOID(keep(context, made));
  json::object artifacts;
  json::object contents;
  for (const auto& artifact : made) {
    artifacts[artifact.path] = artifact_json(artifact);
    contents[artifact.path] = content_info(context, artifact, 'w');
  }
  return reply(200, {{"artifacts", std::move(artifacts)},
                     {"artifactContentInformation", std::move(contents)},
                     {"errors", json::object{}}});
}

Result<http::Response> get_content_info(Context& context) {
  const auto name =
      context.param("origin") + "/" + context.param("container") + "/" + context.param("path");
  TRY(const auto artifact, uploaded_artifact(context, name));
  return reply(200, content_info(context, artifact, 'r'));
}

Result<http::Response> list_content_info(Context& context) {
  const auto prefix =
      context.param("origin") + "/" + context.param("container") + "/" + context.param("path");
  TRY(const auto records,
      context.store().list("artifact", {.scope = context.workspace.uid, .name_prefix = prefix}));
  json::array value;
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    const auto& name = record->key.name;
    if (name != prefix && !prefix.ends_with('/') && name[prefix.size()] != '/') continue;
    TRY(const auto artifact, desired<resources::Artifact>(*record));
    if (!artifact.digest.empty()) value.push_back(content_info(context, artifact, 'r'));
  }
  return reply(200, {{"value", std::move(value)}, {"continuationToken", nullptr}});
}

}  // namespace slipway::api
