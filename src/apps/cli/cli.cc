#include "apps/cli/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "apps/cli/context.h"
#include "apps/cli/jmespath.h"
#include "apps/cli/output.h"
#include "apps/cli/progress.h"

namespace slipway::cli {
namespace {

ExitCode exit_code_of(const Error& error) {
  if (error.reason == "Usage" || error.reason == "InvalidQuery") return kUsage;
  if (error.reason == "Interrupted") return kInterrupted;
  return error.code == ErrorCode::not_found ? kNotFound : kFailed;
}

int complain(const Error& error, std::string_view program) {
  const bool named = !error.reason.empty() && error.reason != "Usage";
  const std::string reason = named ? error.reason + ": " : "";
  const bool colour = may_colour(STDERR_FILENO);
  fmt::print(stderr, "{}{}: {}{}{}\n", colour ? "\x1b[31m" : "", program, reason,
             colour ? "\x1b[0m" : "", error.message);
  return exit_code_of(error);
}

Result<void> print(const json::value& answer, const Arguments& arguments,
                   const std::optional<JmesPath>& query) {
  const auto colour = may_colour(STDOUT_FILENO) ? Colour::on : Colour::off;
  json::value shown = answer;
  if (query) {
    TRY(shown, query->search(answer));
  }
  fmt::print("{}", render(shown, arguments.text_or("--output", "json"), colour));
  return {};
}

Result<void> execute(const Invocation& invocation) {
  const auto& arguments = invocation.arguments;
  std::optional<JmesPath> query;  // compiled first: a slip in it must not cost a deployment
  if (arguments.has("--query")) {
    TRY(query, JmesPath::compile(arguments.text("--query")));
  }
  Context context(invocation);
  TRY(const auto answer, invocation.command->run(context));
  return print(answer, arguments, query);
}

}  // namespace

int cli_main(int argc, char** argv) {
  const std::string program = std::filesystem::path(argv[0]).filename();
  const auto invocation = parse_words({argv + 1, argv + argc});
  if (!invocation) return complain(invocation.error(), program);
  if (invocation->help) {
    fmt::print("{}", invocation->command == nullptr ? help_of_group(invocation->group, program)
                                                    : help_of(*invocation->command, program));
    return kOk;
  }
  const auto done = execute(*invocation);
  return done ? kOk : complain(done.error(), program);
}

}  // namespace slipway::cli
