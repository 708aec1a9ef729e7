#include "modelserver/service.h"

#include <fmt/core.h>

#include <chrono>
#include <sstream>

#include "base/crypto.h"
#include "modelserver/output.h"

namespace slipway::modelserver {
namespace {

constexpr std::size_t kIdLimit = 100;  // characters of an id header
constexpr std::chrono::milliseconds kLogDelay{50};

ScoreAnswer text_answer(unsigned status, std::string_view text) {
  ScoreAnswer answer;
  answer.status = status;
  answer.headers.add("Content-Type", "text/html; charset=utf-8");
  answer.body = text;
  return answer;
}

unsigned status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::too_large: return 413;
    case ErrorCode::deadline: return 408;
    default: return 400;
  }
}

std::vector<std::string> split_origins(const std::string& list) {
  std::vector<std::string> origins;
  std::istringstream items(list);
  for (std::string item; std::getline(items, item, ',');) {
    const auto first = item.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    origins.push_back(item.substr(first, item.find_last_not_of(' ') - first + 1));
  }
  return origins;
}

bool is_probe(std::string_view path) { return path == "/" || path == "/ready"; }

}  // namespace

ScoreAnswer error_answer(unsigned status, std::string_view message) {
  ScoreAnswer answer;
  answer.status = status;
  answer.headers.add("Content-Type", "application/json");
  answer.body = json::serialize(json::object{{"message", message}});
  return answer;
}

http::Response protocol_error(unsigned status, std::string_view message) {
  auto answer = error_answer(status, message);
  return {status, std::move(answer.headers), std::move(answer.body)};
}

Service::Service(asio::io_context& context, Options options, Backend& backend)
    : options_(std::move(options)),
      backend_(backend),
      origins_(split_origins(options_.cors_origins)),
      flush_(context) {}

void Service::publish_swagger() {
  swagger_ = make_swagger(*options_.bundle, options_.folder, backend_.schemas());
}

Task<void> Service::handle(http::Exchange& exchange) {
  const auto started = std::chrono::steady_clock::now();
  const auto& head = exchange.head();
  const auto path = local_path(head);
  Ids ids;
  auto refused = take_ids(head, ids);
  ScoreAnswer answer;
  if (refused) {
    answer = std::move(*refused);
  } else {
    answer = co_await this->answer(exchange, path, ids);
  }
  auto& headers = answer.headers;
  if (!ids.request.empty()) headers.set("x-request-id", ids.request);
  if (!ids.legacy.empty()) headers.set("x-ms-request-id", ids.legacy);
  if (!ids.client.empty()) headers.set("x-ms-client-request-id", ids.client);
  if (const auto trace = head.headers.get("TraceId")) headers.set("TraceId", std::string(*trace));
  headers.add("x-ms-server-version", "slipway/" SLIPWAY_VERSION);
  add_cors(head, answer);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - started;
  if (!is_probe(path)) log(head, answer, elapsed.count());
  http::Response response{answer.status, std::move(answer.headers), std::move(answer.body)};
  // A client that has gone is no fault of ours, and there is nobody left to tell.
  [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(response));
}

std::string_view Service::local_path(const http::RequestHead& head) const {
  std::string_view path = head.path();
  const std::string_view prefix = options_.bundle->path_prefix;
  if (!prefix.empty() && path.starts_with(prefix)) path.remove_prefix(prefix.size());
  return path.empty() ? "/" : path;
}

std::optional<ScoreAnswer> Service::take_ids(const http::RequestHead& head, Ids& ids) {
  auto request = head.headers.get_or("x-request-id", "");
  const auto client = head.headers.get_or("x-ms-client-request-id", "");
  const auto legacy = head.headers.get_or("x-ms-request-id", "");
  if (request.size() > kIdLimit)
    return error_answer(431, "x-request-id must not exceed 100 characters");
  ids.request = request.empty() ? random_uuid() : std::string(request);
  if (client.size() > kIdLimit || legacy.size() > kIdLimit)
    return error_answer(
        431, "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters");
  ids.client = client.empty() ? legacy : client;
  ids.legacy = !legacy.empty() ? legacy : !client.empty() ? client : std::string_view(ids.request);
  return std::nullopt;
}

