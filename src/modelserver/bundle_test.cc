#include "modelserver/bundle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace slipway::modelserver {
namespace {

namespace fs = std::filesystem;

struct BadBundle {
  const char* text;
  const char* said;  // a part of the message
};

TEST(Bundle, RefusesWhatBreaksARuleAndNamesIt) {
  const BadBundle cases[] = {
      {"{", "JSON"},
      {"[]", "object"},
      {R"({"kind": "torch"})", "kind"},
      {R"({"workers": 0})", "workers"},
      {R"({"workers": "2"})", "workers"},
      {R"({"cpu": -1})", "cpu"},
      {R"({"scoring_timeout_ms": 0})", "scoring_timeout_ms"},
      {R"({"entry_script": "../score.py"})", "entry_script"},
      {R"({"source_directory": "/etc"})", "source_directory"},
      {R"({"models": [{"name": "m", "path": "a/../../b"}]})", "models.path"},
      {R"({"kind": "onnx"})", "onnx_file"},
      {R"({"environment_variables": {"A=B": "c"}})", "environment_variables"},
  };
  for (const auto& item : cases) {
    const auto bundle = parse_bundle(item.text);
    ASSERT_FALSE(bundle) << item.text;
    EXPECT_NE(bundle.error().message.find(item.said), std::string::npos) << bundle.error().message;
  }
}

TEST(Bundle, TakesDefaultsForWhatIsAbsent) {
  const auto bundle = parse_bundle(R"({"service_name": "s", "cpu": 0.5})");
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->kind, BundleKind::python);
  EXPECT_EQ(bundle->entry_script, "score.py");
  EXPECT_EQ(bundle->scoring_timeout_ms, 60'000);
}

TEST(Bundle, ModelDirectoryIsTheModelsOrTheRootAboveSeveral) {
  Bundle bundle;
  bundle.models = {{"a", 1, "azureml-models/a/1"}};
  EXPECT_EQ(model_directory(bundle, "/d"), "/d/azureml-models/a/1");
  bundle.models.push_back({"b", 2, "azureml-models/b/2"});
  EXPECT_EQ(model_directory(bundle, "/d"), "/d/azureml-models");
}

TEST(Bundle, InfersWhatAFolderHolds) {
  std::string pattern = fs::temp_directory_path() / "bundle-XXXXXX";
  const fs::path folder = ::mkdtemp(pattern.data());
  EXPECT_FALSE(load_bundle(folder));
  std::ofstream(folder / "m.onnx") << "x";
  EXPECT_EQ(load_bundle(folder)->kind, BundleKind::onnx);
  std::ofstream(folder / "score.py") << "x";
  EXPECT_EQ(load_bundle(folder)->kind, BundleKind::python);
  std::ofstream(folder / "bundle.json") << R"({"service_name": "named"})";
  EXPECT_EQ(load_bundle(folder)->service_name, "named");
  fs::remove_all(folder);
  EXPECT_FALSE(load_bundle(folder));
}

}  // namespace
}  // namespace slipway::modelserver
