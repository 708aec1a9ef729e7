#include "apps/cli/command.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace slipway::cli {
namespace {

const std::vector<Option>& shared_options() {
  static const std::vector<Option> kShared = {
      {"--resource-group,-g", Kind::text, "Resource group of the workspace."},
      {"--workspace-name,-w", Kind::text,
       "Workspace; else of the nearest config.json, else the defaults, else the only one."},
      {"--subscription-id", Kind::text, "Subscription of the workspace."},
      {"--path", Kind::text,
       "Project folder: where config.json is searched and relative paths begin [.]."},
      {"--verbose,-v", Kind::boolean, "Print the whole object instead of its main keys."},
  };
  return kShared;
}

const std::vector<Option>& output_options() {
  static const std::vector<Option> kOutput = {
      {"--output,-o", Kind::text, "Format of the answer [json].", Need::optional,
       "json|jsonc|table|tsv|yaml"},
      {"--query", Kind::text, "JMESPath expression applied to the answer."},
  };
  return kOutput;
}

// Adds an option under those of its names that are still free; none when its first is taken.
void add_free(std::vector<Option>& options, const Option& extra) {
  const auto taken = [&](std::string_view name) {
    return std::ranges::any_of(options, [&](const Option& option) {
      const auto names = option.all_names();
      return std::ranges::find(names, name) != names.end();
    });
  };
  if (taken(extra.name())) return;
  Option added = extra;
  const auto names = extra.all_names();
  if (names.size() > 1 && taken(names[1])) added.names = extra.name();
  options.push_back(added);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string_view> Option::all_names() const {
  std::vector<std::string_view> out;
  for (std::string_view rest = names; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    out.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::vector<Option> Command::every_option() const {
  std::vector<Option> out = options;
  if (path.starts_with("ml "))
    for (const auto& option : shared_options()) add_free(out, option);
  if (run != nullptr && !path.starts_with("completion"))
    for (const auto& option : output_options()) add_free(out, option);
  return out;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = [] {
    std::vector<Command> all;
    for (auto part : {workspace_commands, model_commands, deploy_commands, compute_commands,
                      environment_commands, service_commands, az_commands, shell_commands}) {
      auto some = part();
      std::ranges::move(some, std::back_inserter(all));
    }
    return all;
  }();
  return kCommands;
}

std::vector<std::string_view> words_below(std::string_view group) {
  std::vector<std::string_view> out;
  const std::string prefix = group.empty() ? "" : std::string(group) + " ";
  for (const auto& command : commands()) {
    if (!command.path.starts_with(prefix)) continue;
    const auto rest = command.path.substr(prefix.size());
    const auto word = rest.substr(0, rest.find(' '));
    if (std::ranges::find(out, word) == out.end()) out.push_back(word);
  }
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;  // farther is no likeness
  for (const auto candidate : known) {
    const auto distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return std::string(best);
}

}  // namespace slipway::cli
