#include "http/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>

#include "base/file.h"

namespace slipway::http {
namespace {

using std::chrono::milliseconds;

// Echoes method and body; some paths do what their name says.
std::atomic<int> slow_begun = 0;  // exchanges of /slow that a handler has begun

Task<void> serve(Exchange& exchange) {
  const auto path = exchange.head().path();
  if (path == "/nothing") co_return;
  if (path == "/throw") throw std::runtime_error("boom");
  if (path == "/split") {
    (void)co_await exchange.respond({200, {{"X-Value", "a\r\nX-Evil: 1"}}, "ok"});
    co_return;
  }
  if (path == "/refuse") {
    (void)co_await exchange.respond({413, {}, "no"});
    co_return;
  }
  if (path == "/slow") {
    ++slow_begun;
    slow_begun.notify_all();
    asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(300));
    co_await timer.async_wait(asio::use_awaitable);
  }
  if (path == "/stream") {
    (void)co_await exchange.begin({200, {}});
    for (;;) {
      auto piece = co_await exchange.read_some();
      if (!piece || piece->empty()) break;
      (void)co_await exchange.write(*piece);
    }
    (void)co_await exchange.end();
    co_return;
  }
  auto body = co_await exchange.read_body(1 << 20);
  if (!body) {
    const bool large = body.error().code == ErrorCode::too_large;
    (void)co_await exchange.respond({large ? 413U : 400U, {}, body.error().message});
    co_return;
  }
  (void)co_await exchange.respond({200, {}, exchange.head().method + ":" + *body});
}

struct Fixture {
  Cores cores = make_cores(2, "http-test");
  std::unique_ptr<Server> server;
  explicit Fixture(ServerOptions options = {}) {
    auto started = Server::start(cores, std::move(options), serve);
    EXPECT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  BlockingClient::Options client() const { return {{"", "127.0.0.1", server->port()}, nullptr}; }
};

constexpr std::string_view kNever = "\x01never";

// A bare TCP client: sends bytes, reads until the server closes or `until` is seen.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{5, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  std::string read(std::string_view until = kNever) {
    std::string out;
    char buffer[4096];
    while (out.find(until) == std::string::npos) {
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return out + (n < 0 ? "<timeout>" : "<closed>");
      out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
  }

