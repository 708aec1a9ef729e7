#pragma once
// Reading JSON bodies, member by member.
#include <string>
#include <string_view>

#include "base/json.h"

namespace slipway::api {

// Reads members of a JSON body into fields, as our clients send them: what is absent or null keeps
// the field's default. The first fault is kept and later reads do nothing, so that a handler asks
// for result() once. Children share it. Lives on the stack of one call.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(&object), fault_(&own_fault_) {}
  Reader(const Reader&) = delete;

  template <class T>
  void read(std::string_view name, T& out) {
    const auto* value = object_->if_contains(name);
    if (value == nullptr || value->is_null() || !*fault_) return;
    *fault_ = detail::decode(*value, out, path(name));
  }

  // The member as an object; an empty one when it is absent or null.
  Reader child(std::string_view name) {
    const auto* value = object_->if_contains(name);
    const bool present = value != nullptr && !value->is_null();
    if (present && !value->is_object() && *fault_)
      *fault_ = detail::wrong_type(path(name), "an object", *value);
    const bool usable = present && value->is_object();
    return {usable ? &value->get_object() : &empty(), path(name), fault_};
  }

  Result<void> result() const { return *fault_; }

 private:
  Reader(const json::object* object, std::string prefix, Result<void>* fault)
      : object_(object), prefix_(std::move(prefix)), fault_(fault) {}
  static const json::object& empty() {
    static const json::object none;
    return none;
  }
  std::string path(std::string_view name) const {
    return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
  }

  const json::object* object_;
  std::string prefix_;
  Result<void> own_fault_;
  Result<void>* fault_;
};

}  // namespace slipway::api
