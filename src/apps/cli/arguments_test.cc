#include "apps/cli/arguments.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "apps/cli/settings.h"

namespace slipway::cli {
namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

struct Case {
  const char* line;
  const char* command;
  const char* option;
  const char* value;  // of a list: joined by ','
};

constexpr Case kCases[] = {
    {"ml model deploy -ct myaks -n s", "ml model deploy", "--compute-target", "myaks"},
    {"ml model deploy --ct myaks -n s", "ml model deploy", "--compute-target", "myaks"},
    {"ml model deploy --compute-target=myaks -n s", "ml model deploy", "--compute-target", "myaks"},
    {"ml model deploy -n s -ic i.json", "ml model deploy", "--inference-config-file", "i.json"},
    {"ml model deploy -n s -dc d.json", "ml model deploy", "--deploy-config-file", "d.json"},
    {"ml model deploy -ns", "ml model deploy", "--name", "s"},
    {"ml model deploy -n s -m a:1", "ml model deploy", "--model", "a:1"},
    {"ml model deploy -n s -m a:1 -m b:2 c:3", "ml model deploy", "--model", "a:1,b:2,c:3"},
    {"ml model deploy -n s --ae", "ml model deploy", "--auth-enabled", "true"},
    {"ml model deploy -n s --ae False", "ml model deploy", "--auth-enabled", "false"},
    {"ml model deploy -n s --nr -2", "ml model deploy", "--num-replicas", "-2"},
    {"ml model deploy -n s --no-wait", "ml model deploy", "--no-wait", "true"},
    {"ml model deploy -n s -v", "ml model deploy", "--verbose", "true"},
    {"ml environment show -n e -v 2", "ml environment show", "--version", "2"},
    {"ml computetarget create aks -n a -s x", "ml computetarget create aks", "--vm-size", "x"},
    {"ml service run -n s -d -", "ml service run", "--input-data", "-"},
    {"ml model list -o TABLE", "ml model list", "--output", "TABLE"},
    {"install-az-shim bin", "install-az-shim", "DIR", "bin"},
    {"configure --defaults group=g workspace_name=w", "configure", "--defaults",
     "group=g,workspace_name=w"},
};

TEST(Arguments, MapsWordsToOptions) {
  for (const auto& [line, command, option, value] : kCases) {
    const auto parsed = parse_words(words(line));
    ASSERT_TRUE(parsed) << line << ": " << parsed.error().message;
    EXPECT_EQ(parsed->command->path, command) << line;
    std::string joined;
    for (const auto& one : parsed->arguments.list(option))
      joined += (joined.empty() ? "" : ",") + one;
    EXPECT_EQ(joined, value) << line;
  }
}

struct BadCase {
  const char* line;
  const char* said;
};

constexpr BadCase kBad[] = {
    {"ml modle list", "did you mean 'model'?"},
    {"ml model deply -n s", "did you mean 'deploy'?"},
    {"ml model deploy -n s --compute-traget a", "did you mean --compute-target?"},
    {"ml model deploy", "needs --name"},
    {"ml model deploy -n", "--name needs a value"},
    {"ml model deploy -n s --nr two", "--num-replicas takes a whole number, not 'two'"},
    {"ml model deploy -n s --cc lots", "--cpu-cores takes a number"},
    {"ml model list -o xml", "--output takes one of json|jsonc|table|tsv|yaml, not 'xml'"},
    {"ml model list extra", "unexpected word 'extra'"},
    {"ml service regen-key -n s -k third", "primary|secondary"},
    {"ml frobnicate", "it has: "},
};

TEST(Arguments, RefusesAndSaysWhatIsNear) {
  for (const auto& [line, said] : kBad) {
    const auto parsed = parse_words(words(line));
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().reason, "Usage") << line;
    EXPECT_NE(parsed.error().message.find(said), std::string::npos) << parsed.error().message;
  }
}

TEST(Arguments, HelpIsAskedForAnywhere) {
  for (const auto* line : {"ml", "ml model", "ml model deploy -h", "ml model deploy -n s --help"}) {
    const auto parsed = parse_words(words(line));
    ASSERT_TRUE(parsed) << line;
    EXPECT_TRUE(parsed->help) << line;
  }
}

// One source: whatever the table holds must be consistent, have help and examples that parse.
TEST(Commands, TableIsSound) {
  for (const auto& command : commands()) {
    std::set<std::string> seen;
    for (const auto& option : command.every_option()) {
      EXPECT_FALSE(option.help.empty()) << command.path << " " << option.names;
      for (const auto name : option.all_names())
        EXPECT_TRUE(seen.insert(std::string(name)).second) << command.path << " twice: " << name;
    }
    EXPECT_FALSE(command.summary.empty()) << command.path;
    EXPECT_FALSE(command.examples.empty()) << command.path;
    const auto help = help_of(command, "slipway");
    EXPECT_NE(help.find("Examples:"), std::string::npos);
    EXPECT_NE(help.find("Exit codes:"), std::string::npos);
  }
}

// Quotes are for the shell; a quoted word with a space is one word here.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  char quote = 0;
  for (const char c : line) {
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (quote == 0 && c == ' ') {
      if (!word.empty()) out.push_back(std::exchange(word, ""));
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(word);
  return out;
}

TEST(Commands, ExamplesOfHelpParse) {
  for (const auto& command : commands())
    for (const auto example : command.examples) {
      const auto line = example.substr(0, std::min(example.find(" > "), example.size()));
      const auto parsed = parse_words(shell_words(line));
      ASSERT_TRUE(parsed) << example << ": " << parsed.error().message;
      EXPECT_EQ(parsed->command->path, command.path) << example;
    }
}

TEST(Commands, EveryFlagOfASettingIsAnOption) {
  for (const auto& setting : settings()) {
    if (setting.flag.empty()) continue;
    bool found = false;
    for (const auto& command : commands())
      if (command.path == "ml model deploy")
        for (const auto& option : command.options)
          found = found || (option.name() == setting.flag && option.kind == setting.kind);
    EXPECT_TRUE(found) << setting.flag;
  }
}

TEST(Arguments, PairsSplitAtTheFirstEquals) {
  const auto split = pairs({"a=b=c", "flag", "x="});
  EXPECT_EQ(split.at("a"), "b=c");
  EXPECT_EQ(split.at("flag"), "");
  EXPECT_EQ(split.at("x"), "");
}

}  // namespace
}  // namespace slipway::cli
