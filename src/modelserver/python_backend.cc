#include "modelserver/python_backend.h"

#include <fmt/core.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>

#include <deque>

#include "modelserver/output.h"
#include "modelserver/python_command.h"
#include "modelserver/python_worker.h"

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kQueueLimit = 256;  // requests that wait for a worker
constexpr milliseconds kFirstPause{100};  // before a worker that died is replaced
constexpr milliseconds kLongestPause{30'000};

// The place of one worker; the process in it changes.
struct Slot {
  explicit Slot(asio::io_context& context) : pause(context) {}
  asio::steady_timer pause;  // before the next start
  std::shared_ptr<PythonWorker> worker;
  bool usable = false;  // its script is ready
  bool served = false;  // since its start, so that a later death is no crash loop
};

// A request that waits; its coroutine owns it.
struct Waiter {
  asio::steady_timer timer;
  Slot* slot = nullptr;
};

class PythonBackend final : public Backend {
 public:
  PythonBackend(asio::io_context& context, const Bundle& bundle, const fs::path& folder,
                const fs::path& runtime)
      : context_(context), bundle_(bundle), folder_(folder), runtime_(runtime) {
    for (std::int64_t i = 0; i < bundle.workers; ++i) slots_.emplace_back(context);
  }

  void start(Started started) override;
  bool ready() const override;
  Task<ScoreAnswer> score(ScoreRequest request) override;
  const json::object& schemas() const override { return about_.schemas; }
  void stop(std::function<void()> stopped) override;

 private:
  Task<void> supervise(Slot& slot);
  Task<std::optional<StartFailure>> launch(Slot& slot);
  Task<std::optional<StartFailure>> await_ready(Slot& slot);
  Task<Result<Slot*>> acquire();
  void release(Slot& slot, const PythonWorker* worker);
  void withdraw(Slot& slot);
  std::optional<ScoreAnswer> refuse(const http::RequestHead& head) const;
  Task<ScoreAnswer> exchange(PythonWorker& worker, std::string_view frame, std::string_view body);
  Task<ScoreAnswer> lost(PythonWorker& worker);
  void report(std::optional<StartFailure> failure);

  asio::io_context& context_;
  const Bundle bundle_;
  const fs::path folder_;
  const fs::path runtime_;
  WorkerCommand command_;
  WorkerReady about_;
  Started started_;  // empty once called
  std::deque<Slot> slots_;
  std::vector<Slot*> idle_;  // the last one used is the first one taken: its caches are warm
  std::deque<Waiter*> waiting_;
  std::size_t supervised_ = 0;  // slots whose supervise() has not returned
  bool stopping_ = false;
  std::function<void()> stopped_;
};

void PythonBackend::start(Started started) {
  started_ = std::move(started);
  auto command = python_command(bundle_, folder_, runtime_);
  if (!command) return report(StartFailure{command.error().reason, command.error().message, ""});
  command_ = std::move(*command);
  supervised_ = slots_.size();
  for (auto& slot : slots_)
    asio::co_spawn(context_, supervise(slot), [this](const std::exception_ptr&) {
      if (--supervised_ == 0 && stopping_) stopped_();
    });
}

// Calls back once; later failures only reach the log.
void PythonBackend::report(std::optional<StartFailure> failure) {
  if (started_) std::exchange(started_, nullptr)(std::move(failure));
}

bool PythonBackend::ready() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot.usable; });
}

// Keeps one worker alive until stop(). What fails before anything was ready ends the start instead.
Task<void> PythonBackend::supervise(Slot& slot) {
  milliseconds pause = kFirstPause;
  while (!stopping_) {
    auto failure = co_await launch(slot);
    if (!failure) {
      report(std::nullopt);
      const std::string ending = co_await slot.worker->ended();
      withdraw(slot);
      if (stopping_) co_return;
      output::error(
          fmt::format("Worker with pid {} {}; starting another", slot.worker->pid(), ending));
      if (slot.served) pause = kFirstPause;
    } else if (started_) {
      co_return report(std::move(failure));
    } else {
      output::error(fmt::format("Worker could not start: {}", failure->message));
    }
    boost::system::error_code ec;
    slot.pause.expires_after(pause);
    co_await slot.pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    pause = std::min(pause * 2, kLongestPause);
  }
}

Task<std::optional<StartFailure>> PythonBackend::launch(Slot& slot) {
  auto worker = PythonWorker::spawn(context_, command_);
  if (!worker) co_return StartFailure{"WorkerStartFailed", worker.error().message, ""};
  slot.worker = std::move(*worker);
  slot.served = false;
  auto failure = co_await await_ready(slot);
  if (failure) {
    slot.worker->kill();
    co_await slot.worker->ended();
    co_return failure;
  }
  output::info(fmt::format("Worker with pid {} ready for serving traffic", slot.worker->pid()));
  slot.usable = true;
  release(slot, slot.worker.get());
  co_return std::nullopt;
}

// init() has no limit of its own here: whoever started this server decides how long it may take.
Task<std::optional<StartFailure>> PythonBackend::await_ready(Slot& slot) {
  const auto frame = co_await slot.worker->receive();
  if (!frame) {
    const std::string ending = co_await slot.worker->ended();
    co_return StartFailure{"UserScriptInitFailed",
                           "the Python worker " + ending + " while starting", ""};
  }
  if (frame->kind == FrameKind::failed) {
    auto failure = decode_failure(frame->payload);
    if (failure) co_return *failure;
  } else if (frame->kind == FrameKind::ready) {
    auto about = decode_ready(frame->payload);
    if (about) {
      about_ = std::move(*about);
      co_return std::nullopt;
    }
  }
  co_return StartFailure{"WorkerStartFailed", "the Python worker did not follow the protocol", ""};
}

