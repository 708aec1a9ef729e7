#include "router/message.h"

#include <gtest/gtest.h>

#include <set>

#include "base/crypto.h"
#include "base/json.h"

namespace slipway::router {
namespace {

TEST(Path, OnlyTheThreeDocumentedFormsAreKnown) {
  struct Case {
    std::string_view path;
    std::optional<Action> action;
  };
  const std::vector<Case> cases = {
      {"/api/v1/service/iris/score", Action::score},
      {"/api/v1/service/iris/", Action::health},
      {"/api/v1/service/iris", Action::health},
      {"/api/v1/service/iris/swagger.json", Action::swagger},
      {"/api/v1/service/iris/score/", std::nullopt},
      {"/api/v1/service/iris/scores", std::nullopt},
      {"/api/v1/service/iris//score", std::nullopt},
      {"/api/v1/service//score", std::nullopt},
      {"/api/v1/service/", std::nullopt},
      {"/api/v1/service", std::nullopt},
      {"/api/v1/services/iris/score", std::nullopt},
      {"/score", std::nullopt},
      {"/", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& c : cases) {
    const auto path = parse_path(c.path);
    ASSERT_EQ(path.has_value(), c.action.has_value()) << c.path;
    if (path) {
      EXPECT_EQ(path->action, *c.action) << c.path;
      EXPECT_EQ(path->route, "iris");
    }
  }
}

TEST(Ids, AreDocumentedAndMadeWhenAbsent) {
  struct Case {
    http::Headers in;
    std::string request;  // empty: made
    std::string legacy;   // empty: as request
    std::string client;
  };
  const std::vector<Case> cases = {
      {{}, "", "", ""},
      {{{"X-Request-ID", "a"}}, "a", "a", ""},
      {{{"x-ms-request-id", "b"}}, "", "b", "b"},
      {{{"x-ms-client-request-id", "c"}}, "", "c", "c"},
      {{{"x-request-id", "a"}, {"x-ms-request-id", "b"}, {"x-ms-client-request-id", "c"}},
       "a",
       "b",
       "c"},
  };
  IdSource source;
  for (const auto& c : cases) {
    const auto ids = read_ids(c.in, source);
    ASSERT_TRUE(ids);
    if (c.request.empty()) {
      EXPECT_EQ(ids->request.size(), 36U);
    } else {
      EXPECT_EQ(ids->request, c.request);
    }
    EXPECT_EQ(ids->legacy, c.legacy.empty() ? ids->request : c.legacy);
    EXPECT_EQ(ids->client, c.client);
  }
  EXPECT_TRUE(read_ids({{"x-request-id", std::string(100, 'x')}}, source));
  EXPECT_FALSE(read_ids({{"x-ms-client-request-id", std::string(101, 'x')}}, source));
}

TEST(Ids, AreVersionFourUuidsAndDiffer) {
  IdSource source;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = source.next();
    ASSERT_EQ(id.size(), 36U);
    ASSERT_EQ(id[14], '4');
    ASSERT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos) << id;
    ASSERT_EQ(id.find_first_not_of("0123456789abcdef-"), std::string::npos);
    ASSERT_TRUE(seen.insert(id).second);
  }
}

TEST(Keys, EitherKeyPassesAndNothingElse) {
  resources::Route route;
  route.primary_key_digest = sha256("first");
  route.secondary_key_digest = sha256("second");
  const auto passes = [&](const http::Headers& headers) {
    const auto result = check_key(headers, route);
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::unauthenticated);
    }
    return result.has_value();
  };
  EXPECT_TRUE(passes({{"Authorization", "Bearer first"}}));
  EXPECT_TRUE(passes({{"authorization", "bearer second"}}));
  EXPECT_FALSE(passes({}));
  EXPECT_FALSE(passes({{"Authorization", "first"}}));
  EXPECT_FALSE(passes({{"Authorization", "Basic first"}}));
  EXPECT_FALSE(passes({{"Authorization", "Bearer "}}));
  EXPECT_FALSE(passes({{"Authorization", "Bearer First"}}));
  EXPECT_FALSE(passes({{"Authorization", "Bearer firstfirst"}}));
  route.secondary_key_digest.clear();
  EXPECT_FALSE(passes({{"Authorization", "Bearer second"}}));
  route.primary_key_digest.clear();
  EXPECT_FALSE(passes({{"Authorization", "Bearer "}})) << "no keys: nobody passes";
}

TEST(Headers, NeitherHopsNorCredentialsReachTheReplica) {
  http::RequestHead head;
  head.headers = {{"Host", "scoring.example"},
                  {"Authorization", "Bearer secret"},
                  {"Connection", "keep-alive, X-Hop"},
                  {"X-Hop", "1"},
                  {"Keep-Alive", "5"},
                  {"TE", "trailers"},
                  {"Transfer-Encoding", "chunked"},
                  {"Content-Length", "3"},
                  {"Expect", "100-continue"},
                  {"X-Forwarded-For", "6.6.6.6"},
                  {"x-forwarded-proto", "gopher"},
                  {"Forwarded", "for=6.6.6.6"},
                  {"Content-Type", "application/json"},
                  {"x-ms-client-request-id", "c"},
                  {"X-Custom", "kept"}};
  const auto out = forwarded_headers(head, "10.0.0.7:5123", {"id", "c", "c"});
  for (auto gone : {"authorization", "connection", "x-hop", "keep-alive", "te", "forwarded",
                    "transfer-encoding", "content-length", "expect", "x-forwarded-proto"})
    EXPECT_FALSE(out.has(gone)) << gone;
  EXPECT_EQ(out.get("x-forwarded-for"), "10.0.0.7");
  EXPECT_EQ(out.get("x-forwarded-host"), "scoring.example");
  EXPECT_EQ(out.get("x-request-id"), "id");
  EXPECT_EQ(out.get("content-type"), "application/json");
  EXPECT_EQ(out.get("x-ms-client-request-id"), "c");
  EXPECT_EQ(out.get("x-custom"), "kept");
}

TEST(Headers, AnswersLoseHopsAndKeepTheRest) {
  http::Headers headers = {{"Connection", "close, X-Hop"}, {"X-Hop", "1"},
                           {"Content-Length", "2"},        {"Server", "worker"},
                           {"x-ms-run-fn-exec-ms", "3.1"}, {"Content-Type", "application/json"}};
  clean_answer(headers);
  EXPECT_EQ(headers.size(), 2U);
  EXPECT_TRUE(headers.has("x-ms-run-fn-exec-ms"));
  EXPECT_TRUE(headers.has("content-type"));
}

TEST(Errors, BodiesAreJsonWithMessageAndCode) {
  const auto answer = error_answer(503, "Overloaded", "a \"quoted\" text");
  EXPECT_EQ(answer.headers.get("content-type"), "application/json");
  const auto body = parse_json(answer.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("message").as_string(), "a \"quoted\" text");
  EXPECT_EQ(body->at("code").as_string(), "Overloaded");
}

}  // namespace
}  // namespace slipway::router
