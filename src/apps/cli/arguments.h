#pragma once
// The words of a command line, sorted by the table of commands.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/command.h"

namespace slipway::cli {

// The values given to one command, by the first name of their option. Immutable after parsing;
// numbers and choices have been checked.
class Arguments {
 public:
  bool has(std::string_view name) const { return values_.contains(name); }
  // The last value given, or empty.
  std::string text(std::string_view name) const;
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  bool flag(std::string_view name) const { return text(name) == "true"; }
  std::vector<std::string> list(std::string_view name) const;
  // The value in the JSON type of its option; null when it was not given.
  json::value value(const Option& option) const;
  void add(std::string_view name, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Invocation {
  const Command* command = nullptr;  // null: help of `group` was asked for
  std::string group;
  bool help = false;
  Arguments arguments;
};

// `words` without the program's name. An Error of reason "Usage" for words that fit no command,
// unknown options (with the nearest known one), missing or bad values.
Result<Invocation> parse_words(const std::vector<std::string>& words);

// "k=v" pairs; a word without '=' becomes a key with an empty value.
std::map<std::string, std::string> pairs(const std::vector<std::string>& words);

}  // namespace slipway::cli
