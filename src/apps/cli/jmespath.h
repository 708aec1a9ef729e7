#pragma once
// JMESPath, the language of --query: the full grammar of jmespath.org and its 26 functions.
//
//   TRY(auto path, JmesPath::compile("[?state=='Healthy'].name"));
//   TRY(auto names, path.search(services));
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace slipway::cli {

namespace jmespath {
struct Node;
}

// A compiled expression. Immutable; any thread may search with it. Expressions are bounded by
// kMaxLength bytes and kMaxDepth nested parts; a longer one is invalid_argument.
class JmesPath {
 public:
  static constexpr std::size_t kMaxLength = 8 << 10;
  static constexpr int kMaxDepth = 100;

  // invalid_argument that shows where the expression stops making sense.
  static Result<JmesPath> compile(std::string_view expression);
  // null where the path leads nowhere; invalid_argument when a function gets a wrong type.
  Result<json::value> search(const json::value& data) const;

 private:
  explicit JmesPath(std::shared_ptr<const jmespath::Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const jmespath::Node> root_;
};

}  // namespace slipway::cli
