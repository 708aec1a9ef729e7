#include <algorithm>
#include <charconv>

#include "apps/cli/jmespath.h"
#include "apps/cli/jmespath_ast.h"

namespace slipway::cli::jmespath {

Error syntax_error(std::string_view expression, std::size_t offset, const std::string& what) {
  return fail(ErrorCode::invalid_argument,
              "--query: " + what + " at character " + std::to_string(offset + 1) + " of '" +
                  std::string(expression) + "'; the language is described at jmespath.org",
              "InvalidQuery", "--query");
}

namespace {

bool begins_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool continues_identifier(char c) { return begins_identifier(c) || is_digit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (true) {
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      if (at_ == text_.size()) break;
      TRY(auto token, next());
      tokens_.push_back(std::move(token));
    }
    tokens_.push_back({TokenKind::end, at_});
    return std::move(tokens_);
  }

 private:
  Error error(std::size_t offset, const std::string& what) const {
    return syntax_error(text_, offset, what);
  }

  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Result<Token> next() {
    const char c = text_[at_];
    if (begins_identifier(c)) return identifier();
    if (is_digit(c) || c == '-') return number();
    if (c == '"') return quoted();
    if (c == '\'') return raw_string();
    if (c == '`') return literal();
    return symbol();
  }

  Result<Token> identifier() {
    const std::size_t start = at_;
    while (at_ < text_.size() && continues_identifier(text_[at_])) ++at_;
    return Token{TokenKind::identifier, start, std::string(text_.substr(start, at_ - start))};
  }

  Result<Token> number() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    Token token{TokenKind::number, start, std::string(text_.substr(start, at_ - start))};
    const char* last = token.text.data() + token.text.size();
    const auto [end, code] = std::from_chars(token.text.data(), last, token.number);
    if (code != std::errc() || end != last) return error(start, "bad number '" + token.text + "'");
    return token;
  }

  // The text up to the closing mark, escapes kept; `at_` stands behind the mark afterwards.
  Result<std::string> until(char mark) {
    const std::size_t start = at_++;
    std::string inside;
    while (at_ < text_.size() && text_[at_] != mark) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) inside += text_[at_++];
      inside += text_[at_++];
    }
    if (at_ == text_.size()) return error(start, std::string("no closing ") + mark);
    ++at_;
    return inside;
  }

  Result<Token> quoted() {
    const std::size_t start = at_;
    TRY(auto inside, until('"'));
    const auto value = parse_json('"' + inside + '"');
    if (!value || !value->is_string()) return error(start, "bad quoted name");
    return Token{TokenKind::quoted, start, std::string(value->get_string())};
  }

  static std::string unescape(std::string text, char mark) {
    const std::string escaped = std::string("\\") + mark;
    for (std::size_t at = 0; (at = text.find(escaped, at)) != std::string::npos; ++at)
      text.erase(at, 1);
    return text;
  }

  Result<Token> raw_string() {
    const std::size_t start = at_;
    TRY(auto inside, until('\''));
    return Token{TokenKind::literal, start, {}, json::value(unescape(std::move(inside), '\''))};
  }

  // JSON between backticks; what is no JSON is a string, as scripts written for older versions of
  // the language expect.
  Result<Token> literal() {
    const std::size_t start = at_;
    TRY(auto inside, until('`'));
    inside = unescape(std::move(inside), '`');
    auto value = parse_json(inside);
    if (value) return Token{TokenKind::literal, start, {}, *value};
    inside.erase(0, std::min(inside.find_first_not_of(' '), inside.size()));
    return Token{TokenKind::literal, start, {}, json::value(inside)};
  }

  Result<Token> symbol() {
    struct Symbol {
      std::string_view text;
      TokenKind kind;
    };
    using enum TokenKind;
    // Longer symbols stand before their beginnings.
    static constexpr Symbol kSymbols[] = {
        {"[]", flatten},    {"[?", filter},     {"[", left_bracket}, {"]", right_bracket},
        {"{", left_brace},  {"}", right_brace}, {"(", left_paren},   {")", right_paren},
        {"||", either},     {"|", pipe},        {"&&", both},        {"&", expression},
        {"==", comparison}, {"!=", comparison}, {"<=", comparison},  {">=", comparison},
        {"<", comparison},  {">", comparison},  {"!", negation},     {"@", current},
        {"*", star},        {".", dot},         {",", comma},        {":", colon}};
    const std::size_t start = at_;
    for (const auto& symbol : kSymbols)
      if (take(symbol.text)) return Token{symbol.kind, start, std::string(symbol.text)};
    return error(start, std::string("unexpected '") + text_[start] + "'");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view expression) { return Lexer(expression).run(); }

}  // namespace slipway::cli::jmespath
