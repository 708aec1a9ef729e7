#pragma once
// Result<T>: a value or an Error, the only way a room reports failure. We throw nothing ourselves.
// Member names follow std::expected, so that this header can become a `using` one day.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace slipway {

// The closed list of kinds. `api` and `router` each turn a kind into an HTTP status in one place.
enum class ErrorCode {
  invalid_argument,     // 400: the caller's input breaks a rule
  unauthenticated,      // 401
  forbidden,            // 403
  not_found,            // 404
  conflict,             // 409: exists already, or another operation holds it
  precondition_failed,  // 412: in use, or an ETag that no longer matches
  too_large,            // 413: a body, a file, a count above its limit
  exhausted,            // 503 at the router (queue full); 507 from the store (disk full)
  deadline,             // 504
  unavailable,          // 503: try again
  cancelled,            // the caller went away
  internal,             // 500: our own mistake
};

std::string_view to_string(ErrorCode code);

// What went wrong, for the person who reads it: which value, which rule, what to do.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  // The documented error code where there is one ("ModelNotFound", "Unschedulable"); else empty.
  std::string reason = {};
  // The field that is at fault ("containerResourceRequirements.cpu"); else empty.
  std::string target = {};
};

inline Error fail(ErrorCode code, std::string message, std::string reason = {},
                  std::string target = {}) {
  return {code, std::move(message), std::move(reason), std::move(target)};
}

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }
  T value_or(T other) && { return has_value() ? std::move(*this).value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}
  bool has_value() const { return error_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  void value() const {}
  Error& error() { return std::get<1>(error_); }
  const Error& error() const { return std::get<1>(error_); }

 private:
  std::variant<std::monostate, Error> error_;
};

}  // namespace slipway

#define SLIPWAY_CONCAT_(a, b) a##b
#define SLIPWAY_CONCAT(a, b) SLIPWAY_CONCAT_(a, b)

// TRY(auto model, find(id));  declares `model`, or returns the error. One per line.
#define TRY(declaration, expression) \
  SLIPWAY_TRY_(declaration, expression, SLIPWAY_CONCAT(try_, __LINE__), return)
// The same in a coroutine.
#define CO_TRY(declaration, expression) \
  SLIPWAY_TRY_(declaration, expression, SLIPWAY_CONCAT(try_, __LINE__), co_return)
// For Result<void>: TRY_VOID(validate(model));
#define TRY_VOID(expression) SLIPWAY_TRY_VOID_(expression, SLIPWAY_CONCAT(try_, __LINE__), return)
#define CO_TRY_VOID(expression) \
  SLIPWAY_TRY_VOID_(expression, SLIPWAY_CONCAT(try_, __LINE__), co_return)

#define SLIPWAY_TRY_(declaration, expression, name, ret) \
  auto name = (expression);                              \
  if (!name) ret std::move(name.error());                \
  declaration = std::move(*name)
#define SLIPWAY_TRY_VOID_(expression, name, ret) \
  if (auto name = (expression); !name) ret std::move(name.error())

// CHECK guards against our own mistakes; it is on in release builds. User input never reaches one.
#define CHECK(condition, why)                                                              \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      std::fprintf(stderr, "%s:%d: CHECK(%s): %s\n", __FILE__, __LINE__, #condition, why); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)
