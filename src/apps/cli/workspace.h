#pragma once
// Which workspace a command speaks about.
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace slipway::cli {

// The three names of a workspace; empty ones are not known (yet).
struct WorkspaceName {
  std::string subscription;
  std::string group;
  std::string name;
  bool complete() const { return !subscription.empty() && !group.empty() && !name.empty(); }
  // "/subscriptions/…/workspaces/<name>", percent-encoded.
  std::string path() const;
};

// Of an ARM id, or nothing when `id` names no workspace.
std::optional<WorkspaceName> parse_workspace_id(std::string_view id);

// Both forms: {"Id", "Scope"} and {"subscription_id", "resource_group", "workspace_name"}. Nothing
// when the JSON is neither (other programs have a config.json too).
std::optional<WorkspaceName> parse_project_config(const json::value& config);

// Of the nearest .azureml/config.json, aml_config/config.json or config.json from `folder` upwards.
std::optional<WorkspaceName> find_project_config(const std::filesystem::path& folder);

// The [defaults] of az's configuration file ($AZURE_CONFIG_DIR/config, else ~/.azure/config).
std::map<std::string, std::string> az_defaults();
std::filesystem::path az_config_path();
std::map<std::string, std::string> parse_az_defaults(std::string_view text);
// The file's text with its [defaults] replaced; other sections are kept as they are.
std::string with_az_defaults(std::string_view text,
                             const std::map<std::string, std::string>& defaults);

// Writes `<folder>/.azureml/config.json`.
Result<std::filesystem::path> write_project_config(const std::filesystem::path& folder,
                                                   const WorkspaceName& workspace);

}  // namespace slipway::cli
