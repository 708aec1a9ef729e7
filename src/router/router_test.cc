#include "router/router.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <filesystem>
#include <list>
#include <mutex>
#include <thread>

#include "base/crypto.h"
#include "base/json.h"
#include "router/snapshot.h"

namespace slipway::router {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A number that a test can wait on.
class Count {
 public:
  void add(int by = 1) {
    const std::lock_guard lock(mutex_);
    value_ += by;
    most_ = std::max(most_, value_);
    changed_.notify_all();
  }
  bool wait_until(int value) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(30), [&] { return value_ == value; });
  }
  int most() const {
    const std::lock_guard lock(mutex_);
    return most_;
  }
  int value() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int value_ = 0;
  int most_ = 0;
};

// Holds requests at a replica until it is opened. Lives on the replica's Core.
class Gate {
 public:
  Task<void> pass() {
    if (open_) co_return;
    auto& timer = waiting_.emplace_back(co_await asio::this_coro::executor,
                                        asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  void open(Core& core) {
    core.post([this] {
      open_ = true;
      for (auto& timer : waiting_) timer.cancel();
    });
  }

 private:
  bool open_ = false;
  std::list<asio::steady_timer> waiting_;
};

using Behaviour = std::function<Task<void>(http::Exchange&)>;

// A real server on a Unix socket that stands for a model server.
class FakeReplica {
 public:
  FakeReplica(const std::filesystem::path& folder, std::string id, Behaviour behaviour)
      : id_(std::move(id)), path_(folder / id_), behaviour_(std::move(behaviour)) {
    http::ServerOptions options;
    options.unix_path = path_;
    auto server =
        http::Server::start(cores_, options, [this](http::Exchange& e) { return serve(e); });
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  ~FakeReplica() { stop(); }
  void stop() {
    if (server_) server_->stop(milliseconds(0));
    server_.reset();
  }
  resources::ReplicaAddress address() const { return {id_, path_.string(), "", 0}; }
  Core& core() { return *cores_.front(); }
  Count begun;
  Count running;
  Count served;

 private:
  Task<void> serve(http::Exchange& exchange) {
    begun.add();
    running.add();
    co_await behaviour_(exchange);
    running.add(-1);
    served.add();
  }
  std::string id_;
  std::filesystem::path path_;
  Behaviour behaviour_;
  Cores cores_ = make_cores(1, "replica");
  std::unique_ptr<http::Server> server_;
};

// Answers with what it was sent.
Task<void> echo(http::Exchange& exchange) {
  auto body = co_await exchange.read_body(100 << 20);
  http::Response response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("x-seen-target", exchange.head().target);
  for (const auto& [name, value] : exchange.head().headers)
    response.headers.add("x-seen-" + name, value);
  if (body) response.body = std::move(*body);
  (void)co_await exchange.respond(std::move(response));
}

Behaviour answer_with(unsigned status, std::string body) {
  return [status, body](http::Exchange& exchange) -> Task<void> {
    (void)co_await exchange.read_body(1 << 20);
    http::Response response;
    response.status = status;
    response.body = body;
    (void)co_await exchange.respond(std::move(response));
  };
}

Behaviour through(Gate& gate) {
  return [&gate](http::Exchange& exchange) -> Task<void> {
    (void)co_await exchange.read_body(1 << 20);
    co_await gate.pass();
    http::Response response;
    response.body = "\"through\"";
    (void)co_await exchange.respond(std::move(response));
  };
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    char folder[] = "/tmp/router_test.XXXXXX";
    folder_ = mkdtemp(folder);
    options_.request_body_bytes = 1'000;
    route_.service = "iris";
    route_.auth_enabled = false;
    version_.name = "v1";
  }
  ~RouterTest() override {
    if (server_) server_->stop(milliseconds(0));
    server_.reset();
    router_.reset();
    cores_.clear();
    replicas_.clear();
    std::filesystem::remove_all(folder_);
  }

  FakeReplica& add_replica(Behaviour behaviour) {
    const std::string id = "r" + std::to_string(replicas_.size());
    replicas_.push_back(std::make_unique<FakeReplica>(folder_, id, std::move(behaviour)));
    version_.replicas.push_back(replicas_.back()->address());
    return *replicas_.back();
  }
  void start() {
    router_ = Router::create(options_);
    http::ServerOptions options;
    options.error_body = listener_error;
    options.limits.body_timeout = milliseconds(200);
    auto server = http::Server::start(cores_, options, router_->handler());
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    publish();
  }
  void publish() {
    auto table = std::make_shared<resources::RouteTable>();
    auto route = route_;
    route.versions = {version_};
    table->routes["iris"] = std::move(route);
    router_->publish(std::move(table));
  }
  std::unique_ptr<http::BlockingClient> client() {
    return http::BlockingClient::create({{"", "127.0.0.1", server_->port()}, nullptr, seconds(30)});
  }
  http::Response send(http::Request request) {
    auto response = client()->send(request);
    EXPECT_TRUE(response) << response.error().message;
    return response ? std::move(*response) : http::Response{};
  }
  http::Response score(http::Headers headers = {}, std::string body = "{\"data\":[1]}") {
    return send({"POST", "/api/v1/service/iris/score", std::move(headers), std::move(body)});
  }

  std::filesystem::path folder_;
  Options options_;
  resources::Route route_;
  resources::RouteVersion version_;
  std::vector<std::unique_ptr<FakeReplica>> replicas_;
  Cores cores_ = make_cores(2, "router");
  std::unique_ptr<Router> router_;
  std::unique_ptr<http::Server> server_;
};

void expect_error(const http::Response& response, unsigned status, std::string_view code,
                  std::string_view text) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(response.headers.get("content-type"), "application/json");
  EXPECT_TRUE(response.headers.has("x-ms-request-id"));
  const auto body = parse_json(response.body);
  ASSERT_TRUE(body) << response.body;
  EXPECT_EQ(string_or(*body, "code", ""), code);
  EXPECT_NE(string_or(*body, "message", "").find(text), std::string::npos) << response.body;
}

TEST_F(RouterTest, ForwardsBodyTargetAndHeadersButNoCredential) {
  add_replica(echo);
  route_.auth_enabled = true;
  route_.primary_key_digest = sha256("key");
  start();
  const auto response =
      send({"POST",
            "/api/v1/service/iris/score?a=1&b=%20",
            {{"Authorization", "Bearer key"}, {"x-ms-client-request-id", "c1"}, {"X-Mine", "yes"}},
            "[1,2]"});
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, "[1,2]");
  EXPECT_EQ(response.headers.get("x-seen-target"), "/score?a=1&b=%20");
  EXPECT_EQ(response.headers.get("x-seen-x-mine"), "yes");
  EXPECT_EQ(response.headers.get("x-seen-x-forwarded-for"), "127.0.0.1");
  EXPECT_FALSE(response.headers.has("x-seen-authorization"));
  EXPECT_EQ(response.headers.get("x-ms-client-request-id"), "c1");
  EXPECT_EQ(response.headers.get("x-seen-x-request-id"), response.headers.get("x-request-id"));
}

