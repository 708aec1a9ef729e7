// A Pratt parser: every operator has a binding power, and a projection ends where power drops below
// kProjectionStop.
#include <utility>

#include "apps/cli/jmespath.h"
#include "apps/cli/jmespath_ast.h"

namespace slipway::cli::jmespath {
namespace {

constexpr int kProjectionStop = 10;
constexpr int kFlattenPower = 9;
constexpr int kStarPower = 20;
constexpr int kFilterPower = 21;
constexpr int kDotPower = 40;
constexpr int kNegationPower = 45;

int power(TokenKind kind) {
  switch (kind) {
    case TokenKind::pipe: return 1;
    case TokenKind::either: return 2;
    case TokenKind::both: return 3;
    case TokenKind::comparison: return 5;
    case TokenKind::flatten: return kFlattenPower;
    case TokenKind::star: return kStarPower;
    case TokenKind::filter: return kFilterPower;
    case TokenKind::dot: return kDotPower;
    case TokenKind::negation: return kNegationPower;
    case TokenKind::left_brace: return 50;
    case TokenKind::left_bracket: return 55;
    case TokenKind::left_paren: return 60;
    default: return 0;
  }
}

NodePtr make(NodeKind kind, std::string text = {}) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->text = std::move(text);
  return node;
}

template <class... Children>
NodePtr make_with(NodeKind kind, std::string text, Children... children) {
  auto node = make(kind, std::move(text));
  (node->children.push_back(std::move(children)), ...);
  return node;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<NodePtr> run() {
    TRY(auto root, expression(0));
    if (here().kind != TokenKind::end) return unexpected();
    return root;
  }

 private:
  const Token& here() const { return tokens_[at_]; }
  TokenKind after() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)].kind; }
  Token take() { return tokens_[here().kind == TokenKind::end ? at_ : at_++]; }

  Error unexpected() const {
    if (here().kind == TokenKind::end)
      return syntax_error(text_, here().offset, "the expression ends too early");
    return syntax_error(text_, here().offset,
                        "unexpected '" + std::string(text_.substr(here().offset, 1)) + "'");
  }

  Result<void> expect(TokenKind kind) {
    if (here().kind != kind) return unexpected();
    ++at_;
    return {};
  }

  Result<NodePtr> expression(int right_power) {
    if (depth_ >= JmesPath::kMaxDepth)
      return syntax_error(text_, here().offset, "parts nested too deeply");
    ++depth_;
    auto node = prefix();
    while (node && right_power < power(here().kind)) node = infix(std::move(*node));
    --depth_;
    return node;
  }

  Result<NodePtr> prefix() {
    switch (here().kind) {
      case TokenKind::literal: return literal();
      case TokenKind::identifier: return make(NodeKind::field, take().text);
      case TokenKind::quoted: return quoted_field();
      case TokenKind::current: take(); return make(NodeKind::current);
      case TokenKind::star: return star(make(NodeKind::current), kStarPower);
      case TokenKind::filter: take(); return filter(make(NodeKind::current));
      case TokenKind::flatten: take(); return flatten(make(NodeKind::current));
      case TokenKind::left_brace: take(); return hash();
      case TokenKind::left_bracket: take(); return bracket_prefix();
      case TokenKind::left_paren: take(); return group();
      case TokenKind::negation: take(); return unary(NodeKind::negation, kNegationPower);
      case TokenKind::expression: take(); return unary(NodeKind::expression, 0);
      default: return unexpected();
    }
  }

  Result<NodePtr> infix(NodePtr left) {
    switch (here().kind) {
      case TokenKind::dot: take(); return dot(std::move(left));
      case TokenKind::pipe: return binary(NodeKind::chain, std::move(left));
      case TokenKind::either: return binary(NodeKind::either, std::move(left));
      case TokenKind::both: return binary(NodeKind::both, std::move(left));
      case TokenKind::comparison: return binary(NodeKind::comparison, std::move(left));
      case TokenKind::filter: take(); return filter(std::move(left));
      case TokenKind::flatten: take(); return flatten(std::move(left));
      case TokenKind::left_bracket: take(); return bracket_infix(std::move(left));
      case TokenKind::left_paren: return call(std::move(left));
      default: return unexpected();
    }
  }

  Result<NodePtr> literal() {
    auto node = make(NodeKind::literal);
    node->literal = take().literal;
    return node;
  }

  Result<NodePtr> quoted_field() {
    if (after() == TokenKind::left_paren)
      return syntax_error(text_, here().offset, "a function's name takes no quotes");
    return make(NodeKind::field, take().text);
  }

  Result<NodePtr> unary(NodeKind kind, int right_power) {
    TRY(auto child, expression(right_power));
    return make_with(kind, {}, std::move(child));
  }

  Result<NodePtr> group() {
    TRY(auto inside, expression(0));
    TRY_VOID(expect(TokenKind::right_paren));
    return inside;
  }

  Result<NodePtr> binary(NodeKind kind, NodePtr left) {
    const Token token = take();
    TRY(auto right, expression(power(token.kind)));
    return make_with(kind, token.text, std::move(left), std::move(right));
  }

  Result<NodePtr> star(NodePtr left, int right_power) {
    TRY_VOID(expect(TokenKind::star));
    TRY(auto right, projection_right(right_power));
    return make_with(NodeKind::value_projection, {}, std::move(left), std::move(right));
  }

  Result<NodePtr> dot(NodePtr left) {
    if (here().kind == TokenKind::star) return star(std::move(left), kDotPower);
    TRY(auto right, dot_right(kDotPower));
    return make_with(NodeKind::chain, {}, std::move(left), std::move(right));
  }

  Result<NodePtr> filter(NodePtr left) {
    TRY(auto condition, expression(0));
    TRY_VOID(expect(TokenKind::right_bracket));
    auto right = here().kind == TokenKind::flatten ? Result<NodePtr>(make(NodeKind::current))
                                                   : projection_right(kFilterPower);
    if (!right) return right;
    return make_with(NodeKind::filter, {}, std::move(left), std::move(*right),
                     std::move(condition));
  }

  Result<NodePtr> flatten(NodePtr left) {
    auto flat = make_with(NodeKind::flatten, {}, std::move(left));
    TRY(auto right, projection_right(kFlattenPower));
    return make_with(NodeKind::projection, {}, std::move(flat), std::move(right));
  }

  bool at_index() const {
    return here().kind == TokenKind::number || here().kind == TokenKind::colon;
  }

  Result<NodePtr> bracket_prefix() {
    if (at_index()) return index(make(NodeKind::current));
    if (here().kind == TokenKind::star && after() == TokenKind::right_bracket)
      return bracket_star(make(NodeKind::current));
    return list();
  }

  Result<NodePtr> bracket_infix(NodePtr left) {
    return at_index() ? index(std::move(left)) : bracket_star(std::move(left));
  }

  Result<NodePtr> bracket_star(NodePtr left) {
    TRY_VOID(expect(TokenKind::star));
    TRY_VOID(expect(TokenKind::right_bracket));
    TRY(auto right, projection_right(kStarPower));
    return make_with(NodeKind::projection, {}, std::move(left), std::move(right));
  }

  Result<NodePtr> index(NodePtr left) {
    if (here().kind == TokenKind::colon || after() == TokenKind::colon)
      return slice(std::move(left));
    auto node = make(NodeKind::index);
    node->number = take().number;
    TRY_VOID(expect(TokenKind::right_bracket));
    return make_with(NodeKind::chain, {}, std::move(left), std::move(node));
  }

  Result<NodePtr> slice(NodePtr left) {
    auto node = make(NodeKind::slice);
    std::optional<std::int64_t>* parts[] = {&node->start, &node->stop, &node->step};
    std::size_t part = 0;
    while (here().kind != TokenKind::right_bracket) {
      if (here().kind == TokenKind::colon && part < 2) {
        ++part;
      } else if (here().kind == TokenKind::number && !*parts[part]) {
        *parts[part] = here().number;
      } else {
        return unexpected();
      }
      take();
    }
    if (node->step == 0) return syntax_error(text_, here().offset, "a slice's step can't be 0");
    take();
    auto sliced = make_with(NodeKind::chain, {}, std::move(left), std::move(node));
    TRY(auto right, projection_right(kStarPower));
    return make_with(NodeKind::projection, {}, std::move(sliced), std::move(right));
  }

  Result<NodePtr> list() {
    auto node = make(NodeKind::list);
    while (true) {
      TRY(auto child, expression(0));
      node->children.push_back(std::move(child));
      if (here().kind != TokenKind::comma) break;
      take();
    }
    TRY_VOID(expect(TokenKind::right_bracket));
    return node;
  }

  Result<NodePtr> hash() {
    auto node = make(NodeKind::hash);
    while (true) {
      if (here().kind != TokenKind::identifier && here().kind != TokenKind::quoted)
        return unexpected();
      node->keys.push_back(take().text);
      TRY_VOID(expect(TokenKind::colon));
      TRY(auto child, expression(0));
      node->children.push_back(std::move(child));
      if (here().kind != TokenKind::comma) break;
      take();
    }
    TRY_VOID(expect(TokenKind::right_brace));
    return node;
  }

  Result<NodePtr> call(NodePtr left) {
    if (left->kind != NodeKind::field) return unexpected();
    take();
    auto node = make(NodeKind::call, left->text);
    while (here().kind != TokenKind::right_paren) {
      TRY(auto child, expression(0));
      node->children.push_back(std::move(child));
      if (here().kind != TokenKind::comma) break;
      take();
      if (here().kind == TokenKind::right_paren) return unexpected();
    }
    TRY_VOID(expect(TokenKind::right_paren));
    return node;
  }

  Result<NodePtr> dot_right(int right_power) {
    switch (here().kind) {
      case TokenKind::identifier:
      case TokenKind::quoted:
      case TokenKind::star: return expression(right_power);
      case TokenKind::left_bracket: take(); return list();
      case TokenKind::left_brace: take(); return hash();
      default: return unexpected();
    }
  }

  Result<NodePtr> projection_right(int right_power) {
    if (power(here().kind) < kProjectionStop) return make(NodeKind::current);
    if (here().kind == TokenKind::left_bracket || here().kind == TokenKind::filter)
      return expression(right_power);
    TRY_VOID(expect(TokenKind::dot));
    return dot_right(right_power);
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<NodePtr> parse(std::string_view expression) {
  if (expression.size() > JmesPath::kMaxLength)
    return syntax_error(expression.substr(0, 40), 40, "expression too long");
  TRY(auto tokens, tokenize(expression));
  return Parser(expression, std::move(tokens)).run();
}

}  // namespace slipway::cli::jmespath
