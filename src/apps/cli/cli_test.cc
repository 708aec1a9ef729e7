#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "apps/cli/command.h"
#include "apps/cli/output.h"
#include "apps/cli/wait.h"
#include "apps/cli/workspace.h"
#include "base/crypto.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

const char* const kRows =
    R"([{"name": "iris", "n": 1, "ok": true, "none": null, "tags": {"a": "b c"},
                               "ids": ["x", "1"]}, {"name": "digits-long", "n": 20}])";

TEST(Output, Formats) {
  const auto rows = parse_json(kRows).value();
  EXPECT_EQ(render(rows, "table", Colour::off),
            "Name         N   Ok    None\n"
            "-----------  --  ----  ----\n"
            "iris         1   true\n"
            "digits-long  20\n");
  EXPECT_EQ(render(rows, "tsv", Colour::off), "iris\t1\ttrue\tNone\t\t2\ndigits-long\t20\n");
  EXPECT_EQ(render(rows, "yaml", Colour::off),
            "-\n  name: iris\n  \"n\": 1\n  ok: true\n  none: null\n  tags:\n    a: \"b c\"\n"
            "  ids:\n    - x\n    - \"1\"\n-\n  name: digits-long\n  \"n\": 20\n");
  EXPECT_EQ(render(json::value{{"a", {{"b", json::array{}}}}}, "json", Colour::off),
            "{\n  \"a\": {\n    \"b\": []\n  }\n}\n");
  EXPECT_EQ(render(json::value("x"), "jsonc", Colour::on), "\x1b[32m\"x\"\x1b[0m\n");
  EXPECT_EQ(render(json::value("x"), "tsv", Colour::off), "x\n");
  EXPECT_EQ(render(json::value("x"), "table", Colour::off), "Result\n------\nx\n");
  EXPECT_EQ(render(parse_json(R"([["a", 1]])").value(), "table", Colour::off),
            "Column1  Column2\n-------  -------\na        1\n");
  for (const char* format : {"json", "table", "tsv", "yaml"})
    EXPECT_NE(render(parse_json("[0.5]").value(), format, Colour::off).find("0.5"),
              std::string::npos)
        << format;
  for (const char* format : {"json", "jsonc", "table", "tsv", "yaml"})
    EXPECT_EQ(render(nullptr, format, Colour::off), "");
}

TEST(Completion, ScriptsHoldTheTable) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto script = completion_script(shell);
    ASSERT_TRUE(script) << shell;
    for (const char* word : {"computetarget", "deploy", "compute-target"})
      EXPECT_NE(script->find(word), std::string::npos) << shell << " " << word;
  }
  EXPECT_FALSE(completion_script("tcsh"));
}

TEST(Completion, BashReadsItsScript) {
  const auto path = std::filesystem::temp_directory_path() / ("slipway-" + random_hex(4));
  ASSERT_TRUE(write_file_atomic(path, completion_script("bash").value(), 0600));
  EXPECT_EQ(std::system(("bash -n " + path.string()).c_str()), 0);
  std::filesystem::remove(path);
}

TEST(Workspace, BothFormsOfConfig) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"Id": null, "Scope": "/subscriptions/s/resourceGroups/g/providers)"
       R"(/Microsoft.MachineLearningServices/workspaces/w"})",
       "w"},
      {R"({"subscription_id": "s", "resource_group": "g", "workspace_name": "w"})", "w"},
      {R"({"model_type": "bert"})", ""},
      {R"({"Scope": "nonsense"})", ""},
      {"[]", ""},
  };
  for (const auto& [text, name] : cases) {
    const auto found = parse_project_config(parse_json(text).value());
    EXPECT_EQ(found ? found->name : "", name) << text;
    if (found) EXPECT_EQ(found->group + found->subscription, "gs");
  }
}

TEST(Workspace, ConfigIsFoundUpwardsAndForeignOnesArePassed) {
  const auto root = std::filesystem::temp_directory_path() / ("slipway-" + random_hex(4));
  ASSERT_TRUE(make_directories(root / "a/b"));
  ASSERT_TRUE(write_project_config(root, {"s", "g", "w"}));
  ASSERT_TRUE(write_file_atomic(root / "a/config.json", R"({"model_type": "bert"})", 0600));
  const auto found = find_project_config(root / "a/b");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "w");
  std::filesystem::remove_all(root);
}

TEST(Workspace, AzDefaultsKeepOtherSections) {
  const char* text = "[cloud]\nname = AzureCloud\n[defaults]\ngroup = old\n[core]\noutput = json\n";
  EXPECT_EQ(parse_az_defaults(text).at("group"), "old");
  const auto changed = with_az_defaults(text, {{"group", "g"}, {"workspace_name", "w"}});
  EXPECT_EQ(changed,
            "[defaults]\ngroup = g\nworkspace_name = w\n[cloud]\nname = AzureCloud\n[core]\n"
            "output = json\n");
  EXPECT_EQ(parse_az_defaults(changed).size(), 2u);
}

TEST(Wait, LogLinesLoseTheirStamps) {
  const std::vector<std::string> wanted = {"one", "two"};
  EXPECT_EQ(log_lines("20200116093000|one#20200116093001|two#"), wanted);
  EXPECT_TRUE(log_lines("").empty());
}

TEST(Wait, FailureTellsItsDetails) {
  const auto error = failure_of(parse_json(R"({"code": "KubernetesDeploymentFailed",
      "message": "failed", "details": [{"code": "CrashLoopBackOff", "message": "no weights"}]})")
                                    .value(),
                                "Failed");
  EXPECT_EQ(error.reason, "KubernetesDeploymentFailed");
  EXPECT_NE(error.message.find("CrashLoopBackOff: no weights"), std::string::npos);
}

}  // namespace
}  // namespace slipway::cli
