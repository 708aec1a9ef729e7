#include <gtest/gtest.h>

#include <set>

#include "api/block_list.h"
#include "api/errors.h"
#include "api/operation_log.h"
#include "api/patch.h"
#include "api/range.h"
#include "api/route.h"
#include "api/signed_link.h"

namespace slipway::api {
namespace {

std::vector<std::string> split(const std::string& path) { return *http::split_path(path); }

TEST(Routes, FindTheDocumentedPaths) {
  const std::string ws =
      "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w";
  struct Case {
    std::string method, path, operation;
  };
  const Case cases[] = {
      {"GET", "/subscriptions", "Subscriptions_List"},
      {"GET", ws, "Workspaces_Get"},
      {"PUT", ws, "Workspaces_CreateOrUpdate"},
      {"GET", "/rp/workspaces" + ws + "/computes/c", "MachineLearningCompute_GetRp"},
      {"POST", "/modelmanagement/v1.0" + ws + "/services/validate", "Services_Validate"},
      {"POST", "/modelmanagement/v1.0" + ws + "/services/validate/resource",
       "Services_ValidateResource"},
      {"GET", "/modelmanagement/v1.0" + ws + "/models/m%3A1", "MLModels_QueryById"},
      {"GET", "/artifact/v2.0" + ws + "/artifacts/contentinfo/LocalUpload/c/a/b.bin",
       "Artifacts_GetContentInformation"},
  };
  for (const auto& one : cases) {
    const auto found = match(one.method, split(one.path));
    ASSERT_NE(found.route, nullptr) << one.path;
    EXPECT_EQ(found.route->operation, one.operation);
  }
  const auto tail =
      match("GET", split("/artifact/v2.0" + ws + "/artifacts/contentinfo/LocalUpload/c/a/b.bin"));
  EXPECT_EQ(tail.params.at("path"), "a/b.bin");
  EXPECT_EQ(tail.params.at("workspace"), "w");
}

TEST(Routes, TellAWrongMethodFromAnUnknownPath) {
  EXPECT_EQ(match("DELETE", {"healthz"}).allow, "GET");
  EXPECT_EQ(match("GET", {"no", "such"}).allow, "");
}

TEST(OpenApi, NamesEveryOperationOnceAndOnlyKnownSchemas) {
  const auto document = openapi();
  std::set<std::string_view> ids;
  for (const auto& route : routes()) {
    EXPECT_TRUE(ids.insert(route.operation).second) << route.operation;
    EXPECT_FALSE(route.summary.empty());
  }
  const auto text = json::serialize(document);
  const auto& schemas = document.at("components").at("schemas").as_object();
  const std::string_view mark = "#/components/schemas/";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto begin = at + mark.size();
    EXPECT_TRUE(schemas.contains(text.substr(begin, text.find('"', begin) - begin)));
  }
}

TEST(Patch, ChangesOnlyWhatMayChange) {
  constexpr std::string_view kAllowed[] = {"/a", "/b/*"};
  const json::object start{{"a", 1}, {"b", {{"c", 2}}}};
  struct Case {
    std::string operations, result;  // an empty result: refused
  };
  const Case cases[] = {
      {R"([{"op":"replace","path":"/a","value":5}])", R"({"a":5,"b":{"c":2}})"},
      {R"([{"op":"add","path":"/b/x~1y","value":"z"}])", R"({"a":1,"b":{"c":2,"x/y":"z"}})"},
      {R"([{"op":"remove","path":"/b/c"}])", R"({"a":1,"b":{}})"},
      {R"([{"op":"replace","path":"/name","value":1}])", ""},
      {R"([{"op":"replace","path":"/b/c/d","value":1}])", ""},
      {R"([{"op":"move","path":"/a","from":"/b"}])", ""},
      {R"([7])", ""},
  };
  for (const auto& one : cases) {
    auto document = start;
    const auto result = apply_patch(document, parse_json(one.operations)->as_array(), kAllowed);
    EXPECT_EQ(result.has_value(), !one.result.empty()) << one.operations;
    if (result) EXPECT_EQ(json::serialize(document), one.result);
  }
}

TEST(SignedLink, HoldsForItsPathUseAndTimeOnly) {
  const std::string query = sign_link("key", "/azureml/ab", {'w', "uid", "o/c/p q.bin"}, 1'000'000);
  const auto parsed = *http::parse_query(query + "&comp=block&blockid=x");
  const auto link = check_link("key", "/azureml/ab", parsed, 1'000'000);
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->name, "o/c/p q.bin");
  EXPECT_EQ(link->use, 'w');
  EXPECT_FALSE(check_link("key", "/azureml/cd", parsed, 1'000'000));
  EXPECT_FALSE(check_link("other", "/azureml/ab", parsed, 1'000'000));
  EXPECT_FALSE(check_link("key", "/azureml/ab", parsed, 1'000'000 + kLinkMs + 1000));
  auto forged = parsed;
  for (auto& [name, value] : forged)
    if (name == "skoid") value = "another";
  EXPECT_FALSE(check_link("key", "/azureml/ab", forged, 1'000'000));
  EXPECT_FALSE(check_link("key", "/azureml/ab", {}, 1'000'000));
}