TEST_F(RouterTest, GetReachesAReplicaAndSwaggerIsTheReplicas) {
  add_replica(echo);
  start();
  const auto get = send({"GET", "/api/v1/service/iris/score?x=1", {}, ""});
  EXPECT_EQ(get.headers.get("x-seen-target"), "/score?x=1");
  const auto swagger = send({"GET", "/api/v1/service/iris/swagger.json?version=3", {}, ""});
  EXPECT_EQ(swagger.headers.get("x-seen-target"), "/swagger.json?version=3");
}

TEST_F(RouterTest, RefusalsAreDocumentedJson) {
  add_replica(echo);
  route_.auth_enabled = true;
  route_.primary_key_digest = sha256("key");
  start();
  const std::string at = "/api/v1/service/iris/";
  const http::Headers key = {{"Authorization", "Bearer key"}};
  expect_error(send({"GET", "/", {}, ""}), 404, "NotFound", "/score");
  expect_error(send({"POST", "/api/v1/service/other/score", key, ""}), 404, "NotFound", "");
  expect_error(send({"POST", at + "nothing", key, ""}), 404, "NotFound", "");
  const auto put = send({"PUT", at + "score", key, ""});
  expect_error(put, 405, "MethodNotAllowed", "GET and POST");
  EXPECT_EQ(put.headers.get("allow"), "GET, POST");
  expect_error(send({"OPTIONS", at + "score", {}, ""}), 405, "MethodNotAllowed", "");
  EXPECT_EQ(send({"POST", at + "swagger.json", key, ""}).headers.get("allow"), "GET");
  const auto no_key = score();
  expect_error(no_key, 401, "Unauthorized", "no Auth header");
  EXPECT_TRUE(no_key.headers.has("www-authenticate"));
  expect_error(score({{"Authorization", "Bearer old"}}), 401, "Unauthorized", "neither");
  expect_error(send({"GET", at + "swagger.json", {}, ""}), 401, "Unauthorized", "no Auth header");
  expect_error(score({{"Authorization", "Bearer key"}, {"x-request-id", std::string(101, 'i')}}),
               431, "RequestHeaderFieldsTooLarge", "100");
  expect_error(score(key, std::string(1'001, 'x')), 413, "RequestTooLarge", "1000 bytes");
  EXPECT_EQ(replicas_[0]->served.value(), 0) << "none of them reaches user code";
  EXPECT_EQ(score(key, std::string(1'000, 'x')).status, 200U);
}

TEST_F(RouterTest, HealthSaysWhetherAReplicaIsReady) {
  add_replica(echo);
  start();
  const auto healthy = send({"GET", "/api/v1/service/iris/", {}, ""});
  EXPECT_EQ(healthy.status, 200U);
  EXPECT_EQ(healthy.body, "Healthy");
  version_.replicas.clear();
  publish();
  const auto unready = send({"GET", "/api/v1/service/iris/", {}, ""});
  expect_error(unready, 503, "NoReadyReplicas", "No ready replicas for service iris");
  expect_error(score(), 503, "NoReadyReplicas", "No ready replicas for service iris");
  EXPECT_EQ(unready.headers.get("retry-after"), "1");
}

TEST_F(RouterTest, TokensAreVerifiedByTheGivenFunction) {
  add_replica(echo);
  route_.token_auth_enabled = true;
  options_.verify_token = [](std::string_view token, const resources::Route&) -> Result<void> {
    if (token == "good") return {};
    if (token == "known") return fail(ErrorCode::forbidden, "no right to score");
    return fail(ErrorCode::unauthenticated, "the token has expired");
  };
  start();
  EXPECT_EQ(score({{"Authorization", "Bearer good"}}).status, 200U);
  expect_error(score({{"Authorization", "Bearer known"}}), 403, "Forbidden", "no right");
  expect_error(score({{"Authorization", "Bearer old"}}), 401, "Unauthorized", "expired");
  expect_error(score(), 401, "Unauthorized", "no Auth header");
}

TEST_F(RouterTest, AFailureOfUserCodeIsABadGatewayAndOtherStatusesPass) {
  add_replica(answer_with(500, "{\"message\":\"run failed\"}"));
  start();
  const auto failed = score();
  EXPECT_EQ(failed.status, 502U);
  EXPECT_EQ(failed.body, "{\"message\":\"run failed\"}");
  replicas_.clear();
  version_.replicas.clear();
  add_replica(answer_with(415, "{}"));
  publish();
  EXPECT_EQ(score().status, 415U);
}

TEST_F(RouterTest, ARequestThatWaitsTooLongInTheQueueIsOverloaded) {
  Gate gate;
  auto& replica = add_replica(through(gate));
  version_.max_queue_wait_ms = 20;
  start();
  std::thread first([&] { EXPECT_EQ(score().status, 200U); });
  ASSERT_TRUE(replica.running.wait_until(1));
  const auto refused = score();
  expect_error(refused, 503, "Overloaded", "Too many requests for service iris (overloaded)");
  EXPECT_EQ(refused.headers.get("retry-after"), "1");
  EXPECT_EQ(router_->in_flight("r0"), 1);
  gate.open(replica.core());
  first.join();
  EXPECT_EQ(router_->in_flight("r0"), 0);
  EXPECT_EQ(replica.running.most(), 1);
}

TEST_F(RouterTest, ASlowReplicaIsATimeoutAndTheSlotIsFreeAgain) {
  Gate gate;
  auto& replica = add_replica(through(gate));
  version_.scoring_timeout_ms = 50;
  start();
  expect_error(score(), 504, "ScoringTimeout", "50 ms");
  EXPECT_EQ(router_->in_flight("r0"), 0);
  gate.open(replica.core());
  EXPECT_TRUE(replica.served.wait_until(1));
}

TEST_F(RouterTest, AReplicaThatClosesIsABadGateway) {
  add_replica([](http::Exchange& exchange) -> Task<void> {
    (void)co_await exchange.read_body(1 << 20);
    http::ResponseHead head;
    head.headers.add("Content-Length", "100");
    (void)co_await exchange.begin(std::move(head));
  });
  start();
  expect_error(score(), 502, "ReplicaClosedConnection", "closed connection before replying");
}

TEST_F(RouterTest, ADeadReplicaIsPassedOverWithoutAFailedRequest) {
  add_replica(echo);
  add_replica(echo);
  start();
  replicas_[0]->stop();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(score().status, 200U);
  replicas_[1]->stop();
  expect_error(score(), 503, "NoReadyReplicas", "No ready replicas");
}

TEST_F(RouterTest, BodiesTooManyAtOnceAreRefused) {
  add_replica(echo);
  options_.buffered_body_bytes = 500;
  start();
  expect_error(score({}, std::string(501, 'x')), 503, "Overloaded", "too many bytes");
  EXPECT_EQ(score({}, std::string(500, 'x')).status, 200U) << "what was refused is given back";
}

TEST_F(RouterTest, NoReplicaEverGetsMoreThanItsLimit) {
  version_.max_concurrent_requests = 2;
  version_.max_queue_wait_ms = 30'000;
  const auto yields = [](http::Exchange& exchange) -> Task<void> {
    for (int i = 0; i < 20; ++i)
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_await echo(exchange);
  };
  for (int i = 0; i < 3; ++i) add_replica(yields);
  start();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t)
    threads.emplace_back([&] {
      const auto own = client();
      for (int i = 0; i < 50; ++i) {
        auto response = own->send({"POST", "/api/v1/service/iris/score", {}, "1"});
        if (response && response->status == 200) ++good;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 12 * 50);
  int served = 0;
  for (const auto& replica : replicas_) {
    EXPECT_LE(replica->running.most(), 2);
    EXPECT_GT(replica->begun.value(), 0);
    served += replica->begun.value();
  }
  EXPECT_EQ(served, good);
}

TEST_F(RouterTest, NoRequestFailsWhileReplicasAreReplaced) {
  version_.max_queue_wait_ms = 30'000;
  add_replica(echo);
  add_replica(echo);
  start();
  std::atomic<bool> done{false};
  std::atomic<int> bad{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const auto own = client();
      while (!done) {
        auto response = own->send({"POST", "/api/v1/service/iris/score", {}, "1"});
        if (!response || response->status != 200) ++bad;
      }
    });
  const auto both = version_.replicas;
  for (int round = 0; round < 20; ++round) {
    const std::size_t stays = static_cast<std::size_t>(round) % 2;
    version_.replicas = {both[stays]};
    publish();
    auto& gone = *replicas_[1 - stays];
    while (router_->in_flight(both[1 - stays].id) > 0) std::this_thread::yield();
    const int before = gone.begun.value();
    score();
    EXPECT_EQ(gone.begun.value(), before) << "nothing begins at a replica that is not listed";
    version_.replicas = both;
    publish();
  }
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(bad, 0);
}

TEST(Weights, GiveEachVersionItsShare) {
  const resources::RouteVersion a{.name = "a", .weight = 80, .replicas = {}};
  const resources::RouteVersion b{.name = "b", .weight = 20, .replicas = {}};
  const resources::RouteVersion none{.name = "none", .weight = 0, .replicas = {}};
  SnapshotRoute route;
  EXPECT_EQ(pick_version(route, 0.5), nullptr);
  route.versions = {{&none, nullptr, {}}, {&a, nullptr, {}}, {&b, nullptr, {}}};
  int first = 0;
  for (int i = 0; i < 1'000; ++i) first += pick_version(route, i / 1'000.0)->settings == &a ? 1 : 0;
  EXPECT_EQ(first, 800);
  EXPECT_EQ(pick_version(route, 0.0)->settings, &a) << "a weight of 0 gets nothing";
  EXPECT_EQ(pick_version(route, 0.999999)->settings, &b);
}

}  // namespace
}  // namespace slipway::router
