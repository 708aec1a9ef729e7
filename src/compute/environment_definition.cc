#include "compute/environment_definition.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace slipway::compute {
namespace {

// Their work is done by our own runtime package.
constexpr std::array kOurs{"azureml-defaults",
                           "azureml-core",
                           "azureml-monitoring",
                           "azureml-contrib-services",
                           "azureml-sdk",
                           "azureml-model-management-sdk",
                           "azureml-inference-server-http"};

struct Renamed {
  std::string_view conda;
  std::string_view pip;  // empty: no Python package
};
constexpr std::array kRenamed{Renamed{"pytorch", "torch"},
                              Renamed{"pytorch-cpu", "torch"},
                              Renamed{"py-xgboost", "xgboost"},
                              Renamed{"py-xgboost-cpu", "xgboost"},
                              Renamed{"tensorflow-gpu", "tensorflow"},
                              Renamed{"tensorflow-base", "tensorflow"},
                              Renamed{"matplotlib-base", "matplotlib"},
                              Renamed{"opencv", "opencv-python-headless"},
                              Renamed{"py-opencv", "opencv-python-headless"},
                              Renamed{"msgpack-python", "msgpack"},
                              Renamed{"pytables", "tables"},
                              Renamed{"dask-core", "dask"},
                              Renamed{"pillow-simd", "pillow"},
                              Renamed{"scikit-learn-intelex", "scikit-learn-intelex"},
                              Renamed{"pip", ""},
                              Renamed{"setuptools", "setuptools"},
                              Renamed{"cudatoolkit", ""},
                              Renamed{"mkl", ""},
                              Renamed{"libgcc", ""},
                              Renamed{"openssl", ""},
                              Renamed{"nomkl", ""},
                              Renamed{"blas", ""},
                              Renamed{"cpuonly", ""},
                              Renamed{"gcc", ""}};

std::string trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return std::string(text);
}

std::size_t name_end(std::string_view requirement) {
  const auto end = requirement.find_first_of("=<>!~ [;@");
  return end == requirement.npos ? requirement.size() : end;
}

// Conda's "=1.2" means any 1.2; "=1.2=py36_0" names a build, which pip has not.
std::string pip_version(std::string version) {
  if (version.empty() || version.find_first_of("<>!~") != version.npos) return version;
  const bool exact = version.starts_with("==");
  version.erase(0, version.find_first_not_of("= "));
  if (const auto build = version.find('='); build != version.npos) version.resize(build);
  if (version.empty() || version == "*") return {};
  if (exact || version.ends_with("*")) return "==" + version;
  return "==" + version + ".*";
}

class Normaliser {
 public:
  Result<NormalDefinition> run(const json::object& definition);

 private:
  Result<void> dependency(const json::value& value);
  void conda(const std::string& line);
  void pip(const std::string& line);
  void note_sections(const json::object& definition);
  NormalDefinition out_;
  bool schema_ = false;  // azureml-defaults brings inference-schema
};

void Normaliser::conda(const std::string& line) {
  std::string text = trimmed(line);
  if (const auto channel = text.find("::"); channel != text.npos) text.erase(0, channel + 2);
  const auto end = name_end(text);
  if (requirement_name(text) == "python") {
    const auto version = text.find_first_of("0123456789");
    out_.python = version == text.npos ? "" : text.substr(version);
    out_.python.resize(std::min(out_.python.size(), out_.python.find_first_not_of("0123456789.")));
    while (out_.python.ends_with('.')) out_.python.pop_back();
    return;
  }
  if (const auto requirement = pip_of_conda(text); !requirement.empty())
    pip(requirement);
  else
    out_.notes.push_back("'" + text.substr(0, end) + "' of conda is no Python package; left out");
}

void Normaliser::pip(const std::string& line) {
  const std::string text = trimmed(line);
  if (text.empty() || text.starts_with('#')) return;
  if (text.starts_with('-')) {
    out_.notes.push_back("the pip option '" + text.substr(0, text.find_first_of(" =")) +
                         "' is left out");
    return;
  }
  const std::string name = requirement_name(text);
  schema_ |= name == "azureml-defaults";
  if (std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end()) return;
  if (std::find(out_.requirements.begin(), out_.requirements.end(), text) ==
      out_.requirements.end())
    out_.requirements.push_back(text);
}

Result<void> Normaliser::dependency(const json::value& value) {
  if (value.is_string()) {
    conda(std::string(value.get_string()));
    return {};
  }
  const auto* list = find(value, "pip");
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::invalid_argument,
                "a conda dependency must be a text like \"numpy=1.18\" or {\"pip\": [...]}, not " +
                    json::serialize(value),
                "BadRequest", "python.condaDependencies.dependencies");
  for (const auto& each : list->get_array()) {
    TRY(const auto line, from_json<std::vector<std::string>>(json::array{each}));
    pip(line.front());
  }
  return {};
}

void Normaliser::note_sections(const json::object& definition) {
  const auto* docker = find(definition, "docker");
  if (docker == nullptr) return;
  const auto image = string_or(*docker, "baseImage", "");
  if (!image.empty() && image.find("azureml/") == image.npos)
    out_.notes.push_back("the base image '" + image +
                         "' is not used: replicas run on this machine");
  if (!string_or(*docker, "baseDockerfile", "").empty())
    out_.notes.push_back("the base Dockerfile is not used: replicas run on this machine");
}

Result<NormalDefinition> Normaliser::run(const json::object& definition) {
  note_sections(definition);
  const auto* python = find(definition, "python");
  if (python == nullptr || python->is_null()) return std::move(out_);
  if (const auto* managed = find(*python, "userManagedDependencies");
      managed != nullptr && *managed == json::value(true)) {
    out_.interpreter = string_or(*python, "interpreterPath", "python3");
    return std::move(out_);
  }
  const auto* conda = find(*python, "condaDependencies");
  const auto* list = conda == nullptr ? nullptr : find(*conda, "dependencies");
  if (list != nullptr && list->is_array())
    for (const auto& each : list->get_array()) TRY_VOID(dependency(each));
  const bool asked =
      std::any_of(out_.requirements.begin(), out_.requirements.end(),
                  [](auto& line) { return requirement_name(line) == "inference-schema"; });
  if (schema_ && !asked) out_.requirements.emplace_back("inference-schema");
  return std::move(out_);
}

}  // namespace

std::string requirement_name(std::string_view requirement) {
  std::string name = trimmed(requirement.substr(0, name_end(requirement)));
  for (char& c : name)
    c = c == '_' || c == '.' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

std::string pip_of_conda(std::string_view conda) {
  const std::string name = requirement_name(conda);
  const std::string version = pip_version(trimmed(conda.substr(name_end(conda))));
  for (const auto& each : kRenamed)
    if (each.conda == name) return each.pip.empty() ? "" : std::string(each.pip) + version;
  return name + version;
}

Result<NormalDefinition> normalise(const json::object& definition) {
  return Normaliser().run(definition);
}

}  // namespace slipway::compute
