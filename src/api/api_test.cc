#include <gtest/gtest.h>
#include <stdlib.h>

#include "api/api.h"

namespace slipway::api {
namespace {

const std::string kWorkspace =
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/slipway/providers/"
    "Microsoft.MachineLearningServices/workspaces/default";
const std::string kManagement = "/modelmanagement/v1.0" + kWorkspace;

// A real server with a real store and real artifacts in a folder of its own, and one client.
class ApiTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/slipway_api_XXXXXX";
    directory_ = ::mkdtemp(name);
    store_ = *store::Store::open({.directory = directory_ / "store"});
    artifacts_ = *artifacts::Artifacts::open(directory_ / "artifacts", system_clock());
    api_ = *Api::create({.store = store_.get(),
                         .artifacts = artifacts_.get(),
                         .pool = &pool_,
                         .clock = &system_clock(),
                         .scoring_url = "https://127.0.0.1:1"});
    server_ = *http::Server::start(cores_, {}, api_->handler());
    client_ =
        http::BlockingClient::create({.address = {.host = "127.0.0.1", .port = server_->port()}});
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  http::Response send(const std::string& method, const std::string& target,
                      const std::string& body = "", http::Headers headers = {}) {
    headers.set("Host", "127.0.0.1:" + std::to_string(server_->port()));
    if (!headers.has("Authorization"))
      headers.set("Authorization", "Bearer " + api_->bootstrap().owner_token);
    auto response = client_->send(
        {.method = method, .target = target, .headers = std::move(headers), .body = body});
    EXPECT_TRUE(response) << (response ? "" : response.error().message);
    return response ? *response : http::Response{};
  }
  json::value body_of(const http::Response& response) {
    auto parsed = parse_json(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? *parsed : json::value();
  }
  json::value get(const std::string& target) { return body_of(send("GET", target)); }
  // The target of a link as the retired client rebuilds it: everything after the host.
  static std::string target_of(const json::value& link) {
    const std::string url(link.as_string());
    return url.substr(url.find('/', std::string("https://").size()));
  }
  void upload(const std::string& container, const std::string& path, const std::string& bytes) {
    const json::value paths{{"paths", {{{"path", path}}}}};
    const auto made = body_of(
        send("POST",
             "/artifact/v2.0" + kWorkspace + "/artifacts/batch/metadata/LocalUpload/" + container,
             json::serialize(paths)));
    const auto target = target_of(made.at("artifactContentInformation").at(path).at("contentUri"));
    EXPECT_EQ(send("PUT", target, bytes, {{"Authorization", ""}}).status, 201U);
  }
  json::value register_model(const std::string& name, const std::string& file,
                             const std::string& framework) {
    upload("c0", file, "bytes of " + name);
    const json::value asset{{"name", name},
                            {"artifacts", {{{"prefix", "LocalUpload/c0/" + file}}}}};
    const auto made = body_of(send("POST", kManagement + "/assets", json::serialize(asset)));
    const json::value model{{"name", name},
                            {"url", "aml://asset/" + std::string(made.at("id").as_string())},
                            {"mimeType", "application/json"},
                            {"framework", framework},
                            {"kvTags", {{"area", "test"}}},
                            {"properties", {{"seed", "7"}}}};
    return body_of(send("POST", kManagement + "/models", json::serialize(model)));
  }
  void create_target() {
    const json::value body{{"location", "local"},
                           {"properties",
                            {{"computeType", "AKS"},
                             {"properties", {{"clusterPurpose", "DevTest"}, {"agentCount", 1}}}}}};
    const auto made = send("PUT", kWorkspace + "/computes/myaks", json::serialize(body));
    EXPECT_EQ(made.status, 201U) << made.body;
    EXPECT_TRUE(made.headers.has("Azure-AsyncOperation"));
  }
  json::object onnx_service(const std::string& name) {
    return {{"name", name},
            {"computeType", "AKS"},
            {"computeName", "myaks"},
            {"numReplicas", 1},
            {"kvTags", {{"area", "test"}}},
            {"environmentImageRequest", {{"modelIds", {"digits:1"}}}}};
  }
  http::Response create(const json::object& service) {
    return send("POST", kManagement + "/services", json::serialize(service));
  }
  // What control does when a deployment is done.
  void finish_operation(const http::Response& accepted) {
    const std::string url(accepted.headers.get_or("Operation-Location", ""));
    const auto id = url.substr(url.rfind('/') + 1);
    const auto workspace = get(kWorkspace);
    const std::string uid(workspace.at("properties").at("workspaceId").as_string());
    ASSERT_TRUE(store_->write([&](store::Transaction& tx) -> Result<void> {
      TRY(const auto record, tx.get({"operation", uid, id}));
      TRY(auto operation, from_json<resources::Operation>(record->desired));
      operation.state = "Succeeded";
      operation.ended_ms = 1;
      TRY_VOID(tx.update(record->key, to_json(operation)));
      return {};
    }));
  }

  std::filesystem::path directory_;
  WorkPool pool_{"api", 2, 64};
  Cores cores_ = make_cores(1, "api");
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<artifacts::Artifacts> artifacts_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::BlockingClient> client_;
};

TEST_F(ApiTest, LetsIn_WhoHasAToken) {
  EXPECT_EQ(send("GET", "/healthz", "", {{"Authorization", ""}}).status, 200U);
  const auto refused = send("GET", "/subscriptions", "", {{"Authorization", "Bearer wrong"}});
  EXPECT_EQ(refused.status, 401U);
  EXPECT_TRUE(refused.headers.has("WWW-Authenticate"));
  EXPECT_TRUE(refused.headers.has("x-ms-request-id"));
  const auto minted = body_of(send("POST", api_->bootstrap().msi_path,
                                   "resource=https%3A%2F%2Fmanagement.core.windows.net%2F",
                                   {{"Authorization", ""}}));
  const std::string token(minted.at("access_token").as_string());
  EXPECT_EQ(send("GET", "/subscriptions", "", {{"Authorization", "Bearer " + token}}).status, 200U);
  EXPECT_EQ(send("POST", "/msi/guess/token", "", {{"Authorization", ""}}).status, 404U);
}

TEST_F(ApiTest, AnswersUnknownPathsAndMethodsInTheirFace) {
  EXPECT_EQ(body_of(send("GET", kManagement + "/nothing")).at("statusCode"), 404);
  EXPECT_TRUE(body_of(send("GET", "/nothing")).at("error").is_object());
  const auto wrong = send("DELETE", "/subscriptions");
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(wrong.headers.get_or("Allow", ""), "GET");
  EXPECT_EQ(send("POST", kManagement + "/models", "{not json").status, 400U);
}

TEST_F(ApiTest, MakesChangesAndDeletesWorkspaces) {
  EXPECT_EQ(get(kWorkspace).at("name"), "default");
  const auto other = kWorkspace.substr(0, kWorkspace.rfind('/')) + "/second";
  const auto made = send("PUT", other, R"({"location":"local","tags":{"a":"b"}})");
  EXPECT_EQ(made.status, 201U) << made.body;
  EXPECT_EQ(send("PATCH", other, "{}", {{"If-Match", "\"9\""}}).status, 412U);
  EXPECT_EQ(send("PATCH", other, R"({"properties":{"description":"d"}})",
                 {{"If-Match", std::string(made.headers.get_or("ETag", ""))}})
                .status,
            200U);
  EXPECT_EQ(get(other).at("properties").at("description"), "d");
  EXPECT_EQ(send("DELETE", other).status, 200U);
  EXPECT_EQ(send("GET", other).status, 404U);
}

TEST_F(ApiTest, RegistersListsAndDownloadsModels) {
  const auto first = register_model("digits", "digits.onnx", "Onnx");
  EXPECT_EQ(first.at("id"), "digits:1");
  EXPECT_TRUE(first.at("datasets").is_array());
  EXPECT_EQ(register_model("digits", "digits.onnx", "Onnx").at("id"), "digits:2");
  register_model("iris", "iris.pkl", "ScikitLearn");
  EXPECT_EQ(get(kManagement + "/models?name=digits&count=1").at("value").at(0).at("version"), 2);
  EXPECT_EQ(get(kManagement + "/models?latestVersionOnly=true").at("value").as_array().size(), 2U);
  EXPECT_EQ(get(kManagement + "/models?tags=area=other").at("value").as_array().size(), 0U);
  const auto page = get(kManagement + "/models?count=2");
  const auto next = target_of(page.at("nextLink"));
  EXPECT_EQ(get(next).at("value").as_array().size(), 1U);
  EXPECT_EQ(get(kManagement + "/models/digits%3A1").at("properties").at("seed"), "7");
  EXPECT_EQ(get(kManagement + "/models/none:1").at("statusCode"), 404);

  const auto links = get("/artifact/v2.0" + kWorkspace +
                         "/artifacts/prefix/contentinfo/LocalUpload/c0/digits.onnx");
  const auto target = target_of(links.at("value").at(0).at("contentUri"));
  EXPECT_EQ(send("GET", target).body, "bytes of digits");
  const auto part = send("GET", target, "", {{"Range", "bytes=9-"}});
  EXPECT_EQ(part.status, 206U);
  EXPECT_EQ(part.body, "digits");
  EXPECT_EQ(send("PUT", target, "x").status, 403U);  // a link to read does not write
}

TEST_F(ApiTest, PatchesModelsButNotTheirProperties) {
  register_model("iris", "iris.pkl", "ScikitLearn");
  const auto patch = [&](const std::string& text) {
    return send("PATCH", kManagement + "/models/iris:1", text).status;
  };
  EXPECT_EQ(patch(R"([{"op":"replace","path":"/kvTags","value":{"b":"c"}}])"), 200U);
  EXPECT_EQ(patch(R"([{"op":"add","path":"/properties","value":{"seed":"7","more":"1"}}])"), 200U);
  EXPECT_EQ(patch(R"([{"op":"add","path":"/properties","value":{"seed":"8"}}])"), 400U);
  EXPECT_EQ(patch(R"([{"op":"replace","path":"/version","value":9}])"), 400U);
  const auto model = get(kManagement + "/models/iris:1");
  EXPECT_EQ(model.at("kvTags"), (json::value{{"b", "c"}}));
  EXPECT_EQ(model.at("properties").at("more"), "1");
}

TEST_F(ApiTest, UploadsInBlocks) {
  const auto made = body_of(
      send("POST", "/artifact/v2.0" + kWorkspace + "/artifacts/batch/metadata/LocalUpload/c1",
           R"({"paths":[{"path":"big.bin"}]})"));
  const auto target =
      target_of(made.at("artifactContentInformation").at("big.bin").at("contentUri"));
  EXPECT_EQ(send("HEAD", target).status, 404U);
  EXPECT_EQ(send("PUT", target + "&comp=block&blockid=Mg%3D%3D", "world").status, 201U);
  EXPECT_EQ(send("PUT", target + "&comp=block&blockid=MQ%3D%3D", "hello ").status, 201U);
  const auto list = send("PUT", target + "&comp=blocklist",
                         "<BlockList><Latest>MQ==</Latest><Latest>Mg==</Latest></BlockList>");
  EXPECT_EQ(list.status, 201U) << list.body;
  EXPECT_EQ(send("HEAD", target).headers.get_or("Content-Length", ""), "11");
  EXPECT_EQ(send("GET", target).body, "hello world");
}

TEST_F(ApiTest, KeepsTheVersionOfTheSameEnvironment) {
  const auto path = "/environment/v1.0" + kWorkspace + "/environments/env";
  const auto put = [&](const std::string& text) { return body_of(send("PUT", path, text)); };
  const auto first =
      put(R"({"Name":"env","EnvironmentVariables":{"A":"1"},"Docker":{"Enabled":true}})");
  EXPECT_EQ(first.at("version"), "1");
  EXPECT_EQ(first.at("docker").at("enabled"), true);
  EXPECT_EQ(put(R"({"name":"env","environmentVariables":{"A":"1"},"docker":{"enabled":true}})")
                .at("version"),
            "1");
  EXPECT_EQ(put(R"({"environmentVariables":{"A":"2"}})").at("version"), "2");
  EXPECT_EQ(send("PUT", path + "/versions/1/metadata", R"({"Labels":["prod"]})").status, 200U);
  EXPECT_EQ(get(path + "/labels/prod").at("version"), "1");
  EXPECT_EQ(get(path).at("version"), "2");
  EXPECT_EQ(send("GET", path + "/versions/9").status, 404U);
}

TEST_F(ApiTest, DeploysUpdatesAndDeletesAService) {
  register_model("digits", "digits.onnx", "Onnx");
  create_target();
  const auto accepted = create(onnx_service("digits-svc"));
  ASSERT_EQ(accepted.status, 202U) << accepted.body;
  const auto service = get(kManagement + "/services/digits-svc?expand=true");
  EXPECT_EQ(service.at("state"), "Transitioning");
  EXPECT_EQ(service.at("scoringUri"), "https://127.0.0.1:1/api/v1/service/digits-svc/score");
  EXPECT_EQ(service.at("models").at(0).at("tags").at("area"), "test");
  EXPECT_EQ(service.at("livenessProbeRequirements").at("initialDelaySeconds"), 310);
  EXPECT_EQ(create(onnx_service("digits-svc")).status, 409U);

  const auto path = kManagement + "/services/digits-svc";
  const std::string more = R"([{"op":"replace","path":"/numReplicas","value":2}])";
  EXPECT_EQ(send("PATCH", path, more).status, 409U);  // the deployment is still running
  finish_operation(accepted);
  EXPECT_EQ(send("PATCH", path, R"([{"op":"replace","path":"/kvTags","value":{}}])").status, 200U);
  EXPECT_EQ(send("PATCH", path, R"([{"op":"replace","path":"/name","value":"x"}])").status, 400U);
  EXPECT_EQ(send("PATCH", path, more, {{"If-Match", "\"77\""}}).status, 412U);
  EXPECT_EQ(send("PATCH", path, more).status, 202U);
  EXPECT_EQ(get(path).at("numReplicas"), 2);

  EXPECT_EQ(send("DELETE", kManagement + "/models/digits:1").status, 412U);
  EXPECT_EQ(send("DELETE", kWorkspace + "/computes/myaks").status, 412U);
  EXPECT_EQ(send("DELETE", kWorkspace).status, 409U);
  EXPECT_EQ(send("DELETE", path).status, 202U);
  EXPECT_EQ(get(path).at("state"), "Deleting");
  EXPECT_EQ(send("DELETE", kManagement + "/services/none").status, 204U);
}

TEST_F(ApiTest, RefusesWhatCannotBeDeployed) {
  register_model("digits", "digits.onnx", "Onnx");
  register_model("free", "free.bin", "Custom");
  create_target();
  const auto with = [&](std::string_view key, json::value value) {
    auto service = onnx_service("a-service");
    service[key] = std::move(value);
    return create(service);
  };
  EXPECT_EQ(with("name", "Bad_Name").status, 400U);
  EXPECT_EQ(with("computeName", "none").status, 400U);
  EXPECT_EQ(with("environmentImageRequest", {{"modelIds", {"none:1"}}}).status, 404U);
  EXPECT_EQ(with("environmentImageRequest", {{"modelIds", {"free:1"}}}).status, 400U);
  EXPECT_EQ(with("environmentImageRequest", nullptr).status, 400U);
  EXPECT_EQ(with("numReplicas", "two").status, 400U);
  EXPECT_EQ(with("containerResourceRequirements", {{"cpu", -1}}).status, 400U);
  EXPECT_EQ(with("containerResourceRequirements", {{"cpu", 999}}).status, 400U);
  EXPECT_EQ(get(kManagement + "/services").at("value").as_array().size(), 0U);
  EXPECT_FALSE(get(kManagement + "/services").as_object().contains("nextLink"));
}

TEST_F(ApiTest, DeploysAnEntryScript) {
  register_model("iris", "iris.pkl", "ScikitLearn");
  create_target();
  upload("c2", "score.py", "def init(): pass\ndef run(data): return data\n");
  upload("c2", "empty.py", "x = 1\n");
  const auto deploy = [&](const std::string& name, const std::string& script) {
    const json::value request{
        {"driverProgram", "tmp1.py"},
        {"assets",
         {{{"id", "tmp1.py"}, {"url", "aml://artifact/LocalUpload/c2/tmp1.py"}},
          {{"id", script}, {"url", "aml://artifact/LocalUpload/c2/" + script}}}},
        {"modelIds", {"iris:1"}},
        {"environment",
         {{"name", "e"},
          {"python", json::object{}},
          {"environmentVariables", {{"AZUREML_ENTRY_SCRIPT", script}}}}}};
    auto service = onnx_service(name);
    service["environmentImageRequest"] = request;
    return create(service);
  };
  const auto good = deploy("iris-svc", "score.py");
  EXPECT_EQ(good.status, 202U) << good.body;
  const auto bad = deploy("bad-svc", "empty.py");
  EXPECT_EQ(bad.status, 400U);
  EXPECT_NE(bad.body.find("run()"), std::string::npos);
  EXPECT_EQ(deploy("gone-svc", "gone.py").status, 404U);
}

TEST_F(ApiTest, GivesAndChangesKeys) {
  register_model("digits", "digits.onnx", "Onnx");
  create_target();
  auto body = onnx_service("keyed");
  body["keys"] = {{"primaryKey", "my-own-primary-key"}, {"secondaryKey", nullptr}};
  ASSERT_EQ(create(body).status, 202U);
  const auto path = kManagement + "/services/keyed";
  const auto keys = body_of(send("POST", path + "/listkeys"));
  EXPECT_EQ(keys.at("primaryKey"), "my-own-primary-key");
  EXPECT_EQ(keys.at("secondaryKey").as_string().size(), 32U);
  const auto changed = send("POST", path + "/regenerateKeys", R"({"keyType":"Primary"})");
  EXPECT_EQ(changed.status, 202U);
  const std::string url(changed.headers.get_or("Operation-Location", ""));
  EXPECT_EQ(get(kManagement + "/operations/" + url.substr(url.rfind('/') + 1)).at("state"),
            "Succeeded");
  EXPECT_NE(body_of(send("POST", path + "/listkeys")).at("primaryKey"), keys.at("primaryKey"));
  EXPECT_EQ(send("POST", path + "/regenerateKeys", R"({"keyType":"Third"})").status, 400U);
}

TEST_F(ApiTest, ValidatesWithoutStoring) {
  register_model("digits", "digits.onnx", "Onnx");
  create_target();
  const auto post = [&](const std::string& leaf, const json::value& body) {
    return send("POST", kManagement + "/services/validate" + leaf, json::serialize(body)).body;
  };
  EXPECT_EQ(post("/name/fresh", json::object{}), "{}");
  EXPECT_NE(post("/name/No", json::object{}).find("message"), std::string::npos);
  const json::value create_request{{"type", "Create"},
                                   {"serviceName", "fresh"},
                                   {"createRequest", onnx_service("fresh")},
                                   {"updateRequest", nullptr}};
  EXPECT_EQ(post("", create_request), "{}");
  EXPECT_EQ(post("/resource", onnx_service("fresh")), "{}");
  EXPECT_EQ(get(kManagement + "/services").at("value").as_array().size(), 0U);
}

TEST_F(ApiTest, AttachesAClusterOnceAtATime) {
  create_target();
  const auto first = get("/rp/workspaces" + kWorkspace + "/computes/myaks");
  EXPECT_EQ(first.at("properties").at("provisioningState"), "Succeeded");
  const json::value id = first.at("properties").at("resourceId");
  const auto attach = [&](const std::string& name, const json::value& resource) {
    const json::value body{{"location", "local"},
                           {"properties",
                            {{"computeType", "AKS"},
                             {"resourceId", resource},
                             {"properties", {{"clusterPurpose", "DevTest"}}}}}};
    return send("PUT", kWorkspace + "/computes/" + name, json::serialize(body)).status;
  };
  EXPECT_EQ(attach("again", id), 409U);
  EXPECT_EQ(attach("again", "/subscriptions/s/none"), 404U);
  EXPECT_EQ(send("DELETE", kWorkspace + "/computes/myaks?underlyingResourceAction=detach").status,
            202U);
  EXPECT_EQ(attach("again", id), 201U);
  EXPECT_EQ(get(kWorkspace + "/computes/again").at("properties").at("isAttachedCompute"), true);
  // update() sends the whole object back; creating does not.
  auto whole = get(kWorkspace + "/computes/again").as_object();
  EXPECT_EQ(send("PUT", kWorkspace + "/computes/again", json::serialize(whole)).status, 200U);
  EXPECT_EQ(attach("again", id), 409U);
}

}  // namespace
}  // namespace slipway::api
