#include "modelserver/bundle.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/file.h"
#include "base/json.h"

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kBundleBytes = 1 << 20;

Error bad(std::string target, std::string_view rule, std::string_view value) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("bundle.json: {} is \"{}\"; {}", target, value, rule), "InvalidBundle",
              target);
}

Result<void> check_inside(const std::string& name, const std::string& path) {
  const fs::path given(path);
  const bool up = std::any_of(given.begin(), given.end(), [](const auto& p) { return p == ".."; });
  if (given.is_absolute() || up || path.find('\0') != std::string::npos)
    return bad(name, "it must be a relative path that stays inside the bundle's folder", path);
  return {};
}

Result<void> check_range(const std::string& name, std::int64_t value, std::int64_t low,
                         std::int64_t high) {
  if (value < low || value > high)
    return bad(name, fmt::format("it must lie between {} and {}", low, high),
               std::to_string(value));
  return {};
}

Result<void> check_numbers(const Bundle& bundle) {
  TRY_VOID(check_range("workers", bundle.workers, 1, 256));
  TRY_VOID(check_range("scoring_timeout_ms", bundle.scoring_timeout_ms, 1, 86'400'000));
  TRY_VOID(check_range("max_concurrent_requests", bundle.max_concurrent_requests, 1, 10'000));
  TRY_VOID(check_range("request_body_bytes", bundle.request_body_bytes, 1, 4LL << 30));
  if (!(bundle.cpu > 0) || bundle.cpu > 1024)
    return bad("cpu", "it must be above 0 and at most 1024", std::to_string(bundle.cpu));
  return {};
}

Result<void> check_environment(const Bundle& bundle) {
  for (const auto& [name, value] : bundle.environment_variables) {
    const bool nul = (name + value).find('\0') != std::string::npos;
    if (name.empty() || name.find('=') != std::string::npos || nul)
      return bad("environment_variables", "a name must not be empty nor hold '=' or NUL", name);
  }
  return {};
}

Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::error_code ec;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    names.push_back(it->path().filename());
  if (ec)
    return fail(ErrorCode::not_found,
                fmt::format("cannot read the model folder {}: {}", folder.string(), ec.message()));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<void> check(const Bundle& bundle) {
  TRY_VOID(check_numbers(bundle));
  TRY_VOID(check_environment(bundle));
  TRY_VOID(check_inside("entry_script", bundle.entry_script));
  TRY_VOID(check_inside("source_directory", bundle.source_directory));
  TRY_VOID(check_inside("onnx_file", bundle.onnx_file));
  for (const auto& model : bundle.models) TRY_VOID(check_inside("models.path", model.path));
  if (bundle.kind == BundleKind::onnx && bundle.onnx_file.empty())
    return bad("onnx_file", "it must name the model when kind is onnx", "");
  if (bundle.kind == BundleKind::python && bundle.entry_script.empty())
    return bad("entry_script", "it must name the script when kind is python", "");
  return {};
}

Result<Bundle> parse_bundle(std::string_view text) {
  TRY(const auto value, parse_json(text));
  TRY(Bundle bundle, from_json<Bundle>(value));
  TRY_VOID(check(bundle));
  return bundle;
}

Result<Bundle> infer_bundle(const fs::path& folder) {
  TRY(const auto names, names_in(folder));
  Bundle bundle;
  bundle.source_directory = ".";
  bundle.models.push_back({"model", 1, "."});
  for (const auto* script : {"score.py", "main.py"}) {
    if (!std::binary_search(names.begin(), names.end(), script)) continue;
    bundle.entry_script = script;
    return bundle;
  }
  std::vector<std::string> models;
  std::copy_if(names.begin(), names.end(), std::back_inserter(models),
               [](const auto& name) { return name.ends_with(".onnx"); });
  if (models.size() != 1)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} holds neither bundle.json, score.py, main.py nor exactly one .onnx "
                            "file ({} found); name the script with --entry-script",
                            folder.string(), models.size()));
  bundle.kind = BundleKind::onnx;
  bundle.onnx_file = models.front();
  return bundle;
}

Result<Bundle> load_bundle(const fs::path& folder) {
  const auto file = folder / "bundle.json";
  std::error_code ec;
  if (!fs::exists(file, ec)) return infer_bundle(folder);
  TRY(const auto text, read_file(file, kBundleBytes));
  return parse_bundle(text);
}

fs::path model_directory(const Bundle& bundle, const fs::path& folder) {
  if (bundle.models.size() == 1) return (folder / bundle.models.front().path).lexically_normal();
  return folder / "azureml-models";
}

}  // namespace slipway::modelserver
