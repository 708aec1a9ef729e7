#include "apps/cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace slipway::cli {
namespace {

Error usage(std::string message, std::string_view target = {}) {
  return fail(ErrorCode::invalid_argument, std::move(message), "Usage", std::string(target));
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool boolean_word(std::string_view word) {
  const std::string text = lower(word);
  return text == "true" || text == "false";
}

// Whether a word is an option and no value: "-5" is a value.
bool is_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && !number_of<double>(word);
}

Result<void> check_value(const Option& option, std::string_view value) {
  const std::string name(option.name());
  if (option.kind == Kind::integer && !number_of<std::int64_t>(value))
    return usage(name + " takes a whole number, not '" + std::string(value) + "'", name);
  if (option.kind == Kind::number && !number_of<double>(value))
    return usage(name + " takes a number, not '" + std::string(value) + "'", name);
  if (option.kind == Kind::boolean && !boolean_word(value))
    return usage(name + " takes true or false, not '" + std::string(value) + "'", name);
  if (option.choices.empty()) return {};
  const std::string wrapped = "|" + std::string(option.choices) + "|";
  if (lower(wrapped).find("|" + lower(value) + "|") != std::string::npos) return {};
  return usage(
      name + " takes one of " + std::string(option.choices) + ", not '" + std::string(value) + "'",
      name);
}

class Parser {
 public:
  Parser(const Command& command, const std::vector<std::string>& words, std::size_t at)
      : options_(command.every_option()), words_(words), at_(at) {
    result_.command = &command;
  }

  Result<Invocation> run() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_];
      if (word == "--help" || word == "-h") result_.help = true;
      if (result_.help) return std::move(result_);
      TRY_VOID(is_option(word) ? option(word) : positional(word));
    }
    TRY_VOID(check_required());
    return std::move(result_);
  }

 private:
  const Option* find_option(std::string_view name) const {
    for (const auto& option : options_)
      for (const auto known : option.all_names())
        if (known == name || (known.size() > 3 && known.substr(1) == name)) return &option;
    return nullptr;
  }

  Error unknown(std::string_view word) const {
    std::vector<std::string_view> names;
    for (const auto& option : options_)
      for (const auto name : option.all_names())
        if (name.starts_with("--")) names.push_back(name);
    const std::string near = nearest(word, names);
    std::string message =
        "'" + std::string(word) + "' is no option of '" + std::string(result_.command->path) + "'";
    if (!near.empty()) message += "; did you mean " + near + "?";
    return usage(message + " --help lists the options.", word);
  }

  // "--name value", "--name=value", "-n value", "-nvalue", "-ct value".
  Result<void> option(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::optional<std::string> attached;
    if (equals != std::string::npos) attached = word.substr(equals + 1);
    const Option* found = find_option(name);
    if (found == nullptr && word[1] != '-') {
      found = find_option(word.substr(0, 2));
      attached = word.substr(2);
    }
    if (found == nullptr) return unknown(name);
    ++at_;
    return attached ? store(*found, *attached) : following(*found);
  }

  Result<void> following(const Option& option) {
    const bool more = at_ < words_.size() && !is_option(words_[at_]);
    if (option.kind == Kind::boolean)
      return store(option, more && boolean_word(words_[at_]) ? words_[at_++] : "true");
    if (!more) return usage(std::string(option.name()) + " needs a value", option.name());
    if (option.kind != Kind::list) return store(option, words_[at_++]);
    while (at_ < words_.size() && !is_option(words_[at_])) TRY_VOID(store(option, words_[at_++]));
    return {};
  }

  Result<void> store(const Option& option, std::string value) {
    TRY_VOID(check_value(option, value));
    if (option.kind == Kind::boolean) value = lower(value);
    result_.arguments.add(option.name(), std::move(value));
    return {};
  }

  Result<void> positional(const std::string& word) {
    for (const auto& option : options_) {
      if (!option.positional() || result_.arguments.has(option.name())) continue;
      ++at_;
      return store(option, word);
    }
    return usage("unexpected word '" + word + "'; '" + std::string(result_.command->path) +
                     " --help' shows what it takes",
                 word);
  }

  Result<void> check_required() const {
    std::string missing;
    for (const auto& option : options_)
      if (option.need == Need::required && !result_.arguments.has(option.name()))
        missing += (missing.empty() ? "" : ", ") + std::string(option.name());
    if (missing.empty()) return {};
    return usage("'" + std::string(result_.command->path) + "' needs " + missing, missing);
  }

  std::vector<Option> options_;
  const std::vector<std::string>& words_;
  std::size_t at_;
  Invocation result_;
};

const Command* find_command(std::string_view path) {
  const auto found = std::ranges::find(commands(), path, &Command::path);
  return found == commands().end() ? nullptr : &*found;
}

Error unknown_word(const std::string& group, const std::string& word) {
  const auto known = words_below(group);
  std::string message = group.empty() ? "'" + word + "' is no command"
                                      : "'" + group + "' has no command '" + word + "'";
  const std::string near = nearest(word, known);
  if (!near.empty()) return usage(message + "; did you mean '" + near + "'?", word);
  message += "; it has: ";
  for (const auto one : known) message += std::string(one) + (one == known.back() ? "" : ", ");
  return usage(message, word);
}

}  // namespace

std::string Arguments::text(std::string_view name) const { return text_or(name, {}); }

std::string Arguments::text_or(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second.back();
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

json::value Arguments::value(const Option& option) const {
  if (!has(option.name())) return nullptr;
  const std::string given = text(option.name());
  if (option.kind == Kind::boolean) return given == "true";
  if (option.kind == Kind::integer) return number_of<std::int64_t>(given).value_or(0);
  if (option.kind == Kind::number) return number_of<double>(given).value_or(0);
  return json::value(given);
}

void Arguments::add(std::string_view name, std::string value) {
  values_[std::string(name)].push_back(std::move(value));
}

Result<Invocation> parse_words(const std::vector<std::string>& words) {
  std::string path;
  for (std::size_t at = 0;; ++at) {
    if (const Command* command = find_command(path)) return Parser(*command, words, at).run();
    if (at == words.size() || words[at] == "--help" || words[at] == "-h") break;
    const auto below = words_below(path);
    if (std::ranges::find(below, words[at]) == below.end()) return unknown_word(path, words[at]);
    path += (path.empty() ? "" : " ") + words[at];
  }
  Invocation result;
  result.group = path;
  result.help = true;
  return result;
}

std::map<std::string, std::string> pairs(const std::vector<std::string>& words) {
  std::map<std::string, std::string> out;
  for (const auto& word : words) {
    const auto equals = std::min(word.find('='), word.size());
    out[word.substr(0, equals)] = word.substr(std::min(equals + 1, word.size()));
  }
  return out;
}

}  // namespace slipway::cli
