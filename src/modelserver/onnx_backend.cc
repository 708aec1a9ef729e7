#include "modelserver/onnx_backend.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <cmath>

#include "modelserver/onnx_runtime.h"
#include "modelserver/output.h"
#include "modelserver/tensor_json.h"

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

using Steady = std::chrono::steady_clock;

// A run that is shorter than this stays on the Core: two changes of thread cost about 15 µs of
// CPU, a small model 5 to 10 µs. Bodies above the limit always go to the pool, since decoding them
// alone would keep the Core from its other connections.
constexpr std::chrono::microseconds kInlineRun{100};
constexpr std::size_t kInlineBody = 64 << 10;
constexpr std::size_t kQueueLimit = 256;

class OnnxBackend final : public Backend {
 public:
  OnnxBackend(asio::io_context& context, const Bundle& bundle, const fs::path& folder)
      : context_(context),
        file_(folder / bundle.onnx_file),
        threads_(std::max(1, static_cast<int>(std::ceil(bundle.cpu)))),
        pool_("onnx", static_cast<std::size_t>(bundle.workers), kQueueLimit) {}

  void start(Started started) override;
  bool ready() const override { return session_ != nullptr; }
  Task<ScoreAnswer> score(ScoreRequest request) override;
  const json::object& schemas() const override { return schemas_; }
  void stop(std::function<void()> stopped) override { stopped(); }

 private:
  Result<ScoreAnswer> run(std::string& body);

  asio::io_context& context_;
  const fs::path file_;
  const int threads_;
  std::unique_ptr<OnnxSession> session_;
  json::object schemas_;
  // How long runs took lately, in microseconds; written by whichever thread ran.
  std::atomic<double> usual_run_us_{1e6};
  WorkPool pool_;  // last: its threads use the members above
};

Result<std::unique_ptr<OnnxSession>> load(const fs::path& file, int threads) {
  if (!fs::is_regular_file(file))
    return fail(ErrorCode::not_found,
                fmt::format("the model file {} does not exist", file.string()), "ModelLoadFailed");
  TRY(auto session, OnnxSession::load(file, threads));
  for (const auto& info : session->signature().inputs)
    if (info.kind != ValueInfo::Kind::tensor)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: input {} is not a tensor of a type that JSON can carry",
                              file.filename().string(), info.name),
                  "ModelLoadFailed");
  OnnxSession::release_code_pages();
  return session;
}

void OnnxBackend::start(Started started) {
  const bool queued = pool_.submit([this, started = std::move(started)] {
    auto session = std::make_shared<Result<std::unique_ptr<OnnxSession>>>(load(file_, threads_));
    asio::post(context_, [this, session, started] {
      if (!*session) {
        const auto& error = session->error();
        return started(StartFailure{"ModelLoadFailed", error.message, ""});
      }
      session_ = std::move(**session);
      schemas_ = model_schemas(session_->signature());
      started(std::nullopt);
    });
  });
  CHECK(queued, "the pool is empty before the start");
}

Result<ScoreAnswer> OnnxBackend::run(std::string& body) {
  TRY(const auto input, decode_input(body, session_->signature()));
  const auto started = Steady::now();
  const auto outputs = session_->run(input.tensors, input.outputs);
  const std::chrono::duration<double, std::micro> took = Steady::now() - started;
  constexpr double kWeight = 0.2;  // of the latest run in the average
  usual_run_us_ =
      usual_run_us_ > 5e5 ? took.count() : usual_run_us_ + kWeight * (took.count() - usual_run_us_);
  if (!outputs) {
    output::error("The model refused its input: " + outputs.error().message);
    return outputs.error();
  }
  ScoreAnswer answer;
  answer.headers.add("Content-Type", "application/json");
  answer.body = encode_output(*outputs, input.form);
  answer.run_us = static_cast<std::int64_t>(took.count());
  return answer;
}

Task<ScoreAnswer> OnnxBackend::score(ScoreRequest request) {
  if (request.head->method == "OPTIONS") co_return ScoreAnswer{};
  if (request.head->method == "GET")
    co_return error_answer(405, "An ONNX model takes its input by POST.");
  if (!session_) co_return error_answer(503, "the model is still loading; try again");
  auto body = std::make_shared<std::string>(std::move(request.body));
  const bool here = body->size() <= kInlineBody && usual_run_us_ < kInlineRun.count();
  Result<ScoreAnswer> answer = fail(ErrorCode::internal, "not run");
  if (here)
    answer = run(*body);
  else
    answer = co_await run_on(pool_, [this, body] { return run(*body); });
  if (answer) co_return std::move(*answer);
  const bool busy = answer.error().code == ErrorCode::unavailable;
  co_return error_answer(busy ? 503 : 400, answer.error().message);
}

}  // namespace

std::unique_ptr<Backend> make_onnx_backend(asio::io_context& context, const Bundle& bundle,
                                           const fs::path& folder) {
  return std::make_unique<OnnxBackend>(context, bundle, folder);
}

}  // namespace slipway::modelserver
