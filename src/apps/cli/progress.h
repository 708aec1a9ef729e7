#pragma once
// What a person sees while a command works: a turning line on a terminal, log lines everywhere, all
// on standard error so that standard output holds the answer alone.
#include <string>
#include <string_view>

#include "base/clock.h"

namespace slipway::cli {

// Whether a stream (1, 2) may be coloured: a terminal, and neither NO_COLOR nor TERM=dumb is set.
bool may_colour(int stream);

// Ctrl-C during a wait is remembered, not fatal; the wait ends and tells how to follow.
void catch_interrupt();
bool interrupted();
// Waits at most `ms` milliseconds, less when Ctrl-C comes.
void pause_ms(int ms);

// One line that turns while its owner works; gone when destroyed. One thread.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Shown behind what is done ("BuildEnvironment", "12 of 90 MiB"); redraws at most ten times a
  // second.
  void show(std::string_view detail);
  // A line of its own, above the turning one.
  void log(std::string_view line);

 private:
  void erase();

  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  TimeMs started_ms_;
  TimeMs drawn_ms_ = 0;
  unsigned turns_ = 0;
};

}  // namespace slipway::cli
