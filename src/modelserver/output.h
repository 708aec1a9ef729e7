#pragma once
// The model server's own log lines on standard output, in the documented form:
// "2020-01-16 09:30:00,000 I [77] slipway - POST /score 200 1.234ms 17".
#include <string>
#include <string_view>

namespace slipway::modelserver::output {

// Any thread; written at once.
void info(std::string_view message);
void error(std::string_view message);

// A line for later: lines of requests are gathered and written together by flush().
// The Core's thread only. True when the first line was gathered, so that a flush is to be planned.
bool gather(std::string_view message);
void flush();

}  // namespace slipway::modelserver::output
