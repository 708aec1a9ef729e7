#pragma once
// The parts of a JMESPath expression; seen only by jmespath*.cc.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::cli::jmespath {

enum class NodeKind {
  current,           // @, and what is missing on the right of a projection
  field,             // text
  index,             // number
  slice,             // start, stop, step
  literal,           // value
  chain,             // right of what left gives: a.b, a | b, a[0]
  projection,        // right of each item of left
  value_projection,  // right of each member of left
  filter,            // right of each item of left for which the third holds
  flatten,           // left, one level of arrays opened
  list,              // [a, b]
  hash,              // {text: child}
  either,            // a || b
  both,              // a && b
  negation,          // !a
  comparison,        // text is the operator
  call,              // text is the function
  expression,        // &a, for functions that take one
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

// One node of the tree. Owned by its parent; immutable once parsed.
struct Node {
  NodeKind kind = NodeKind::current;
  std::string text = {};
  std::int64_t number = 0;
  std::optional<std::int64_t> start = {}, stop = {}, step = {};
  json::value literal = {};
  std::vector<NodePtr> children = {};
  std::vector<std::string> keys = {};  // of a hash, one per child
};

enum class TokenKind {
  end,
  identifier,
  quoted,
  literal,
  number,
  current,
  star,
  flatten,
  filter,
  left_bracket,
  right_bracket,
  left_brace,
  right_brace,
  left_paren,
  right_paren,
  dot,
  comma,
  colon,
  pipe,
  either,
  both,
  negation,
  comparison,
  expression,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t offset = 0;
  std::string text = {};
  json::value literal = {};
  std::int64_t number = 0;
};

// The error of a place in the expression.
Error syntax_error(std::string_view expression, std::size_t offset, const std::string& what);

// Ends with a token of kind `end`.
Result<std::vector<Token>> tokenize(std::string_view expression);
Result<NodePtr> parse(std::string_view expression);

Result<json::value> evaluate(const Node& node, const json::value& data);

// What a function gets: a value, or an expression (&a) to be evaluated per item.
struct Argument {
  json::value value;
  const Node* expression = nullptr;
};
Result<json::value> call_function(const std::string& name, const std::vector<Argument>& arguments);

bool truthy(const json::value& value);
bool equal(const json::value& a, const json::value& b);
std::optional<double> as_number(const json::value& value);

}  // namespace slipway::cli::jmespath
