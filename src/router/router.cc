#include "router/router.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "router/message.h"
#include "router/snapshot.h"

namespace slipway::router {

namespace {

using std::chrono::milliseconds;

// What one Core keeps: its view of the routes and its connections to replicas. Touched by that
// Core only.
struct Lane {
  explicit Lane(asio::any_io_executor own) : executor(std::move(own)) {}
  asio::any_io_executor executor;
  SnapshotPtr snapshot = std::make_shared<Snapshot>();
  std::unordered_map<ReplicaPtr, std::shared_ptr<http::Upstream>> upstreams;
  IdSource ids;

  void take(SnapshotPtr newer) {
    if (newer->number <= snapshot->number) return;
    snapshot = std::move(newer);
    std::erase_if(upstreams, [](const auto& entry) { return entry.first->retired(); });
  }
  const std::shared_ptr<http::Upstream>& upstream(const ReplicaPtr& replica) {
    auto& known = upstreams[replica];
    if (!known) {
      http::Upstream::Options options;
      options.address = replica->address();
      known = http::Upstream::create(std::move(options));
    }
    return known;
  }
};

// A part of the memory for request bodies; given back when it is destroyed.
class Reservation {
 public:
  Reservation(std::atomic<std::uint64_t>& used, std::uint64_t limit) : used_(used), limit_(limit) {}
  ~Reservation() { used_.fetch_sub(bytes_, std::memory_order_relaxed); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  bool grow(std::uint64_t bytes) {
    bytes_ += bytes;
    return used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_;
  }

 private:
  std::atomic<std::uint64_t>& used_;
  const std::uint64_t limit_;
  std::uint64_t bytes_ = 0;
};

http::Response retry_later(std::string_view code, std::string message) {
  auto answer = error_answer(503, code, message);
  answer.headers.add("Retry-After", "1");
  return answer;
}

http::Response overloaded(const resources::Route& route, std::string_view why) {
  return retry_later("Overloaded", "Too many requests for service " + route.service +
                                       " (overloaded): " + std::string(why) +
                                       ". Retry, or give it more replicas");
}

http::Response no_ready_replicas(const resources::Route& route) {
  return retry_later("NoReadyReplicas", "No ready replicas for service " + route.service +
                                            ". Retry; service.get_logs() tells why none is ready");
}

http::Response timed_out(const resources::RouteVersion& version) {
  return error_answer(504, "ScoringTimeout",
                      "The request took longer than the scoring timeout of " +
                          std::to_string(version.scoring_timeout_ms) +
                          " ms. Raise scoring_timeout_ms (at most 300000) or make run() faster");
}

http::Response refused_body(const Error& error) {
  switch (error.code) {
    case ErrorCode::too_large: return error_answer(413, "RequestTooLarge", error.message);
    case ErrorCode::deadline: return error_answer(408, "RequestTimeout", error.message);
    default: return error_answer(400, "BadRequest", error.message);
  }
}

// One request while the router works on it; in the frame of its coroutine.
struct Job {
  Lane& lane;
  http::Exchange& exchange;
  RequestIds ids;
  SnapshotPtr snapshot;
  const SnapshotRoute* route = nullptr;
  const SnapshotVersion* version = nullptr;
  TimeMs started = 0;  // steady; when its body was there
};

class RouterImpl final : public Router {
 public:
  explicit RouterImpl(Options options)
      : options_(std::move(options)),
        clock_(options_.clock != nullptr ? *options_.clock : system_clock()),
        snapshots_(clock_, options_.queue_per_version) {}

  // What lives on a Core ends there, its connections to replicas too.
  ~RouterImpl() override {
    for (auto& [thread, own] : lanes_) {
      const auto executor = own->executor;
      asio::post(executor, [last = std::move(own)] {});
    }
  }

  void publish(resources::RouteTablePtr table) override;
  http::Handler handler() override {
    return [this](http::Exchange& exchange) { return handle(exchange); };
  }
  int in_flight(const std::string& replica_id) const override {
    return snapshots_.in_flight(replica_id);
  }

 private:
  Lane& lane(const asio::any_io_executor& executor);
  Task<void> handle(http::Exchange& exchange);
  Task<http::Response> serve(Job& job, const ScoringPath& path);
  std::optional<http::Response> refuse(Job& job, const ScoringPath& path);
  Result<void> authorise(const http::Headers& headers, const resources::Route& route) const;
  Task<std::variant<std::string, http::Response>> read_body(Job& job, Reservation& reserved);
  Task<http::Response> forward(Job& job, http::Request request);
  Task<std::variant<Lease, http::Response>> lease(Job& job);
  milliseconds time_left(const Job& job) const;
  std::optional<http::Response> give_up(const Job& job, const http::SendError& failure);

  const Options options_;
  const Clock& clock_;
  Snapshots snapshots_;
  std::atomic<std::uint64_t> buffered_bytes_{0};
  std::mutex lanes_mutex_;
  std::map<std::thread::id, std::shared_ptr<Lane>> lanes_;
  const std::uint64_t instance_ = next_instance();

