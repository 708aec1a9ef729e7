// Completion scripts: each carries the whole table, so that pressing Tab starts no process.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apps/cli/command.h"

namespace slipway::cli {
namespace {

// One place on the command line and the words that may follow it.
struct Place {
  std::string path;  // "ml model"; empty: after the program's name
  std::vector<std::string> words;
};

std::vector<std::string> option_words(const Command& command) {
  std::vector<std::string> words;
  for (const auto& option : command.every_option())
    for (const auto name : option.all_names())
      if (name.starts_with("--")) words.emplace_back(name);
  words.emplace_back("--help");
  return words;
}

// Commands of the daemon are parsed in apps/main.cc; here only their names are known.
constexpr const char* kDaemonCommands[] = {"up", "down", "status", "env", "model-server"};

std::vector<Place> places() {
  std::vector<Place> out = {{"", {std::begin(kDaemonCommands), std::end(kDaemonCommands)}}};
  for (const auto& word : {"ml", "completion", "install-az-shim"}) out[0].words.emplace_back(word);
  std::set<std::string> groups;
  for (const auto& command : commands()) {
    const std::string path(command.path);
    for (auto end = path.find(' '); end != std::string::npos; end = path.find(' ', end + 1))
      if (groups.insert(path.substr(0, end)).second && path.starts_with("ml")) {
        const auto below = words_below(path.substr(0, end));
        out.push_back({path.substr(0, end), {below.begin(), below.end()}});
      }
    if (path.starts_with("ml")) out.push_back({path, option_words(command)});
  }
  out.push_back({"completion", {"bash", "zsh", "fish"}});
  return out;
}

std::string case_lines(std::string_view variable) {
  std::string out;
  for (const auto& place : places())
    out += fmt::format("    \"{}\") {}=\"{}\" ;;\n", place.path, variable,
                       fmt::join(place.words, " "));
  return out;
}

// Words before the cursor that are no options make the path; values are left to file names.
constexpr const char* kBash = R"(# bash completion of slipway: source <(slipway completion bash)
_slipway() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  local path="" words="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $word == -* ]] && break
    path="${{path:+$path }}$word"
  done
  case "$path" in
{}  esac
  case "$previous" in
    -o|--output) words="json jsonc table tsv yaml" ;;
    -*) [[ $current == -* ]] || {{ COMPREPLY=($(compgen -f -- "$current")); return; }} ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -F _slipway slipway
)";

constexpr const char* kZsh = R"(#compdef slipway
# zsh completion of slipway: source <(slipway completion zsh)
_slipway() {{
  local -a line=("${{words[@]}}")
  local place="" candidates="" word
  for word in "${{(@)line[2,CURRENT-1]}}"; do
    [[ $word == -* ]] && break
    place="${{place:+$place }}$word"
  done
  case "$place" in
{}  esac
  case "${{line[CURRENT-1]}}" in
    -o|--output) candidates="json jsonc table tsv yaml" ;;
    -*) [[ $PREFIX == -* ]] || {{ _files; return; }} ;;
  esac
  compadd -- ${{=candidates}}
}}
compdef _slipway slipway
)";

constexpr const char* kFish = R"(# fish completion of slipway: slipway completion fish | source
function __slipway_path
  set -l path
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and break
    set -a path $word
  end
  test "$path" = "$argv[1]"
end
)";

std::string fish() {
  std::string out = kFish;
  for (const auto& place : places())
    for (const auto& word : place.words) {
      const std::string_view name = word;
      out += fmt::format("complete -c slipway -n '__slipway_path \"{}\"' {} {}\n", place.path,
                         name.starts_with("--") ? "-l" : "-f -a",
                         name.starts_with("--") ? name.substr(2) : name);
    }
  return out;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return fmt::format(kBash, case_lines("words"));
  if (shell == "zsh") return fmt::format(kZsh, case_lines("candidates"));
  if (shell == "fish") return fish();
  return fail(ErrorCode::invalid_argument,
              fmt::format("there is no completion for '{}'; take bash, zsh or fish", shell),
              "Usage");
}

}  // namespace slipway::cli
