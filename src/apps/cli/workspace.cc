#include "apps/cli/workspace.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "apps/cli/server_address.h"
#include "base/file.h"
#include "http/http.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return "";
  return std::string(text.substr(start, text.find_last_not_of(" \t\r") - start + 1));
}

}  // namespace

std::string WorkspaceName::path() const {
  return "/subscriptions/" + http::percent_encode(subscription) + "/resourceGroups/" +
         http::percent_encode(group) + "/providers/Microsoft.MachineLearningServices/workspaces/" +
         http::percent_encode(name);
}

std::optional<WorkspaceName> parse_workspace_id(std::string_view id) {
  std::vector<std::string> parts;
  for (std::istringstream stream{std::string(id)}; stream.good();)
    std::getline(stream, parts.emplace_back(), '/');
  if (parts.size() < 9 || lower(parts[1]) != "subscriptions" ||
      lower(parts[3]) != "resourcegroups" || lower(parts[7]) != "workspaces")
    return std::nullopt;
  return WorkspaceName{parts[2], parts[4], parts[8]};
}

std::optional<WorkspaceName> parse_project_config(const json::value& config) {
  if (const auto scope = string_or(config, "Scope", ""); !scope.empty())
    return parse_workspace_id(scope);
  WorkspaceName workspace{string_or(config, "subscription_id", ""),
                          string_or(config, "resource_group", ""),
                          string_or(config, "workspace_name", "")};
  if (!workspace.complete()) return std::nullopt;
  return workspace;
}

std::optional<WorkspaceName> find_project_config(const std::filesystem::path& folder) {
  std::error_code ignored;
  auto at = std::filesystem::absolute(folder, ignored).lexically_normal();
  while (true) {
    for (const char* name : {".azureml/config.json", "aml_config/config.json", "config.json"}) {
      const auto text = read_file(at / name, kConfigBytes);
      const auto config = text ? parse_json(*text) : Result<json::value>(text.error());
      if (!config) continue;
      if (auto workspace = parse_project_config(*config)) return workspace;
    }
    if (!at.has_relative_path()) return std::nullopt;
    at = at.parent_path();
  }
}

std::filesystem::path az_config_path() {
  if (auto folder = environment("AZURE_CONFIG_DIR"))
    return std::filesystem::path(*folder) / "config";
  return std::filesystem::path(environment("HOME").value_or("/")) / ".azure/config";
}

std::map<std::string, std::string> parse_az_defaults(std::string_view text) {
  std::map<std::string, std::string> out;
  bool inside = false;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    line = trimmed(line);
    if (line.starts_with('[')) inside = line == "[defaults]";
    const auto equals = line.find('=');
    if (!inside || line.starts_with('#') || equals == std::string::npos) continue;
    out[trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
  }
  return out;
}

std::string with_az_defaults(std::string_view text,
                             const std::map<std::string, std::string>& defaults) {
  std::string out = "[defaults]\n";
  for (const auto& [key, value] : defaults) out += key + " = " + value + "\n";
  bool inside = false;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    const auto clean = trimmed(line);
    if (clean.starts_with('[')) inside = clean == "[defaults]";
    if (!inside) out += line + "\n";
  }
  return out;
}

std::map<std::string, std::string> az_defaults() {
  const auto text = read_file(az_config_path(), kConfigBytes);
  return text ? parse_az_defaults(*text) : std::map<std::string, std::string>{};
}

Result<std::filesystem::path> write_project_config(const std::filesystem::path& folder,
                                                   const WorkspaceName& workspace) {
  const auto path = folder / ".azureml" / "config.json";
  TRY_VOID(make_directories(path.parent_path(), 0755));
  const json::object config{{"Id", nullptr}, {"Scope", workspace.path()}};
  TRY_VOID(write_file_atomic(path, pretty_json(config) + "\n", 0644));
  return path;
}

}  // namespace slipway::cli
