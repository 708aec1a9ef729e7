// EnvironmentBuilder over uv: envs/<digest> is a virtual environment, whole once `complete.json` is
// in it.
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <semaphore>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "compute/command.h"
#include "compute/compute.h"
#include "compute/environment_definition.h"
#include "compute/interpreters.h"

namespace slipway::compute {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kFormat = "1";       // changes when equal input builds otherwise
constexpr std::int64_t kInstallMs = 5'400'000;  // documented: 5400 s for an image build
constexpr std::int64_t kProbeMs = 120'000;
constexpr std::ptrdiff_t kBuildsAtOnce = 2;
constexpr const char* kComplete = "complete.json";

struct Complete {
  std::string python;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Complete, (), (python, note))

// $SLIPWAY_UV, the one beside this program, or the first on PATH.
Result<std::string> find_program(const char* variable, const std::string& name) {
  if (const char* given = std::getenv(variable); given != nullptr) return std::string(given);
  std::error_code ec;
  const fs::path beside = fs::read_symlink("/proc/self/exe", ec).parent_path() / name;
  if (::access(beside.c_str(), X_OK) == 0) return beside.string();
  const char* path = std::getenv("PATH");
  for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
    const auto end = std::min(rest.find(':'), rest.size());
    const fs::path candidate = fs::path(rest.substr(0, end)) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fail(
      ErrorCode::precondition_failed,
      fmt::format("environments are built with {}, which is not on PATH; install it, or set {} "
                  "to where it is",
                  name, variable),
      "ImageBuildFailure");
}

std::string joined(const std::vector<std::string>& lines) {
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

class UvBuilder final : public EnvironmentBuilder {
 public:
  explicit UvBuilder(Options options) : options_(std::move(options)) {}

  Result<void> open() {
    TRY_VOID(make_directories(options_.directory, 0755));
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(options_.directory, ec))
      if (!fs::exists(entry.path() / kComplete)) fs::remove_all(entry.path(), ec);
    return {};
  }

  std::string digest(const json::object& definition) override {
    const auto normal = normalise(definition);
    if (!normal) return sha256_hex(json::serialize(definition));
    const auto chosen = choose(*normal);
    utsname machine{};
    ::uname(&machine);
    const json::array key{kFormat,
                          boost::describe::enum_to_string(options_.policy, ""),
                          std::string_view(machine.machine),
                          chosen ? chosen->interpreter.path.string() : normal->python,
                          normal->interpreter,
                          to_json(normal->requirements)};
    return sha256_hex(json::serialize(key));
  }

  std::optional<BuiltEnvironment> find(const std::string& digest) override {
    const auto text = read_file(options_.directory / digest / kComplete);
    if (!text) return {};
    const auto value = parse_json(*text);
    if (!value) return {};
    const auto complete = from_json<Complete>(*value);
    if (!complete) return {};
    return BuiltEnvironment{digest, complete->python, complete->note};
  }

  Result<BuiltEnvironment> build(const json::object& definition, const Progress& progress) override;
  void cancel() override { cancelled_ = true; }

 private:
  // One build that runs; those who ask for the same wait for it.
  struct Running {
    std::condition_variable done;
    std::optional<Result<BuiltEnvironment>> result;  // guarded by mutex_
  };

  Result<Chosen> choose(const NormalDefinition& normal);
  Result<BuiltEnvironment> build_alone(const std::string& digest, const json::object& definition,
                                       const Progress& progress);
  Result<void> install(const fs::path& folder, NormalDefinition& normal, const Interpreter& python,
                       const Progress& progress);
  Result<CommandResult> uv(std::vector<std::string> arguments, std::int64_t timeout_ms,
                           const Progress& progress = {});
  std::string nearest_to(const fs::path& folder, const std::string& line,
                         const Interpreter& python);
  Result<std::string> resolve(const fs::path& folder, const std::string& line,
                              const Interpreter& python, bool lowest);
  Error explain(const fs::path& folder, const NormalDefinition& normal, const Interpreter& python,
                const std::string& output,
                std::vector<std::pair<std::string, std::string>>& repairs);
  Result<BuiltEnvironment> finish(const std::string& digest, const Complete& complete);

  const Options options_;
  std::atomic<bool> cancelled_ = false;
  std::counting_semaphore<kBuildsAtOnce> places_{kBuildsAtOnce};
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Running>> running_;  // guarded by mutex_
  std::once_flag interpreters_once_;
  std::vector<Interpreter> interpreters_;
};

Result<Chosen> UvBuilder::choose(const NormalDefinition& normal) {
  std::call_once(interpreters_once_, [this] { interpreters_ = find_interpreters(); });
  return choose_interpreter(interpreters_, normal.python,
                            options_.policy == EnvironmentPolicy::nearest);
}

Result<BuiltEnvironment> UvBuilder::build(const json::object& definition,
                                          const Progress& progress) {
  const std::string key = digest(definition);
  if (auto built = find(key)) return std::move(*built);
  std::unique_lock lock(mutex_);
  if (const auto at = running_.find(key); at != running_.end()) {
    const auto other = at->second;
    progress("The same environment is being built for another service; waiting for it\n");
    other->done.wait(lock, [&] { return other->result.has_value(); });
    return *other->result;
  }
  const auto own = std::make_shared<Running>();
  running_.emplace(key, own);
  lock.unlock();
  places_.acquire();
  auto result = build_alone(key, definition, progress);
  places_.release();
  lock.lock();
  own->result = result;
  running_.erase(key);
  own->done.notify_all();
  return result;
}

Result<BuiltEnvironment> UvBuilder::build_alone(const std::string& digest,
                                                const json::object& definition,
                                                const Progress& progress) {
  TRY(auto normal, normalise(definition));
  for (const auto& note : normal.notes) progress("Note: " + note + "\n");
  const fs::path folder = options_.directory / digest;
  std::error_code ec;
  fs::remove_all(folder, ec);
  TRY_VOID(make_directories(folder, 0755));
  if (!normal.interpreter.empty()) {
    TRY(auto python, find_program("SLIPWAY_PYTHON", normal.interpreter));
    return finish(digest, {python, {}});
  }
  TRY(const auto chosen, choose(normal));
  if (!chosen.note.empty()) normal.notes.push_back(chosen.note);
  progress(fmt::format("Python {} ({}), {} packages asked for\n", chosen.interpreter.text(),
                       chosen.interpreter.path.string(), normal.requirements.size()));
  if (auto installed = install(folder, normal, chosen.interpreter, progress); !installed) {
    fs::remove_all(folder, ec);
    return installed.error();
  }
  return finish(digest, {folder / "bin/python", fmt::format("{}", fmt::join(normal.notes, "; "))});
}

Result<BuiltEnvironment> UvBuilder::finish(const std::string& digest, const Complete& complete) {
  TRY_VOID(write_file_atomic(options_.directory / digest / kComplete,
                             pretty_json(to_json(complete)) + "\n", 0644));
  return BuiltEnvironment{digest, complete.python, complete.note};
}

Result<CommandResult> UvBuilder::uv(std::vector<std::string> arguments, std::int64_t timeout_ms,
                                    const Progress& progress) {
  TRY(auto program, find_program("SLIPWAY_UV", "uv"));
  arguments.insert(arguments.begin(), std::move(program));
  return run(
      {.arguments = std::move(arguments), .timeout_ms = timeout_ms, .cancelled = &cancelled_},
      progress);
}

// Twice at most: what policy `nearest` puts in the place of lines that cannot be had is tried once.
Result<void> UvBuilder::install(const fs::path& folder, NormalDefinition& normal,
                                const Interpreter& python, const Progress& progress) {
  TRY(const auto made,
      uv({"venv", "-q", "--allow-existing", "--python", python.path, folder}, kProbeMs, progress));
  if (made.status != 0)
    return fail(ErrorCode::internal, "the virtual environment was not made: " + made.output,
                "ImageBuildFailure");
  for (const bool last : {options_.policy == EnvironmentPolicy::exact, true}) {
    if (normal.requirements.empty()) return {};
    const fs::path list = folder / "requirements.txt";
    TRY_VOID(write_file_atomic(list, joined(normal.requirements), 0644));
    TRY(const auto done, uv({"pip", "install", "--python", folder / "bin/python", "-r", list},
                            kInstallMs, progress));
    if (done.status == 0) return {};
    std::vector<std::pair<std::string, std::string>> repairs;
    const Error why = explain(folder, normal, python, done.output, repairs);
    if (last || repairs.empty()) return why;
    for (const auto& [line, instead] : repairs) {
      std::replace(normal.requirements.begin(), normal.requirements.end(), line, instead);
      normal.notes.push_back(fmt::format("'{}' is not to be had; {} is taken", line, instead));
      progress(normal.notes.back() + "\n");
    }
  }
  return {};
}

// "name==version" for one line alone, without what it depends on.
Result<std::string> UvBuilder::resolve(const fs::path& folder, const std::string& line,
                                       const Interpreter& python, bool lowest) {
  const fs::path list = folder / "probe.txt";
  TRY_VOID(write_file_atomic(list, line + "\n", 0644));
  std::vector<std::string> arguments{
      "pip",           "compile", "-q",       "--no-deps", "--no-header", "--no-annotate",
      "--only-binary", ":all:",   "--python", python.path, list};
  if (lowest) arguments.insert(arguments.end(), {"--resolution", "lowest-direct"});
  TRY(auto done, uv(std::move(arguments), kProbeMs));
  if (done.status != 0) return fail(ErrorCode::not_found, std::move(done.output));
  while (!done.output.empty() && done.output.back() == '\n') done.output.pop_back();
  return std::move(done.output);
}

// The next version above the one that was asked for, else the newest; empty when there is none.
std::string UvBuilder::nearest_to(const fs::path& folder, const std::string& line,
                                  const Interpreter& python) {
  const std::string name = requirement_name(line);
  if (const auto at = line.find("=="); at != line.npos) {
    std::string version = line.substr(at + 2);
    if (version.ends_with(".*")) version.resize(version.size() - 2);
    if (auto above = resolve(folder, name + ">=" + version, python, true)) return *above;
  }
  auto newest = resolve(folder, name, python, false);
  return newest ? *newest : std::string();
}

Error UvBuilder::explain(const fs::path& folder, const NormalDefinition& normal,
                         const Interpreter& python, const std::string& output,
                         std::vector<std::pair<std::string, std::string>>& repairs) {
  std::string text;
  for (const auto& line : normal.requirements) {
    if (cancelled_ || resolve(folder, line, python, false)) continue;
    const std::string nearest = nearest_to(folder, line, python);
    text += fmt::format("'{}' cannot be had for Python {}", line, python.text());
    text += nearest.empty() ? "; no package index was reached that has it. "
                            : fmt::format("; the nearest that can is {}. ", nearest);
    if (!nearest.empty()) repairs.emplace_back(line, nearest);
  }
  if (text.empty())
    text = "the packages do not fit together: " + output;
  else
    text += "Change the line, or start the server with --environment-policy nearest.";
  return fail(ErrorCode::invalid_argument, "The environment was not built: " + text,
              "ImageBuildFailure", "python.condaDependencies.dependencies");
}

}  // namespace

Result<std::unique_ptr<EnvironmentBuilder>> EnvironmentBuilder::open(const Options& options) {
  auto builder = std::make_unique<UvBuilder>(options);
  TRY_VOID(builder->open());
  return std::unique_ptr<EnvironmentBuilder>(std::move(builder));
}

}  // namespace slipway::compute
