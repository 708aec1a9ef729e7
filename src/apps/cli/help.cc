// Help is made of the table of commands alone.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "apps/cli/command.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kColumn = 34;

constexpr const char* kExitCodes =
    "\nExit codes:\n"
    "  0    done\n"
    "  1    refused or failed; the reason is on standard error\n"
    "  2    the command line is wrong\n"
    "  3    the named thing does not exist\n"
    "  130  interrupted while waiting; the operation goes on\n";

// `left`, then `right` in a column of its own, broken between words.
std::string two_columns(const std::string& left, std::string_view right) {
  std::string out = fmt::format("  {:<{}}", left, kColumn - 2);
  if (left.size() > kColumn - 4) out = fmt::format("  {}\n{:{}}", left, "", kColumn);
  std::size_t used = kColumn;
  while (!right.empty()) {
    const auto end = std::min(right.find(' '), right.size());
    if (used + end > kWidth && used > kColumn) {
      out += fmt::format("\n{:{}}", "", kColumn);
      used = kColumn;
    }
    out += right.substr(0, end);
    used += end + 1;
    right.remove_prefix(std::min(end + 1, right.size()));
    if (!right.empty()) out += ' ';
  }
  return out + "\n";
}

std::string_view placeholder(Kind kind) {
  switch (kind) {
    case Kind::boolean: return "[true|false]";
    case Kind::integer: return "INTEGER";
    case Kind::number: return "NUMBER";
    case Kind::list: return "VALUE ...";
    case Kind::text: break;
  }
  return "VALUE";
}

std::string option_line(const Option& option) {
  std::string left = fmt::format("{}", fmt::join(option.all_names(), " "));
  if (!option.positional() && option.choices.empty())
    left += " " + std::string(placeholder(option.kind));
  if (!option.choices.empty()) left += " " + std::string(option.choices);
  return two_columns(left, option.help);
}

std::string options_block(const std::vector<Option>& options, Need need, std::string_view title) {
  std::string lines;
  for (const auto& option : options)
    if (option.need == need) lines += option_line(option);
  return lines.empty() ? "" : fmt::format("\n{}:\n{}", title, lines);
}

std::string usage_line(const Command& command, std::string_view program) {
  std::string line = fmt::format("{} {}", program, command.path);
  for (const auto& option : command.options) {
    if (option.need != Need::required) continue;
    line += option.positional() ? fmt::format(" {}", option.name())
                                : fmt::format(" {} {}", option.name(), placeholder(option.kind));
  }
  return line + " [options]";
}

std::string group_summary(std::string_view path) {
  std::string words;
  for (const auto word : words_below(path))
    words += (words.empty() ? "" : ", ") + std::string(word);
  return words;
}

}  // namespace

std::string help_of(const Command& command, std::string_view program) {
  const auto options = command.every_option();
  std::string out =
      fmt::format("{}\n\nUsage:\n  {}\n", command.summary, usage_line(command, program));
  out += options_block(options, Need::required, "Required");
  out += options_block(options, Need::optional, "Options");
  out += two_columns("--help -h", "Show this text.");
  if (!command.examples.empty()) out += "\nExamples:\n";
  for (const auto example : command.examples) out += fmt::format("  {} {}\n", program, example);
  return out + kExitCodes;
}

std::string help_of_group(std::string_view group, std::string_view program) {
  std::string out = fmt::format("Usage:\n  {} {}{}COMMAND [options]\n\nCommands:\n", program, group,
                                group.empty() ? "" : " ");
  for (const auto word : words_below(group)) {
    const std::string path = group.empty() ? std::string(word) : fmt::format("{} {}", group, word);
    const auto found = std::ranges::find(commands(), path, &Command::path);
    out += two_columns(std::string(word), found == commands().end() ? group_summary(path)
                                                                    : std::string(found->summary));
  }
  return out + fmt::format("\n'{} {}{}COMMAND --help' shows the options and examples of one.\n",
                           program, group, group.empty() ? "" : " ");
}

}  // namespace slipway::cli
