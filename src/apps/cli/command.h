#pragma once
// The table of commands: the one source of parsing, help and completion.
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::cli {

// Documented in every --help.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kInterrupted = 130,  // Ctrl-C while waiting; the operation goes on
};

enum class Kind {
  text,
  boolean,  // alone it means true; `true` or `false` may follow
  integer,
  number,
  list,  // every word up to the next option; may be repeated
};

enum class Need { optional, required };

// One option, or with names that do not begin with '-' a positional word ("DIR").
struct Option {
  // "--compute-target,--ct": the first is the name that code uses. Names of several letters may
  // also be written with a single dash ("-ct"), as the documents of CLI v1 do.
  std::string_view names;
  Kind kind = Kind::text;
  std::string_view help;
  Need need = Need::optional;
  std::string_view choices = {};  // "json|table"; empty: anything

  std::vector<std::string_view> all_names() const;
  std::string_view name() const { return names.substr(0, names.find(',')); }
  bool positional() const { return !names.starts_with('-'); }
};

class Context;
// What a command answers: the value to print, or null for nothing.
using Handler = Result<json::value> (*)(Context&);

// Static; lives as long as the program.
struct Command {
  std::string_view path;  // "ml model deploy"
  std::string_view summary;
  std::vector<Option> options;
  std::vector<std::string_view> examples;  // without the program's name
  Handler run = nullptr;

  // Options of its own, then those that all commands share where the names are free.
  std::vector<Option> every_option() const;
};

// In the order of help. `az` has its own few beside "ml …".
const std::vector<Command>& commands();

// Gathered by commands(); each file keeps its commands beside their handlers.
std::vector<Command> workspace_commands();
std::vector<Command> model_commands();
std::vector<Command> deploy_commands();
std::vector<Command> compute_commands();
std::vector<Command> environment_commands();
std::vector<Command> service_commands();
std::vector<Command> az_commands();
std::vector<Command> shell_commands();

// The nearest of `known` to `word`, or empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string_view>& known);

std::string help_of(const Command& command, std::string_view program);
// Sub-commands below "ml", "ml model", …
std::string help_of_group(std::string_view group, std::string_view program);
// The words that may follow a group: "ml" → workspace, model, …
std::vector<std::string_view> words_below(std::string_view group);

// invalid_argument for a shell other than bash, zsh and fish.
Result<std::string> completion_script(std::string_view shell);

}  // namespace slipway::cli
