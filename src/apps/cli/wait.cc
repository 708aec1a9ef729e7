#include "apps/cli/wait.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/progress.h"

namespace slipway::cli {
namespace {

constexpr int kFirstPauseMs = 50;
constexpr int kLongestPauseMs = 1'000;
constexpr TimeMs kOutageMs = 30'000;  // a daemon that restarts answers again within this

constexpr std::size_t kStamp = 14;  // digits of yyyymmddHHMMSS

Error stopped_waiting(const Waiting& waiting) {
  return fail(ErrorCode::cancelled,
              waiting.what + " goes on without us; follow it with: " + waiting.follow,
              "Interrupted");
}

// One poll after the other until `poll` says that the operation has ended.
class Waiter {
 public:
  Waiter(Context& context, const Waiting& waiting)
      : context_(context), waiting_(waiting), progress_(waiting.what) {}

  // Of model management: state and log in one object.
  Result<void> management(const std::string& id) {
    while (true) {
      auto target = "/operations/" + http::percent_encode(id);
      add_query(target, "offset", std::to_string(offset_));
      TRY(const auto url, context_.url(Face::management, target));
      TRY(const auto operation, ask(url));
      const auto state = string_or(operation, "state", "");
      const bool failure = state == "Failed" || state == "Cancelled" || state == "TimedOut";
      const bool ended = failure || state == "Succeeded";
      print_log(string_or(operation, "streamingOperationLog", ""), ended);
      if (ended) return failure ? Result<void>(failed(operation, state)) : Result<void>();
      TRY_VOID(pause(detail_of(operation, state)));
    }
  }

  // Of the resource manager: only a status.
  Result<void> manager(const std::string& url) {
    while (true) {
      TRY(const auto operation, ask(url));
      const auto state = string_or(operation, "status", "");
      if (state == "Succeeded") return {};
      if (state == "Failed" || state == "Canceled") return failed(operation, state);
      TRY_VOID(pause(state));
    }
  }

 private:
  Result<json::value> ask(const std::string& url) {
    TRY(auto* server, context_.rest());
    const TimeMs asked_ms = system_clock().steady_ms();
    while (true) {
      auto answer = server->get(url);
      const bool out = !answer && answer.error().code == ErrorCode::unavailable;
      if (!out || system_clock().steady_ms() - asked_ms > kOutageMs) return answer;
      TRY_VOID(pause("the server does not answer; trying again"));
    }
  }

  Error failed(const json::value& operation, const std::string& state) const {
    const auto* error = find(operation, "error");
    Error out = failure_of(error == nullptr ? json::value(nullptr) : *error, state);
    out.message = waiting_.what + " failed: " + out.message;
    return out;
  }

  static std::string detail_of(const json::value& operation, const std::string& state) {
    const auto* details = find(operation, "operationDetails");
    if (details == nullptr) return state;
    return string_or(*details, "subOperationType", state);
  }

  // Whole entries only; the rest of a half one comes with the next poll. The server counts
  // characters, not bytes.
  void print_log(std::string_view streamed, bool ended) {
    if (!ended) streamed = streamed.substr(0, streamed.rfind('#') + 1);
    offset_ += std::ranges::count_if(streamed, [](char c) { return (c & 0xC0) != 0x80; });
    for (const auto& line : log_lines(streamed)) progress_.log(line);
  }

  Result<void> pause(const std::string& detail) {
    for (int waited = 0; waited < pause_ms_; waited += kSliceMs) {
      progress_.show(detail);
      pause_ms(std::min(kSliceMs, pause_ms_ - waited));
      if (interrupted()) return stopped_waiting(waiting_);
    }
    pause_ms_ = std::min(pause_ms_ * 3 / 2, kLongestPauseMs);
    return {};
  }

  static constexpr int kSliceMs = 100;  // the turning line moves this often

  Context& context_;
  const Waiting& waiting_;
  Progress progress_;
  std::ptrdiff_t offset_ = 0;  // characters of the log seen
  int pause_ms_ = kFirstPauseMs;
};

}  // namespace

std::vector<std::string> log_lines(std::string_view streamed) {
  std::vector<std::string> out;
  while (!streamed.empty()) {
    const auto end = std::min(streamed.find('#'), streamed.size());
    auto entry = streamed.substr(0, end);
    if (entry.size() > kStamp && entry[kStamp] == '|') entry.remove_prefix(kStamp + 1);
    if (!entry.empty()) out.emplace_back(entry);
    streamed.remove_prefix(std::min(end + 1, streamed.size()));
  }
  return out;
}

Error failure_of(const json::value& error, const std::string& state) {
  const json::value* inner = find(error, "error");
  const json::value& body = inner != nullptr && inner->is_object() ? *inner : error;
  Error out = fail(ErrorCode::precondition_failed, string_or(body, "message", state),
                   string_or(body, "code", state));
  const auto* details = find(body, "details");
  if (details == nullptr || !details->is_array()) return out;
  for (const auto& detail : details->get_array()) {
    const auto text = string_or(detail, "message", "");
    if (!text.empty() && out.message.find(text) == std::string::npos)
      out.message += fmt::format("\n  {}: {}", string_or(detail, "code", "detail"), text);
  }
  return out;
}

Result<void> wait_for(Context& context, const Reply& started, const Waiting& waiting) {
  catch_interrupt();
  Waiter waiter(context, waiting);
  if (const auto url = started.headers.get("Azure-AsyncOperation"))
    return waiter.manager(std::string(*url));
  const auto location = started.headers.get("Operation-Location");
  if (!location) return {};
  return waiter.management(std::string(location->substr(location->rfind('/') + 1)));
}

}  // namespace slipway::cli