TEST(BlockList, TakesTheDocumentedFormOnly) {
  const auto good = parse_block_list(
      "\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>\n<BlockList><Latest>QQ==</Latest>\n"
      "<Uncommitted>Qg==</Uncommitted></BlockList>\n");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(*good, (std::vector<std::string>{"QQ==", "Qg=="}));
  for (const std::string bad :
       {"", "<BlockList>", "<BlockList><Latest>a</Latest>",
        "<BlockList><Other>a</Other></BlockList>", "<BlockList><Latest></Latest></BlockList>",
        "<BlockList><Latest>a<b</Latest></BlockList>",
        "<BlockList><Latest>&x;</Latest></BlockList>", "<BlockList></BlockList>x"})
    EXPECT_FALSE(parse_block_list(bad)) << bad;
}

TEST(Range, IsReadAsDocumented) {
  struct Case {
    std::string header;
    std::int64_t first, length;
    bool partial;
  };
  for (const auto& one : {Case{"", 0, 10, false}, Case{"bytes=0-3", 0, 4, true},
                          Case{"bytes=8-", 8, 2, true}, Case{"bytes=-3", 7, 3, true},
                          Case{"bytes=4-99", 4, 6, true}, Case{"bytes=5-2", 0, 10, false},
                          Case{"lines=1-2", 0, 10, false}, Case{"bytes=a-b", 0, 10, false}}) {
    const auto range = parse_range(one.header, 10);
    ASSERT_TRUE(range) << one.header;
    EXPECT_EQ(range->first, one.first) << one.header;
    EXPECT_EQ(range->length, one.length) << one.header;
    EXPECT_EQ(range->partial, one.partial) << one.header;
  }
  EXPECT_FALSE(parse_range("bytes=10-", 10));
  EXPECT_EQ(http_date(1'579'167'000'000), "Thu, 16 Jan 2020 09:30:00 GMT");
}

TEST(StreamingLog, HasAMarkPerLineAndCountsCharacters) {
  const std::string log = "20200116093000|caf\xC3\xA9 #1|x\n20200116093001|done\nplain|line";
  const std::string all = streaming_log(log, 0);
  EXPECT_EQ(all, "20200116093000|caf\xC3\xA9  1 x#20200116093001|done#plain line");
  EXPECT_EQ(streaming_log(log, 24), "#20200116093001|done#plain line");
  EXPECT_EQ(streaming_log(log, 10'000), "");
}

TEST(Errors, HaveTheBodyOfTheirFace) {
  const Error error = fail(ErrorCode::not_found, "no <model>", "ModelNotFound", "m:1");
  const auto flat = error_response(error, Face::management, "rid");
  EXPECT_EQ(flat.status, 404U);
  EXPECT_EQ(flat.body,
            R"({"code":"ModelNotFound","statusCode":404,"message":"no <model>","details":[)"
            R"({"code":"ModelNotFound","message":"no <model>","target":"m:1"}],)"
            R"("correlation":{"RequestId":"rid"}})");
  const auto arm = error_response(error, Face::arm, "rid");
  EXPECT_EQ(parse_json(arm.body)->at("error").at("code"), "ModelNotFound");
  const auto blob = error_response(error, Face::blob, "rid");
  EXPECT_EQ(blob.headers.get_or("x-ms-error-code", ""), "ModelNotFound");
  EXPECT_NE(blob.body.find("no &lt;model&gt;"), std::string::npos);
  const auto refused = error_response(fail(ErrorCode::unauthenticated, "who?"), Face::arm, "rid");
  EXPECT_TRUE(refused.headers.has("WWW-Authenticate"));
  EXPECT_EQ(status_of(ErrorCode::exhausted), 507U);
  EXPECT_EQ(status_of(ErrorCode::precondition_failed), 412U);
}

}  // namespace
}  // namespace slipway::api
