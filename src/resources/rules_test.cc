#include "resources/rules.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace slipway::resources {
namespace {

// Every refusal carries the documented code and says what to do.
void expect_refused(const Result<void>& result, std::string_view field, std::string_view text) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(result.error().reason, "BadRequest");
  EXPECT_EQ(result.error().target, field) << result.error().message;
  EXPECT_NE(result.error().message.find(text), std::string::npos) << result.error().message;
}

Service a_service() {
  Service service;
  service.name = "iris";
  service.compute_name = "myaks";
  service.spec.kind = "python";
  service.spec.entry_script = "score.py";
  service.spec.models = {{"iris", 1}};
  return service;
}

ComputeTarget a_target() {
  ComputeTarget target;
  target.name = "myaks";
  apply_defaults(target);
  return target;
}

struct NameCase {
  Result<void> (*check)(std::string_view);
  std::string name;
  bool good;
};

TEST(Names, FollowTheDocumentedRules) {
  const std::vector<NameCase> cases = {
      {check_service_name, "abc", true},
      {check_service_name, "a-1", true},
      {check_service_name, std::string(32, 'a'), true},
      {check_service_name, std::string(33, 'a'), false},
      {check_service_name, "ab", false},
      {check_service_name, "", false},
      {check_service_name, "Abc", false},
      {check_service_name, "1abc", false},
      {check_service_name, "abc-", false},
      {check_service_name, "ab_c", false},
      {check_service_name, "ab/../c", false},
      {check_workspace_name, "My_ws-1", true},
      {check_workspace_name, "-ws", false},
      {check_workspace_name, "ws", false},
      {check_workspace_name, std::string(34, 'w'), false},
      {check_workspace_name, "w.s", false},
      {check_model_name, "m", true},
      {check_model_name, "my.model_1-2", true},
      {check_model_name, ".model", false},
      {check_model_name, "", false},
      {check_model_name, "a:b", false},
      {check_model_name, std::string(255, 'm'), true},
      {check_model_name, std::string(256, 'm'), false},
      {check_compute_name, "myaks", true},
      {check_compute_name, "MyAks-1", true},
      {check_compute_name, "1aks", false},
      {check_compute_name, "aks-", false},
      {check_compute_name, "ak", false},
      {check_compute_name, std::string(25, 'a'), false},
      {check_compute_name, "Local", false},
      {check_compute_name, "amlcompute", false},
      {check_environment_name, "my env", true},
      {check_environment_name, "Experiment a Environment", true},
      {check_environment_name, "AzureML-sklearn", false},
      {check_environment_name, "Microsoft", false},
      {check_environment_name, "a/b", false},
      {check_environment_name, std::string("a\nb"), false},
      {check_environment_name, "", false},
      {check_relative_path, "a/b/c.txt", true},
      {check_relative_path, "..a/b..", true},
      {check_relative_path, "", false},
      {check_relative_path, "/a", false},
      {check_relative_path, "a/../b", false},
      {check_relative_path, "..", false},
      {check_relative_path, "a/..", false},
      {check_relative_path, "./a", false},
      {check_relative_path, "a//b", false},
      {check_relative_path, "a/", false},
      {check_relative_path, "a\\b", false},
      {check_relative_path, std::string("a\0b", 3), false},
      {check_relative_path, std::string(1025, 'a'), false},
  };
  for (const auto& c : cases) EXPECT_EQ(c.check(c.name).has_value(), c.good) << c.name;
}

TEST(Names, RefusalsShowTheValueWithoutControlCharacters) {
  const auto result = check_service_name("Bad\r\nName");
  expect_refused(result, "name", "'Bad??Name'");
  expect_refused(result, "name", "3 to 32 characters");
}

struct ServiceCase {
  std::function<void(Service&)> change;
  std::string field;  // empty: accepted
  std::string text;
};

void check_cases(const std::vector<ServiceCase>& cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i) + " " + cases[i].field + " " + cases[i].text);
    Service service = a_service();
    cases[i].change(service);
    const auto result = validate(service);
    if (cases[i].field.empty()) {
      EXPECT_TRUE(result) << result.error().message;
    } else {
      expect_refused(result, cases[i].field, cases[i].text);
    }
  }
}

