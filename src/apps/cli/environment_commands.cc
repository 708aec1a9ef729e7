#include <fmt/format.h>

#include "apps/cli/config_file.h"
#include "apps/cli/inference.h"
#include "apps/cli/output.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

std::string environment_path(const Arguments& arguments) {
  std::string path = "/environments/" + http::percent_encode(arguments.text("--name"));
  if (arguments.has("--version"))
    path += "/versions/" + http::percent_encode(arguments.text("--version"));
  return path;
}

Result<json::value> finish(Context& context, json::value answer) {
  TRY_VOID(write_metadata(context, answer));
  return answer;
}

Result<json::value> show(Context& context) {
  TRY(auto environment, context.get(Face::environment, environment_path(context.arguments())));
  return finish(context, std::move(environment));
}

Result<json::value> list(Context& context) {
  TRY(const auto all, context.list(Face::environment, "/environments"));
  if (context.verbose()) return finish(context, all);
  json::array rows;
  for (const auto& one : all)
    rows.push_back(json::object{{"name", string_or(one, "name", "")},
                                {"version", string_or(one, "version", "")}});
  return finish(context, std::move(rows));
}

Result<json::value> register_environment(Context& context) {
  TRY(auto definition, environment_of_folder(context.file("--directory")));
  const auto name = string_or(definition, "name", "");
  if (name.empty())
    return fail(ErrorCode::invalid_argument,
                "azureml_environment.json names no environment; give it a \"name\"",
                "InvalidConfiguration", "name");
  std::string path = "/environments/" + http::percent_encode(name);
  if (const auto version = string_or(definition, "version", ""); !version.empty())
    path += "/versions/" + http::percent_encode(version);
  TRY(auto made, context.call("PUT", Face::environment, path, definition));
  return finish(context, std::move(made.body));
}

Result<void> write_new(const fs::path& path, const std::string& content, bool overwrite) {
  std::error_code code;
  if (!overwrite && fs::exists(path, code))
    return fail(ErrorCode::conflict, path.string() + " exists already; it is left as it is",
                "FileExists");
  return write_file_atomic(path, content, 0644);
}

// Conda dependencies lie in a file of their own, where conda can use them too.
Result<void> write_folder(const fs::path& folder, json::object definition, bool overwrite) {
  TRY_VOID(make_directories(folder, 0755));
  if (auto* python = definition.if_contains("python"); python != nullptr && python->is_object()) {
    auto& members = python->get_object();
    if (const auto* conda = members.if_contains("condaDependencies");
        conda != nullptr && conda->is_object()) {
      TRY_VOID(write_new(folder / "conda_dependencies.yml", render(*conda, "yaml", Colour::off),
                         overwrite));
      members["condaDependencies"] = nullptr;
    }
  }
  return write_new(folder / "azureml_environment.json", pretty_json(definition) + "\n", overwrite);
}

Result<json::value> download_environment(Context& context) {
  TRY(const auto environment,
      context.get(Face::environment, environment_path(context.arguments())));
  const auto folder = context.file("--directory");
  TRY_VOID(write_folder(folder, environment.as_object(), context.arguments().flag("--overwrite")));
  return finish(context, json::value{{"directory", folder.string()}});
}

Result<json::value> scaffold(Context& context) {
  const json::object definition{
      {"name", context.arguments().text("--name")},
      {"version", nullptr},
      {"environmentVariables", {{"EXAMPLE_ENV_VAR", "EXAMPLE_VALUE"}}},
      {"python",
       {{"userManagedDependencies", false},
        {"interpreterPath", "python"},
        {"condaDependenciesFile", nullptr},
        {"condaDependencies",
         {{"name", "project_environment"},
          {"channels", {"conda-forge"}},
          {"dependencies", {"python=3.11", {{"pip", json::array{"azureml-defaults"}}}}}}}}}};
  const auto folder = context.file("--directory");
  TRY_VOID(write_folder(folder, definition, false));
  return finish(context, json::value{{"directory", folder.string()}});
}

}  // namespace

// clang-format off
std::vector<Command> environment_commands() {
  const Option metadata{"--output-metadata-file,-t", Kind::text, "File that the answer is written to, as JSON."};
  const Option name{"--name,-n", Kind::text, "Name of the environment.", Need::required};
  const Option version{"--version,-v", Kind::text, "Its version [newest]."};
  const Option folder{"--directory,-d", Kind::text, "Folder with azureml_environment.json and conda_dependencies.yml.", Need::required};
  return {
      {"ml environment register", "Register an environment; the same definition keeps its version.", {folder, metadata},
       {"ml environment register -d myenv"}, register_environment},
      {"ml environment show", "Show an environment.", {name, version, metadata},
       {"ml environment show -n myenv", "ml environment show -n myenv -v 2 -o yaml"}, show},
      {"ml environment list", "List environments, the newest version of each.", {metadata}, {"ml environment list -o table"}, list},
      {"ml environment download", "Write an environment into a folder.",
       {name, version, folder, {"--overwrite", Kind::boolean, "Replace files that are there already."}, metadata},
       {"ml environment download -n myenv -d myenv"}, download_environment},
      {"ml environment scaffold", "Write a new environment into a folder, to be edited and registered.", {name, folder, metadata},
       {"ml environment scaffold -n myenv -d myenv"}, scaffold},
  };
}
// clang-format on

}  // namespace slipway::cli
