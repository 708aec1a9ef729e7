#include "apps/cli/progress.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "apps/cli/server_address.h"

namespace slipway::cli {
namespace {

constexpr TimeMs kRedrawMs = 100;
constexpr std::string_view kWheel[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

std::atomic<bool> interrupt_seen = false;

void on_interrupt(int) { interrupt_seen = true; }

bool is_terminal(int stream) {
  return ::isatty(stream) == 1 && environment("TERM").value_or("dumb") != "dumb";
}

}  // namespace

bool may_colour(int stream) { return is_terminal(stream) && !environment("NO_COLOR"); }

void catch_interrupt() {
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART | SA_RESETHAND;  // a second Ctrl-C ends the program at once
  ::sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return interrupt_seen; }

void pause_ms(int ms) {
  if (!interrupted()) ::poll(nullptr, 0, ms);
}

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(is_terminal(STDERR_FILENO)),
      started_ms_(system_clock().steady_ms()) {}

Progress::~Progress() { erase(); }

void Progress::erase() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

void Progress::show(std::string_view detail) {
  const TimeMs now = system_clock().steady_ms();
  if (!terminal_ || now - drawn_ms_ < kRedrawMs) return;
  fmt::print(stderr, "\r\x1b[K{} {} {} {} s", kWheel[turns_++ % std::size(kWheel)], what_, detail,
             (now - started_ms_) / 1000);
  std::fflush(stderr);
  drawn_ms_ = now;
  drawn_ = true;
}

void Progress::log(std::string_view line) {
  erase();
  fmt::print(stderr, "{}\n", line);
}

}  // namespace slipway::cli
