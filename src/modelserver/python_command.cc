#include "modelserver/python_command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

using Environment = std::map<std::string, std::string>;

Result<fs::path> find_python(const std::string& name, const fs::path& folder) {
  const auto runs = [](const fs::path& path) {
    return fs::is_regular_file(path) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    if (const fs::path path = fs::absolute(folder / name); runs(path)) return path;
  } else {
    const char* list = std::getenv("PATH");
    std::istringstream folders(list == nullptr ? "/usr/local/bin:/usr/bin:/bin" : list);
    for (std::string item; std::getline(folders, item, ':');)
      if (const fs::path path = fs::path(item) / name; runs(path)) return path;
  }
  return fail(ErrorCode::not_found,
              fmt::format("the Python interpreter {} is not there or cannot be executed; name one "
                          "with --python",
                          name),
              "PythonNotFound", "python");
}

Environment inherited() {
  Environment out;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || line.starts_with("SLIPWAY_READY_FD=")) continue;
    out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

// Numeric libraries start a thread per core of the machine unless told what this replica may use.
void limit_threads(Environment& environment, double cpu) {
  const auto threads = std::to_string(std::max(1L, std::lround(std::ceil(cpu))));
  for (const auto* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
    environment.emplace(name, threads);
}

void document(Environment& environment, const Bundle& bundle, const fs::path& folder) {
  environment["AML_APP_ROOT"] = folder;
  environment["AZUREML_MODEL_DIR"] = model_directory(bundle, folder);
  environment["AZUREML_ENTRY_SCRIPT"] = bundle.entry_script;
  environment["AZUREML_SOURCE_DIRECTORY"] = bundle.source_directory;
  environment["SERVICE_NAME"] = bundle.service_name;
  environment["SERVICE_VERSION"] = bundle.service_version;
  environment["SERVICE_PATH_PREFIX"] = bundle.path_prefix;
  environment["WORKSPACE_NAME"] = bundle.workspace_name;
  environment["SCORING_TIMEOUT_MS"] = std::to_string(bundle.scoring_timeout_ms);
  environment["WORKER_COUNT"] = std::to_string(bundle.workers);
}

}  // namespace

Result<WorkerCommand> python_command(const Bundle& bundle, const fs::path& folder,
                                     const fs::path& runtime) {
  WorkerCommand command;
  TRY(const auto python, find_python(bundle.python, folder));
  const fs::path source = (folder / bundle.source_directory).lexically_normal();
  if (!fs::is_directory(source))
    return fail(ErrorCode::not_found,
                fmt::format("the source directory {} does not exist", source.string()),
                "UserScriptImportError", "source_directory");
  Environment environment = inherited();
  document(environment, bundle, folder);
  for (const auto& [name, value] : bundle.environment_variables) environment[name] = value;
  limit_threads(environment, bundle.cpu);
  const std::string path = environment["PYTHONPATH"];
  environment["PYTHONPATH"] = runtime.string() + (path.empty() ? "" : ":" + path);
  for (const auto& [name, value] : environment) command.environment.push_back(name + "=" + value);
  const auto script = (source / bundle.entry_script).lexically_normal();
  command.arguments = {python, "-m", "slipway_runtime.worker", "3", script};
  command.directory = source;
  return command;
}

}  // namespace slipway::modelserver