TEST(ServiceRules, Resources) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  const std::string cpu = "containerResourceRequirements.cpu";
  const std::string memory = "containerResourceRequirements.memoryInGB";
  const std::string gpu = "containerResourceRequirements.gpu";
  check_cases({
      {[](Service&) {}, "", ""},
      {[](Service& s) { s.spec.resources.cpu = 1'024; }, "", ""},
      {[](Service& s) { s.spec.resources.cpu = 0; }, cpu, "cpu_cores"},
      {[](Service& s) { s.spec.resources.cpu = -1; }, cpu, "must be greater than zero; it is -1"},
      {[](Service& s) { s.spec.resources.cpu = 1e9; }, cpu, "at most 1024; it is 1000000000"},
      {[=](Service& s) { s.spec.resources.cpu = nan; }, cpu, "nan"},
      {[=](Service& s) { s.spec.resources.memory_gb = infinite; }, memory, "inf"},
      {[](Service& s) { s.spec.resources.memory_gb = 0; }, memory, "memory_gb"},
      {[](Service& s) { s.spec.resources.gpu = 2; }, "", ""},
      {[](Service& s) { s.spec.resources.gpu = -1; }, gpu, "at least 0; it is -1"},
      {[](Service& s) { s.spec.resources.cpu_limit = 0.05; }, cpu + "Limit", "less than the 0.1"},
      {[](Service& s) { s.spec.resources.cpu_limit = 0.1; }, "", ""},
      {[](Service& s) { s.spec.resources.memory_gb_limit = 0.25; }, memory + "Limit", "0.5"},
  });
}

TEST(ServiceRules, TimesAndProbes) {
  const std::string probe = "livenessProbeRequirements.";
  check_cases({
      {[](Service& s) { s.spec.scoring_timeout_ms = 300'000; }, "", ""},
      {[](Service& s) { s.spec.scoring_timeout_ms = 300'001; }, "scoringTimeoutMs", "300000"},
      {[](Service& s) { s.spec.scoring_timeout_ms = 0; }, "scoringTimeoutMs", "greater than zero"},
      {[](Service& s) { s.spec.max_queue_wait_ms = 0; }, "maxQueueWaitMs", "max_request_wait_time"},
      {[](Service& s) { s.spec.max_concurrent_requests = 0; }, "maxConcurrentRequestsPerContainer",
       "greater than zero"},
      {[](Service& s) { s.spec.probe.period_seconds = 0; }, probe + "periodSeconds", "zero"},
      {[](Service& s) { s.spec.probe.initial_delay_seconds = -5; }, probe + "initialDelaySeconds",
       "-5"},
      {[](Service& s) { s.spec.probe.timeout_seconds = 3'601; }, probe + "timeoutSeconds", "3600"},
      {[](Service& s) { s.spec.probe.success_threshold = 0; }, probe + "successThreshold", "zero"},
      {[](Service& s) { s.spec.probe.failure_threshold = 0; }, probe + "failureThreshold", "zero"},
  });
}

TEST(ServiceRules, ReplicasAndAutoscale) {
  const auto fixed = [](Service& s, int count) {
    s.autoscale.enabled = false;
    s.num_replicas = count;
  };
  check_cases({
      {[=](Service& s) { fixed(s, 1); }, "", ""},
      {[=](Service& s) { fixed(s, 1'000); }, "", ""},
      {[=](Service& s) { fixed(s, 0); }, "numReplicas", "greater than zero"},
      {[=](Service& s) { fixed(s, 1'001); }, "numReplicas", "1000"},
      {[](Service& s) { s.num_replicas = 2; }, "numReplicas", "autoscale enabled and num_replicas"},
      {[](Service& s) { s.autoscale.enabled = false; }, "numReplicas", "num_replicas not provided"},
      {[](Service& s) { s.autoscale.min_replicas = 11; }, "autoScaler.minReplicas", "11"},
      {[](Service& s) { s.autoscale.min_replicas = 0; }, "autoScaler.minReplicas", "zero"},
      {[](Service& s) { s.autoscale.max_replicas = 1'001; }, "autoScaler.maxReplicas", "1000"},
      {[](Service& s) { s.autoscale.target_utilization = 101; }, "autoScaler.targetUtilization",
       "at most 100"},
      {[](Service& s) { s.autoscale.refresh_seconds = 0; }, "autoScaler.refreshPeriodInSeconds",
       "zero"},
  });
}

TEST(ServiceRules, PlacementAuthAndTexts) {
  const auto aci = [](Service& s) { s.compute_type = "ACI", s.compute_name.clear(); };
  check_cases({
      {[=](Service& s) { aci(s); }, "", ""},
      {[=](Service& s) { aci(s), s.auth_enabled = false, s.token_auth_enabled = true; },
       "aadAuthEnabled", "ACI"},
      {[](Service& s) { s.token_auth_enabled = true; }, "aadAuthEnabled", "cannot both be true"},
      {[](Service& s) { s.auth_enabled = false, s.token_auth_enabled = true; }, "", ""},
      {[](Service& s) { s.compute_type = "IOT"; }, "computeType", "'IOT'"},
      {[](Service& s) { s.compute_name.clear(); }, "computeName", "deployment_target"},
      {[](Service& s) { s.kube_namespace = "azureml-ws"; }, "", ""},
      {[](Service& s) { s.kube_namespace = "-a"; }, "namespace", "'-a'"},
      {[](Service& s) { s.kube_namespace = std::string(64, 'a'); }, "namespace", "63"},
      {[](Service& s) { s.name = "Iris"; }, "name", "'Iris'"},
      {[](Service& s) { s.description = std::string(10'001, 'x'); }, "description", "10000"},
      {[](Service& s) { s.tags[""] = "x"; }, "kvTags", "empty key"},
      {[](Service& s) { s.tags["k"] = std::string(8'193, 'x'); }, "kvTags.k", "8192"},
      {[](Service& s) {
         for (int i = 0; i < 101; ++i) s.properties["p" + std::to_string(i)] = "x";
       },
       "properties", "101"},
  });
}

TEST(ServiceRules, Spec) {
  const std::string models = "environmentImageRequest.modelIds";
  const std::string variables = "environmentImageRequest.environment.environmentVariables";
  check_cases({
      {[](Service& s) { s.spec.kind = "onnx", s.spec.entry_script.clear(); }, "", ""},
      {[](Service& s) { s.spec.kind = "onnx", s.spec.models.clear(); }, models, "exactly one"},
      {[](Service& s) { s.spec.kind = "docker"; }, "environmentImageRequest", "'docker'"},
      {[](Service& s) { s.spec.entry_script = "../score.py"; }, "path", "'..'"},
      {[](Service& s) { s.spec.code = {{"/etc/passwd", "", 0}}; }, "path", "absolute"},
      {[](Service& s) { s.spec.models.assign(1'001, {"m", 1}); }, models, "1001"},
      {[](Service& s) { s.spec.environment_variables["A=B"] = "x"; }, variables, "'='"},
      {[](Service& s) { s.spec.environment_variables["A"] = std::string("\0", 1); },
       variables + ".A", "NUL"},
  });
}

TEST(ModelRules, Table) {
  Model model;
  model.name = "iris";
  EXPECT_TRUE(validate(model));
  model.resources = ModelResources{.cpu = 0, .memory_gb = {}, .gpu = {}};
  expect_refused(validate(model), "resourceRequirements.cpu", "greater than zero");
  model.resources = ModelResources{.cpu = 1, .memory_gb = -2, .gpu = {}};
  expect_refused(validate(model), "resourceRequirements.memoryInGB", "-2");
  model.resources.reset();
  model.files = {{"../escape", "", 0}};
  expect_refused(validate(model), "path", "'..'");
  model.files.clear();
  model.name = "a b";
  expect_refused(validate(model), "name", "'a b'");
}

TEST(EnvironmentRules, DefinitionIsNamedWhereItIsWrong) {
  struct Case {
    std::string_view definition;
    std::string field;  // empty: accepted
  };
  const std::vector<Case> cases = {
      {"{}", ""},
      {R"({"python":null})", ""},
      {R"({"python":{"condaDependencies":{"channels":["x"],"dependencies":
          ["python=3.8",{"pip":["azureml-defaults"]}]}}})",
       ""},
      {R"({"python":7})", "python"},
      {R"({"python":{"condaDependencies":[]}})", "python.condaDependencies"},
      {R"({"python":{"condaDependencies":{"channels":"x"}}})", "python.condaDependencies.channels"},
      {R"({"python":{"condaDependencies":{"dependencies":[{"pip":[1]}]}}})",
       "python.condaDependencies.dependencies.pip[0]"},
      {R"({"python":{"condaDependencies":{"dependencies":[3]}}})",
       "python.condaDependencies.dependencies"},
      {R"({"environmentVariables":{"A":1}})", "environmentVariables"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.definition);
    Environment environment;
    environment.name = "env";
    environment.definition = parse_json(c.definition)->as_object();
    const auto result = validate(environment);
    EXPECT_EQ(result.has_value(), c.field.empty());
    if (!result) {
      EXPECT_EQ(result.error().target, c.field);
    }
  }
}

TEST(WorkspaceRules, NameAndTags) {
  Workspace workspace;
  workspace.name = "ws1";
  EXPECT_TRUE(validate(workspace));
  workspace.tags["k"] = std::string(9'000, 'x');
  expect_refused(validate(workspace), "tags.k", "8192");
  workspace.tags.clear();
  workspace.name = "w";
  expect_refused(validate(workspace), "name", "3 to 33");
}

TEST(VmSizes, KnownOnesAndSuggestions) {
  const auto size = find_vm_size("standard_d3_v2");
  ASSERT_TRUE(size);
  EXPECT_EQ(size->name, "Standard_D3_v2");
  EXPECT_EQ(size->vcpus, 4);
  EXPECT_EQ(size->memory_gb, 14);
  const auto unknown = find_vm_size("Standart_D3v2");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("Standard_D3_v2"), std::string::npos)
      << unknown.error().message;
  EXPECT_EQ(unknown.error().target, "properties.properties.agentVmSize");
}

TEST(VmSizes, EachIsFoundByItsNameAndNamesItsVcpus) {
  for (const auto& size : vm_sizes()) {
    const auto found = find_vm_size(size.name);
    ASSERT_TRUE(found) << size.name;
    EXPECT_EQ(found->name, size.name) << "listed twice";
    EXPECT_GT(size.vcpus, 0) << size.name;
    EXPECT_GE(size.memory_gb, size.vcpus) << size.name;
  }
}

TEST(TargetRules, DefaultsFollowThePurpose) {
  const auto target = a_target();
  EXPECT_EQ(target.agent_count, 3);
  EXPECT_EQ(target.vm_size, "Standard_D3_v2");
  EXPECT_EQ(target.purpose, kFastProd);
  EXPECT_EQ(target.load_balancer_type, "PublicIp");
  EXPECT_TRUE(validate(target));
  ComputeTarget small;
  small.name = "dev";
  small.purpose = kDevTest;
  apply_defaults(small);
  EXPECT_EQ(small.agent_count, 1);
  EXPECT_TRUE(validate(small));
}

TEST(TargetRules, TwelveVcpusSayTheArithmeticAndBothRemedies) {
  auto target = a_target();
  target.agent_count = 2;
  const auto result = validate(target);
  const std::string path = "properties.properties.agentCount";
  expect_refused(result, path, "at least 12 virtual CPUs");
  expect_refused(result, path, "agent_count 2 × 4 vCPUs of Standard_D3_v2 = 8");
  expect_refused(result, path, "agent_count to at least 3");
  expect_refused(result, path, "DEV_TEST");
}

TEST(TargetRules, TwelveVcpusHoldForEverySizeAndCount) {
  auto target = a_target();
  for (const auto& size : vm_sizes()) {
    for (int count = 1; count <= 13; ++count) {
      target.vm_size = size.name;
      target.agent_count = count;
      target.purpose = kFastProd;
      EXPECT_EQ(validate(target).has_value(), count * size.vcpus >= 12) << size.name << count;
      target.purpose = kDevTest;
      EXPECT_TRUE(validate(target)) << size.name << count;
    }
  }
}

struct TargetCase {
  std::function<void(ComputeTarget&)> change;
  std::string field;
  std::string text;
};

TEST(TargetRules, Table) {
  const std::string at = "properties.properties.";
  const auto network = [](std::string_view text) {
    return [value = *parse_json(text)](ComputeTarget& t) { t.network = value; };
  };
  const std::vector<TargetCase> cases = {
      {[](ComputeTarget& t) { t.name = "a"; }, "name", "3 to 24"},
      {[](ComputeTarget& t) { t.agent_count = -1; }, at + "agentCount", "greater than zero"},
      {[](ComputeTarget& t) { t.agent_count = 1'001; }, at + "agentCount", "1000"},
      {[](ComputeTarget& t) { t.vm_size = "huge"; }, at + "agentVmSize", "did you mean"},
      {[](ComputeTarget& t) { t.purpose = "Prod"; }, at + "clusterPurpose", "'Prod'"},
      {[](ComputeTarget& t) { t.load_balancer_type = "x"; }, at + "loadBalancerType", "PublicIp"},
      {[](ComputeTarget& t) { t.load_balancer_subnet = "s"; }, at + "loadBalancerSubnet", "'s'"},
      {[](ComputeTarget& t) {
         t.load_balancer_type = "InternalLoadBalancer";
         t.ssl = {{"leafDomainLabel", "x"}};
       },
       at + "sslConfiguration.leafDomainLabel", "public address"},
      {network(R"({"subnetId":"s"})"), at + "aksNetworkingConfiguration.serviceCidr", "missing"},
      {network(R"({"subnetId":"s","serviceCidr":"10.0.0.0/33","dnsServiceIP":"10.0.0.10",
          "dockerBridgeCidr":"172.17.0.1/16"})"),
       at + "aksNetworkingConfiguration.serviceCidr", "10.0.0.0/33"},
      {network(R"({"subnetId":"s","serviceCidr":"10.0.0.0/16","dnsServiceIP":"10.1.0.10",
          "dockerBridgeCidr":"172.17.0.1/16"})"),
       at + "aksNetworkingConfiguration.dnsServiceIP", "inside serviceCidr"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.field + " " + c.text);
    auto target = a_target();
    c.change(target);
    expect_refused(validate(target), c.field, c.text);
  }
  auto good = a_target();
  network(R"({"subnetId":"s","serviceCidr":"10.0.0.0/16","dnsServiceIP":"10.0.0.10",
      "dockerBridgeCidr":"172.17.0.1/16"})")(good);
  EXPECT_TRUE(validate(good));
}

TEST(Fits, SaysAskedFreeAndMissing) {
  const Capacity total{4, 14, 0};
  const Capacity taken{3, 4, 0};
  ContainerResources each;
  each.cpu = 1;
  each.memory_gb = 2;
  EXPECT_TRUE(check_fits(total, taken, each, 1));
  const auto result = check_fits(total, taken, each, 3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "Unschedulable");
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  for (std::string_view part :
       {"Asked: 3 × (1 CPU and 2 GB) = 3 CPU and 6 GB", "free: 1 CPU and 10 GB of 4 CPU and 14 GB",
        "missing: 2 CPU and 0 GB"})
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
}

TEST(Fits, ExactlyWhatIsFreeFitsWithoutHiddenOverhead) {
  ContainerResources tenth;
  tenth.cpu = 0.1;
  tenth.memory_gb = 0.1;
  for (int n = 1; n <= 200; ++n) {
    const Capacity total{n * 0.1, n * 0.1, 0};
    EXPECT_TRUE(check_fits(total, {}, tenth, n)) << n;
    EXPECT_FALSE(check_fits(total, {}, tenth, n + 1)) << n;
  }
}

TEST(Fits, ReplicasOwnTheirGpus) {
  auto target = a_target();
  target.vm_size = "Standard_NC6";
  target.agent_count = 2;
  ContainerResources each;
  each.gpu = 1;
  EXPECT_TRUE(check_fits(capacity_of(target), {}, each, 2));
  EXPECT_FALSE(check_fits(capacity_of(target), {}, each, 3));
}

}  // namespace
}  // namespace slipway::resources
