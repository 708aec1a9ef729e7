#pragma once
// Clock: the only source of time, so that tests and the simulation can hold it still.
#include <atomic>
#include <cstdint>
#include <string>

namespace slipway {

// Milliseconds since the Unix epoch, UTC.
using TimeMs = std::int64_t;

// Any thread may call it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeMs now_ms() const = 0;     // wall clock; may jump
  virtual TimeMs steady_ms() const = 0;  // never goes back; for intervals and deadlines
};

// The machine's clock; one for the process.
const Clock& system_clock();

// For tests: both clocks stand at what was last set.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimeMs start_ms = 1'600'000'000'000) : now_(start_ms) {}
  TimeMs now_ms() const override { return now_; }
  TimeMs steady_ms() const override { return now_; }
  void advance(TimeMs by_ms) { now_ += by_ms; }

 private:
  std::atomic<TimeMs> now_;
};

// ISO 8601 with offset and milliseconds: "2020-01-16T09:30:00.000+00:00".
std::string to_iso8601(TimeMs time);

}  // namespace slipway
