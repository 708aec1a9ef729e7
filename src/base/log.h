#pragma once
// Structured log lines on standard error: one event a line, `key=value` pairs or JSON.
// Any thread; a line is written by one write(2). Never hand it a secret.
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

struct Field {
  Field(std::string_view key, std::string_view value) : key(key), value(value) {}
  Field(std::string_view key, const char* value) : key(key), value(value) {}
  Field(std::string_view key, const std::string& value) : key(key), value(value) {}
  template <class Number>
    requires std::is_arithmetic_v<Number>
  Field(std::string_view key, Number value) : key(key), value(std::to_string(value)) {}
  std::string key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// Lines below `level` are dropped. The default is info and text.
void configure(Level level, Format format);

// `room` is the folder that speaks ("store"), `event` a short lower-case phrase.
void write(Level level, std::string_view room, std::string_view event, Fields fields = {});
inline void debug(std::string_view room, std::string_view event, Fields fields = {}) {
  write(Level::debug, room, event, fields);
}
inline void info(std::string_view room, std::string_view event, Fields fields = {}) {
  write(Level::info, room, event, fields);
}
inline void warning(std::string_view room, std::string_view event, Fields fields = {}) {
  write(Level::warning, room, event, fields);
}
inline void error(std::string_view room, std::string_view event, Fields fields = {}) {
  write(Level::error, room, event, fields);
}

}  // namespace slipway::log