  static std::uint64_t next_instance() {
    static std::atomic<std::uint64_t> count{0};
    return ++count;
  }
};

// Each Core learns of the table at its next request at the latest; posting lets it close the
// connections to replicas that are gone without waiting for one.
void RouterImpl::publish(resources::RouteTablePtr table) {
  auto snapshot = snapshots_.publish(std::move(table));
  const std::lock_guard lock(lanes_mutex_);
  for (const auto& [thread, known] : lanes_)
    asio::post(known->executor, [weak = std::weak_ptr(known), snapshot] {
      if (const auto own = weak.lock()) own->take(snapshot);
    });
}

// Found once per thread and router; the instance tells a router from a dead one at its address.
Lane& RouterImpl::lane(const asio::any_io_executor& executor) {
  thread_local std::uint64_t known_instance = 0;
  thread_local Lane* known_lane = nullptr;
  if (known_instance != instance_) {
    const std::lock_guard lock(lanes_mutex_);
    auto& entry = lanes_[std::this_thread::get_id()];
    if (!entry) entry = std::make_shared<Lane>(executor);
    known_lane = entry.get();
    known_instance = instance_;
  }
  if (known_lane->snapshot->number != snapshots_.number()) known_lane->take(snapshots_.take());
  return *known_lane;
}

Task<void> RouterImpl::handle(http::Exchange& exchange) {
  Job job{lane(co_await asio::this_coro::executor), exchange, {}, nullptr};
  job.snapshot = job.lane.snapshot;
  const auto& head = exchange.head();
  http::Response answer;
  auto ids = read_ids(head.headers, job.lane.ids);
  if (!ids) {
    job.ids.request = job.ids.legacy = job.lane.ids.next();
    answer = error_answer(431, "RequestHeaderFieldsTooLarge", ids.error().message);
  } else if (const auto path = parse_path(head.path())) {
    job.ids = std::move(*ids);
    answer = co_await serve(job, *path);
  } else {
    job.ids = std::move(*ids);
    answer = error_answer(404, "NotFound",
                          "There is nothing at this path; score at /api/v1/service/<name>/score");
  }
  write_ids(job.ids, answer.headers);
  // A client that went away is no error of ours; the server has closed the connection.
  (void)co_await exchange.respond(std::move(answer));
}

Result<void> RouterImpl::authorise(const http::Headers& headers,
                                   const resources::Route& route) const {
  if (route.auth_enabled) return check_key(headers, route);
  if (!route.token_auth_enabled) return {};
  TRY(const auto token, bearer(headers));
  if (!options_.verify_token)
    return fail(ErrorCode::unauthenticated, "Unauthorized, this server verifies no tokens");
  return options_.verify_token(token, route);
}

// All that can be said of a request before its body is read.
std::optional<http::Response> RouterImpl::refuse(Job& job, const ScoringPath& path) {
  const auto& head = job.exchange.head();
  const bool may_post = path.action == Action::score;
  if (head.method != "GET" && !(may_post && head.method == "POST")) {
    auto answer =
        error_answer(405, "MethodNotAllowed",
                     may_post ? "Only GET and POST reach a service" : "Only GET is known here");
    answer.headers.add("Allow", may_post ? "GET, POST" : "GET");
    return answer;
  }
  const auto found = job.snapshot->routes.find(path.route);
  if (found == job.snapshot->routes.end())
    return error_answer(404, "NotFound", "There is no service of this name here");
  job.route = &found->second;
  if (path.action == Action::health) return std::nullopt;
  const auto allowed = authorise(head.headers, *job.route->settings);
  if (allowed) return std::nullopt;
  const bool forbidden = allowed.error().code == ErrorCode::forbidden;
  auto answer = error_answer(forbidden ? 403 : 401, forbidden ? "Forbidden" : "Unauthorized",
                             allowed.error().message);
  if (!forbidden) answer.headers.add("WWW-Authenticate", "Bearer");
  return answer;
}

Task<http::Response> RouterImpl::serve(Job& job, const ScoringPath& path) {
  if (auto refusal = refuse(job, path)) co_return std::move(*refusal);
  job.version = pick_version(*job.route, job.lane.ids.fraction());
  if (job.version == nullptr || job.version->replicas.empty())
    co_return no_ready_replicas(*job.route->settings);
  if (path.action == Action::health) {
    http::Response healthy;
    healthy.headers.add("Content-Type", "text/plain; charset=utf-8");
    healthy.body = "Healthy";
    co_return healthy;
  }
  Reservation reserved(buffered_bytes_, options_.buffered_body_bytes);
  auto body = co_await read_body(job, reserved);
  if (auto* refusal = std::get_if<http::Response>(&body)) co_return std::move(*refusal);
  const auto& head = job.exchange.head();
  http::Request request;
  request.method = head.method;
  request.target = path.action == Action::score ? "/score" : "/swagger.json";
  if (!head.query().empty()) request.target.append("?").append(head.query());
  request.headers = forwarded_headers(head, job.exchange.peer(), job.ids);
  request.body = std::move(std::get<std::string>(body));
  co_return co_await forward(job, std::move(request));
}

// A declared length is reserved before a byte is read, a chunked body piece by piece.
Task<std::variant<std::string, http::Response>> RouterImpl::read_body(Job& job,
                                                                      Reservation& reserved) {
  const auto& head = job.exchange.head();
  const std::uint64_t declared = head.content_length.value_or(0);
  const std::uint64_t limit = options_.request_body_bytes;
  const auto too_large = [&] {
    return error_answer(413, "RequestTooLarge",
                        "The request body is above the limit of " + std::to_string(limit) +
                            " bytes; send less at a time");
  };
  if (declared > limit) co_return too_large();
  const auto& settings = *job.route->settings;
  if (!reserved.grow(declared)) co_return overloaded(settings, "too many bytes under way");
  if (!head.chunked) {
    auto whole = co_await job.exchange.read_body(limit);
    if (!whole) co_return refused_body(whole.error());
    co_return std::move(*whole);
  }
  std::string body;
  while (true) {
    const auto piece = co_await job.exchange.read_some();
    if (!piece) co_return refused_body(piece.error());
    if (piece->empty()) co_return body;
    if (body.size() + piece->size() > limit) co_return too_large();
    if (!reserved.grow(piece->size())) co_return overloaded(settings, "too many bytes under way");
    body.append(*piece);
  }
}

milliseconds RouterImpl::time_left(const Job& job) const {
  const auto& settings = *job.version->settings;
  return milliseconds(settings.scoring_timeout_ms - (clock_.steady_ms() - job.started));
}

Task<std::variant<Lease, http::Response>> RouterImpl::lease(Job& job) {
  const auto start = static_cast<unsigned>(job.lane.ids.random());
  const auto& pool = job.version->pool;
  if (auto free = pool->try_acquire(job.version->replicas, start)) co_return std::move(*free);
  const auto left = time_left(job);
  const milliseconds queue_wait(job.version->settings->max_queue_wait_ms);
  auto waited = co_await pool->acquire(std::min(left, queue_wait));
  if (waited) co_return std::move(*waited);
  const auto& settings = *job.route->settings;
  if (waited.error().code == ErrorCode::exhausted)
    co_return overloaded(settings, "its queue is full");
  if (left < queue_wait) co_return timed_out(*job.version->settings);
  if (pool->empty()) co_return no_ready_replicas(settings);
  co_return overloaded(settings,
                       "no replica was free within " + std::to_string(queue_wait.count()) + " ms");
}

// What to answer when the replica gave none; nothing when the request may be sent elsewhere.
std::optional<http::Response> RouterImpl::give_up(const Job& job, const http::SendError& failure) {
  const bool late = time_left(job).count() <= 0;
  if (late || (failure.sent && failure.error.code == ErrorCode::deadline))
    return timed_out(*job.version->settings);
  if (failure.error.code == ErrorCode::too_large)
    return error_answer(502, "AnswerTooLarge",
                        "The replica's answer is above the limit of " +
                            std::to_string(options_.answer_body_bytes) + " bytes");
  if (failure.sent)
    return error_answer(502, "ReplicaClosedConnection",
                        "Replica closed connection before replying; service.get_logs() shows its "
                        "last lines");
  return std::nullopt;
}

// Sent again, once and elsewhere, only when nothing of it had reached the first replica.
Task<http::Response> RouterImpl::forward(Job& job, http::Request request) {
  constexpr int kAttempts = 2;
  constexpr TimeMs kAvoidMs = 1'000;
  job.started = clock_.steady_ms();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto leased = co_await lease(job);
    if (auto* refusal = std::get_if<http::Response>(&leased)) co_return std::move(*refusal);
    const auto& replica = std::get<Lease>(leased).replica();
    const auto upstream = job.lane.upstream(replica);
    const auto left = std::max(time_left(job), milliseconds(1));
    auto sent = co_await upstream->send(request, left, options_.answer_body_bytes);
    if (auto* answer = std::get_if<http::Response>(&sent)) {
      clean_answer(answer->headers);
      // Documented: a failure of run() is a bad gateway; 500 is the router's own.
      if (answer->status == 500) answer->status = 502;
      co_return std::move(*answer);
    }
    if (auto answer = give_up(job, std::get<http::SendError>(sent))) co_return std::move(*answer);
    replica->avoid_until(clock_.steady_ms() + kAvoidMs);
  }
  co_return no_ready_replicas(*job.route->settings);
}

}  // namespace

std::unique_ptr<Router> Router::create(Options options) {
  return std::make_unique<RouterImpl>(std::move(options));
}

http::Response listener_error(unsigned status, std::string_view message) {
  std::string code(http::reason_phrase(status));
  std::erase(code, ' ');
  return error_answer(status, code, message);
}

}  // namespace slipway::router