 private:
  Fd fd_;
};

struct FramingCase {
  const char* rule;
  std::string bytes;
  std::string status;  // of the first answer; the connection must close unless it is 200
};

const FramingCase kFraming[] = {
    {"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "200"},
    {"9112 2.2 leading empty line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "200"},
    {"9112 7.1 chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     "200"},
    {"9112 7.1.2 trailers",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\nT: "
     "v\r\n\r\n",
     "200"},
    {"9112 2.2 bare LF", "GET / HTTP/1.1\nHost: a\n\n", "400"},
    {"9112 2.2 bare LF in a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "400"},
    {"9112 5.2 obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "400"},
    {"9112 5.1 space before colon", "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "400"},
    {"9112 5 no colon", "GET / HTTP/1.1\r\nHost: a\r\nXb\r\n\r\n", "400"},
    {"9110 5.5 control character", "GET / HTTP/1.1\r\nHost: a\r\nX: b\x01\r\n\r\n", "400"},
    {"9110 5.5 CR alone", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", "400"},
    {"9110 5.5 NUL", std::string("GET / HTTP/1.1\r\nHost: a\r\nX: b\0\r\n\r\n", 35), "400"},
    {"9112 6.3 length and chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400"},
    {"9112 6.3 two lengths",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "400"},
    {"9110 8.6 length list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", "400"},
    {"9110 8.6 signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", "400"},
    {"9110 8.6 huge length",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
    {"9112 6.1 chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"9112 6.3 not chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
     "400"},
    {"9112 6.1 coding unknown",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
    {"9112 6.1 two codings",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
     "400"},
    {"9112 7.1 bad chunk size",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
     "400"},
    {"9112 7.1 huge chunk size",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
     "400"},
    {"9112 7.1 chunk without CRLF",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "400"},
    {"9112 2.2 bare LF in a chunk",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", "400"},
    {"9112 3.2 no Host", "GET / HTTP/1.1\r\n\r\n", "400"},
    {"9112 3.2 two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
    {"9110 7.2 bad Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
    {"9112 3.2.2 absolute form", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"9112 3 two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"9112 3 no version", "GET /\r\n\r\n", "400"},
    {"9112 2.3 version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
    {"9112 3.2 target not ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"9110 10.1.1 expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "417"},
    {"9110 15.5.15 long target", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
     "414"},
    {"6585 5 large head", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40000, 'a') + "\r\n\r\n",
     "431"},
    {"6585 5 many headers",
     [] {
       std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
       for (int i = 0; i < 101; ++i) text += "X: b\r\n";
       return text + "\r\n";
     }(),
     "431"},
    {"tls hello on a plain port", "\x16\x03\x01\x02\r\n\r\n", "400"},
};

TEST(Framing, table) {
  Fixture f;
  for (const auto& c : kFraming) {
    SCOPED_TRACE(c.rule);
    RawClient client(f.server->port());
    client.send(c.bytes);
    const std::string answer =
        client.read(c.status == "200" ? std::string_view("\r\n\r\n") : kNever);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + c.status)) << answer;
    EXPECT_EQ(answer.find("<timeout>"), std::string::npos) << answer;
  }
}

TEST(Framing, byte_by_byte) {
  Fixture f;
  RawClient client(f.server->port());
  for (const char c :
       std::string_view("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "2\r\nab\r\n0\r\n\r\n"))
    client.send({&c, 1});
  EXPECT_TRUE(client.read("POST:ab").ends_with("POST:ab"));
}

TEST(Server, pipelined_requests_are_answered_in_order) {
  Fixture f;
  RawClient client(f.server->port());
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
      "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n2"
      "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string all = client.read();
  const auto first = all.find("POST:1"), second = all.find("PUT:2");
  EXPECT_LT(first, second);
  EXPECT_TRUE(all.ends_with("\r\n\r\n<closed>")) << all;  // HEAD has no body
}

TEST(Server, expect_continue) {
  Fixture f;
  RawClient client(f.server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_TRUE(client.read("POST:ab").starts_with("HTTP/1.1 200"));
}

TEST(Server, handler_failures_and_splitting) {
  Fixture f;
  auto client = BlockingClient::create(f.client());
  EXPECT_EQ(client->send({"GET", "/nothing", {}, {}})->status, 500U);
  EXPECT_EQ(client->send({"GET", "/throw", {}, {}})->status, 500U);
  const auto split = client->send({"GET", "/split", {}, {}});
  EXPECT_FALSE(split->headers.has("x-evil"));
  EXPECT_EQ(split->headers.get_or("x-value", ""), "a  X-Evil: 1");
}

TEST(Server, timeouts) {
  ServerOptions options;
  options.limits.head_timeout = options.limits.body_timeout = milliseconds(100);
  options.limits.idle_timeout = milliseconds(100);
  Fixture f(std::move(options));
  RawClient idle(f.server->port()), head(f.server->port()), body(f.server->port());
  head.send("GET / HT");
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na");
  EXPECT_TRUE(head.read().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(body.read().starts_with("HTTP/1.1 408"));
  EXPECT_EQ(idle.read(), "<closed>");
}

TEST(Server, address_in_use_is_named) {
  Fixture f;
  ServerOptions options;
  options.port = f.server->port();
  const auto second = Server::start(f.cores, std::move(options), serve);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find("127.0.0.1:" + std::to_string(f.server->port())),
            std::string::npos);
}

TEST(Server, stop_lets_running_exchanges_end) {
  Fixture f;
  RawClient busy(f.server->port()), idle(f.server->port());
  const int before = slow_begun;
  busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  slow_begun.wait(before);
  idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  idle.read("GET:");
  f.server->stop(milliseconds(5'000));
  EXPECT_NE(busy.read().find("GET:<closed>"), std::string::npos);
  EXPECT_EQ(idle.read(), "<closed>");
  EXPECT_EQ(f.server->connections(), 0U);
}

TEST(BlockingClient, reads_an_early_refusal_of_a_large_upload) {
  Fixture f;
  auto client = BlockingClient::create(f.client());
  constexpr std::uint64_t kSize = 64 << 20;
  std::uint64_t received = 0;
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const auto source = [](char* to, std::size_t n) -> Result<std::size_t> {
    std::fill_n(to, n, 'x');
    return n;
  };
  const auto sink = [&](std::string_view piece) -> Result<void> {
    received += piece.size();
    return {};
  };
  const auto answer = client->stream({"PUT", "/refuse", {}, {}}, kSize, source, sink);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413U);
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 << 10);  // KiB
  EXPECT_EQ(client->send({"POST", "/", {}, "again"})->body, "POST:again");
}

TEST(Unix, serves_and_removes_its_socket) {
  char folder[] = "/tmp/slipway-http-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  ServerOptions options;
  options.unix_path = std::string(folder) + "/s";
  Fixture f(options);
  auto client = BlockingClient::create({{options.unix_path, "", 0}, nullptr});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client->send({"POST", "/", {}, "a"})->body, "POST:a");
  f.server->stop(milliseconds(0));
  EXPECT_FALSE(std::filesystem::exists(options.unix_path));
  std::filesystem::remove_all(folder);
}

struct Tls {
  CertificateAndKey authority = *make_authority("test authority", system_clock());
  CertificateAndKey own = *issue_certificate(authority, {"localhost", "127.0.0.1"}, system_clock());
  ServerOptions options() const {
    ServerOptions out;
    out.tls = *make_server_context(own.certificate_pem, own.key_pem);
    return out;
  }
};

TEST(Tls, verifies_authority_and_name) {
  const Tls tls;
  Fixture f(tls.options());
  auto options = f.client();
  options.tls = *make_client_context(tls.authority.certificate_pem);
  auto client = BlockingClient::create(options);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client->send({"POST", "/", {}, "secret"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "POST:secret");
  }
  EXPECT_EQ(f.server->connections(), 1U);  // kept alive
  options.tls = *make_client_context(make_authority("another", system_clock())->certificate_pem);
  EXPECT_FALSE(BlockingClient::create(options)->send({}));
  options.tls = *make_client_context(tls.authority.certificate_pem);
  options.address.host = "127.0.0.2";
  EXPECT_FALSE(BlockingClient::create(options)->send({}));
  EXPECT_GT(*expiry(tls.own.certificate_pem), system_clock().now_ms());
  EXPECT_FALSE(make_server_context(tls.own.certificate_pem, tls.authority.key_pem));
  EXPECT_FALSE(issue_certificate(tls.authority, {"a,IP:1.2.3.4"}, system_clock()));
}

using Outcome = std::variant<Response, SendError>;

Outcome send_on(Core& core, Upstream& upstream, const Request& request,
                milliseconds timeout = milliseconds(5'000), std::uint64_t limit = 1 << 20) {
  return asio::co_spawn(core.context(), upstream.send(request, timeout, limit), asio::use_future)
      .get();
}

TEST(Upstream, reuses_replaces_and_gives_up) {
  Fixture f;
  Core core("upstream");
  auto upstream = Upstream::create({{"", "127.0.0.1", f.server->port()}, nullptr});
  for (int i = 0; i < 5; ++i) {
    const auto answer = send_on(core, *upstream, {"POST", i == 3 ? "/stream" : "/", {}, "x"});
    ASSERT_TRUE(std::holds_alternative<Response>(answer)) << std::get<1>(answer).error.message;
  }
  EXPECT_EQ(f.server->connections(), 1U);
  const auto slow = send_on(core, *upstream, {"GET", "/slow", {}, {}}, milliseconds(100));
  ASSERT_TRUE(std::holds_alternative<SendError>(slow));
  EXPECT_EQ(std::get<1>(slow).error.code, ErrorCode::deadline);
  EXPECT_TRUE(std::get<1>(slow).sent);
  const auto large =
      send_on(core, *upstream, {"POST", "/", {}, "12345678"}, milliseconds(5'000), 4);
  EXPECT_EQ(std::get<1>(large).error.code, ErrorCode::too_large);
}

TEST(Upstream, a_stale_connection_is_replaced_and_a_dead_peer_is_not_sent_to) {
  Core core("upstream");
  std::unique_ptr<Upstream> upstream;
  ServerOptions options;
  {
    Fixture first;
    options.port = first.server->port();
    upstream = Upstream::create({{"", "127.0.0.1", options.port}, nullptr});
    ASSERT_EQ(send_on(core, *upstream, {}).index(), 0U);
  }
  const auto dead = send_on(core, *upstream, {});
  ASSERT_TRUE(std::holds_alternative<SendError>(dead));
  EXPECT_FALSE(std::get<1>(dead).sent);
  Fixture second(options);
  EXPECT_EQ(send_on(core, *upstream, {}).index(), 0U);
}

TEST(Message, helpers) {
  EXPECT_EQ(*percent_decode("a%20b+c", true), "a b c");
  for (const char* bad : {"%", "%4", "%zz", "%00"}) EXPECT_FALSE(percent_decode(bad)) << bad;
  EXPECT_EQ(percent_encode("a b/é"), "a%20b%2F%C3%A9");
  EXPECT_EQ(*split_path("/a/b%3A1"), (std::vector<std::string>{"a", "b:1"}));
  for (const char* bad : {"/..", "/a/%2e%2e/b", "/a%2Fb", "/."})
    EXPECT_FALSE(split_path(bad)) << bad;
  const auto url = parse_url("https://[::1]:8443/x?y#z");
  EXPECT_EQ(url->host + std::to_string(url->port) + url->target, "::18443/x?y");
  for (const char* bad : {"", "ftp://a", "http://", "http://a:0/", "http://a:99999", "http://u@a/",
                          "http://[::1", "http://[::1]x"})
    EXPECT_FALSE(parse_url(bad)) << bad;
  EXPECT_EQ(find(*parse_query("a=1&b=x%20y&c"), "b"), "x y");
}

}  // namespace
}  // namespace slipway::http