Task<Result<Slot*>> PythonBackend::acquire() {
  if (!idle_.empty()) {
    Slot* slot = idle_.back();
    idle_.pop_back();
    co_return slot;
  }
  if (stopping_ || waiting_.size() >= kQueueLimit)
    co_return fail(ErrorCode::exhausted, "every worker is busy and the queue is full; try again");
  Waiter waiter{asio::steady_timer(context_, milliseconds(bundle_.scoring_timeout_ms))};
  waiting_.push_back(&waiter);
  boost::system::error_code ec;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  if (waiter.slot != nullptr) co_return waiter.slot;
  std::erase(waiting_, &waiter);
  co_return fail(ErrorCode::unavailable, stopping_ ? "the server is shutting down"
                                                   : "no worker became free in time; try again");
}

// Hands the slot to the longest waiting request, unless its worker has been replaced meanwhile.
void PythonBackend::release(Slot& slot, const PythonWorker* worker) {
  if (!slot.usable || slot.worker.get() != worker) return;
  if (waiting_.empty()) {
    idle_.push_back(&slot);
    return;
  }
  Waiter* waiter = waiting_.front();
  waiting_.pop_front();
  waiter->slot = &slot;
  waiter->timer.cancel();
}

void PythonBackend::withdraw(Slot& slot) {
  slot.usable = false;
  std::erase(idle_, &slot);
}

std::optional<ScoreAnswer> PythonBackend::refuse(const http::RequestHead& head) const {
  if (head.method == "OPTIONS" && !about_.raw) {
    ScoreAnswer empty;
    empty.headers.add("Content-Type", "text/html; charset=utf-8");
    return empty;
  }
  if (!about_.json_only || head.method != "POST") return std::nullopt;
  auto type = head.headers.get_or("Content-Type", "");
  type = type.substr(0, type.find_first_of("; "));
  const bool json_type =
      type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"));
  if (json_type) return std::nullopt;
  return error_answer(415, "Expects Content-Type to be application/json");
}

// Waits for a worker first: only once one is ready is it known what the script takes.
Task<ScoreAnswer> PythonBackend::score(ScoreRequest request) {
  const auto slot = co_await acquire();
  if (!slot) co_return error_answer(503, slot.error().message);
  const auto worker = (*slot)->worker;
  ScoreAnswer answer;
  const auto& head = *request.head;
  if (auto refusal = refuse(head)) {
    answer = std::move(*refusal);
  } else if (const auto frame =
                 encode_request({head.method, request.request_id, head.target,
                                 about_.wants_headers ? &head.headers : nullptr, request.body})) {
    (*slot)->served = true;
    answer = co_await exchange(*worker, *frame, request.body);
  } else {
    answer = error_answer(413, frame.error().message);
  }
  release(**slot, worker.get());
  co_return answer;
}

Task<ScoreAnswer> PythonBackend::exchange(PythonWorker& worker, std::string_view frame,
                                          std::string_view body) {
  worker.set_deadline(milliseconds(bundle_.scoring_timeout_ms));
  const auto sent = co_await worker.send(frame, body);
  if (!sent) co_return co_await lost(worker);
  const auto received = co_await worker.receive();
  worker.clear_deadline();
  if (!received || received->kind != FrameKind::response) co_return co_await lost(worker);
  auto response = decode_response(received->payload);
  if (!response) co_return co_await lost(worker);
  ScoreAnswer answer;
  answer.status = response->status;
  answer.headers = std::move(response->headers);
  answer.body = response->body;
  answer.run_failed = response->run_failed;
  answer.run_us = response->run_us;
  co_return answer;
}

// Only the request that the worker was running is lost with it.
Task<ScoreAnswer> PythonBackend::lost(PythonWorker& worker) {
  worker.kill();
  const std::string ending = co_await worker.ended();
  ScoreAnswer answer =
      worker.timed_out()
          ? error_answer(504,
                         fmt::format("Scoring timeout after {} ms", bundle_.scoring_timeout_ms))
          : error_answer(502,
                         fmt::format("the Python worker {} while it ran this request", ending));
  answer.run_failed = true;
  co_return answer;
}

// Idle workers leave when their socket closes; what still runs after the drain is killed.
void PythonBackend::stop(std::function<void()> stopped) {
  stopping_ = true;
  stopped_ = std::move(stopped);
  for (auto* waiter : waiting_) waiter->timer.cancel();
  for (auto& slot : slots_) {
    slot.pause.cancel();
    if (!slot.worker) continue;
    const bool idle = std::find(idle_.begin(), idle_.end(), &slot) != idle_.end();
    idle ? slot.worker->close() : slot.worker->kill();
  }
  if (supervised_ == 0) stopped_();
}

}  // namespace

std::unique_ptr<Backend> make_python_backend(asio::io_context& context, const Bundle& bundle,
                                             const fs::path& folder, const fs::path& runtime) {
  return std::make_unique<PythonBackend>(context, bundle, folder, runtime);
}

}  // namespace slipway::modelserver
