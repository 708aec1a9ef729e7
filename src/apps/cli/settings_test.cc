#include "apps/cli/settings.h"

#include <gtest/gtest.h>

#include "apps/cli/config_file.h"
#include "apps/cli/inference.h"

namespace slipway::cli {
namespace {

std::string request_of(const char* text) {
  const auto value = parse_json_or_yaml(text);
  if (!value) return "error: " + value.error().message;
  const auto config = check_deployment_config(*value);
  return config ? json::serialize(create_members(*config)) : "error: " + config.error().message;
}

TEST(Settings, FileBecomesRequest) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"computeType": "AKS", "numReplicas": null})", R"({"computeType":"AKS"})"},
      {"computeType: aks\ncontainerResourceRequirements:\n  cpu: 0.5\n  memoryInGB: 1\n",
       R"({"computeType":"AKS","containerResourceRequirements":{"cpu":5E-1,"memoryInGB":1}})"},
      {R"({"computeType": "aks", "tokenAuthEnabled": true, "computeTargetName": "a"})",
       R"({"computeType":"AKS","aadAuthEnabled":true,"computeName":"a"})"},
      {R"({"computeType": "aks", "gpuCores": 1})",
       R"({"computeType":"AKS","containerResourceRequirements":{"gpu":1}})"},
      {R"({"computeType": "aci", "vnetName": "v"})",
       R"({"computeType":"ACI","vnetConfiguration":{"vnetName":"v"}})"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(request_of(text), wanted) << text;
}

TEST(Settings, RefusesByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "computeType"},
      {"{}", "computeType"},
      {R"({"computeType": "local"})", "'local' can't be deployed"},
      {R"({"computeType": "aks", "frobnicate": 1})", "unknown key 'frobnicate'"},
      {R"({"computeType": "aks", "numReplica": 1})", "did you mean 'numReplicas'?"},
      {R"({"computeType": "aks", "autoScaler": {"minReplica": 1}})",
       "unknown key 'autoScaler.minReplica'; did you mean 'minReplicas'?"},
      {R"({"computeType": "aks", "numReplicas": "3"})", "must be a whole number, not \"3\""},
      {R"({"computeType": "aks", "authEnabled": 1})", "must be true or false"},
      {R"({"computeType": "aks", "autoScaler": 1})", "'autoScaler' holds an object"},
      {R"({"computeType": "aci", "numReplicas": 1})", "unknown key 'numReplicas'"},
      {"a: [", "error:"},
  };
  for (const auto& [text, said] : cases)
    EXPECT_NE(request_of(text).find(said), std::string::npos) << text << ": " << request_of(text);
}

TEST(Settings, UpdateLeavesTargetAndKeysAlone) {
  const json::object config{{"computeType", "aks"},
                            {"computeTargetName", "a"},
                            {"keys", {{"primaryKey", "k"}}},
                            {"autoScaler", {{"minReplicas", 2}}}};
  EXPECT_EQ(json::serialize(update_operations(config)),
            R"([{"op":"replace","path":"/autoScaler/minReplicas","value":2}])");
}

TEST(ConfigFile, YamlScalarsHaveTypes) {
  const auto value =
      parse_yaml("a: 1\nb: '1'\nc: true\nd: ~\ne: 1.5\nf: python=3.8\ng: [x, \"y\"]\nh: {}\n");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(json::serialize(*value),
            R"({"a":1,"b":"1","c":true,"d":null,"e":1.5E0,"f":"python=3.8","g":["x","y"],"h":{}})");
}

TEST(ConfigFile, AliasesCannotGrowWithoutBound) {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    const std::string from = std::string("*") + static_cast<char>(c - 1);
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) text += from + ",";
    text += "]\n";
  }
  EXPECT_FALSE(parse_yaml(text));
}

TEST(InferenceConfig, ReadsBothForms) {
  const auto modern = check_inference_config(
      parse_json(R"({"entryScript": "score.py", "environment": {"name": "e"}})").value(), ".", "s");
  ASSERT_TRUE(modern) << modern.error().message;
  EXPECT_EQ(modern->entry_script, "score.py");
  EXPECT_EQ(string_or(modern->environment, "name", ""), "e");
  const auto older = check_inference_config(
      parse_json(R"({"entryScript": "score.py", "runtime": "python"})").value(), ".", "s");
  ASSERT_TRUE(older) << older.error().message;
  EXPECT_EQ(string_or(older->environment, "name", ""), "s-env");
  const auto unknown =
      check_inference_config(parse_json(R"({"entryScrip": "score.py"})").value(), ".", "s");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("did you mean 'entryScript'?"), std::string::npos);
}

}  // namespace
}  // namespace slipway::cli