Task<ScoreAnswer> Service::answer(http::Exchange& exchange, std::string_view path, const Ids& ids) {
  const auto& head = exchange.head();
  if (path == "/score") co_return co_await score(exchange, ids);
  const bool known = path == "/" || path == "/ready" || path == "/swagger.json";
  if (!known)
    co_return error_answer(404, fmt::format("no such path; there are /, /score and /swagger.json"));
  if (head.method != "GET" && head.method != "HEAD") {
    auto refusal = error_answer(405, "The method is not allowed for the requested URL.");
    refusal.headers.add("Allow", "GET, HEAD");
    co_return refusal;
  }
  if (path == "/swagger.json") co_return swagger(head);
  if (path == "/") co_return text_answer(200, "Healthy");
  co_return backend_.ready() ? text_answer(200, "Ready") : text_answer(503, "Starting");
}

Task<ScoreAnswer> Service::score(http::Exchange& exchange, const Ids& ids) {
  const auto& head = exchange.head();
  if (head.method != "GET" && head.method != "POST" && head.method != "OPTIONS") {
    auto refusal = error_answer(405, "The method is not allowed for the requested URL.");
    refusal.headers.add("Allow", "GET, POST, OPTIONS");
    co_return refusal;
  }
  auto body =
      co_await exchange.read_body(static_cast<std::uint64_t>(options_.bundle->request_body_bytes));
  if (!body) co_return error_answer(status_of(body.error()), body.error().message);
  ScoreRequest request{&head, ids.request, std::move(*body)};
  auto answer = co_await backend_.score(std::move(request));
  const bool failed = answer.run_failed || answer.status >= 500;
  answer.headers.set("x-ms-run-function-failed", failed ? "True" : "False");
  if (answer.run_us)
    answer.headers.add("x-ms-run-fn-exec-ms",
                       fmt::format("{}.{:03}", *answer.run_us / 1000, *answer.run_us % 1000));
  co_return answer;
}

ScoreAnswer Service::swagger(const http::RequestHead& head) const {
  const auto query = http::parse_query(head.query());
  if (!query) return error_answer(400, query.error().message);
  const auto version = http::find(*query, "version").value_or("2");
  const auto document = swagger_.find(version);
  if (!document) return error_answer(404, document.error().message);
  ScoreAnswer answer;
  answer.headers.add("Content-Type", "application/json");
  answer.body = **document;
  return answer;
}

void Service::add_cors(const http::RequestHead& head, ScoreAnswer& answer) const {
  const auto origin = head.headers.get("Origin");
  if (!origin || origins_.empty()) return;
  const bool any = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
  const bool named = std::find(origins_.begin(), origins_.end(), *origin) != origins_.end();
  if (!any && !named) return;
  answer.headers.set("Access-Control-Allow-Origin", any ? "*" : std::string(*origin));
  if (!any) answer.headers.add("Vary", "Origin");
  if (head.method != "OPTIONS") return;
  answer.headers.set("Access-Control-Allow-Methods", "GET, POST");
  if (const auto wanted = head.headers.get("Access-Control-Request-Headers"))
    answer.headers.set("Access-Control-Allow-Headers", std::string(*wanted));
}

void Service::log(const http::RequestHead& head, const ScoreAnswer& answer, double elapsed_ms) {
  const bool first = output::gather(fmt::format("{} {} {} {:.3f}ms {}", head.method, head.target,
                                                answer.status, elapsed_ms, answer.body.size()));
  if (!first) return;
  flush_.expires_after(kLogDelay);
  flush_.async_wait([](boost::system::error_code) { output::flush(); });
}

}  // namespace slipway::modelserver
