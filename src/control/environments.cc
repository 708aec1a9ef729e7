#include "control/environments.h"

namespace slipway::control {
namespace {

resources::Failure failure_of(const Error& error) {
  resources::Failure out;
  out.code = "ImageBuildFailure";
  out.status = error.code == ErrorCode::invalid_argument ? 400 : 503;
  out.message = "The environment could not be built: " + error.message;
  out.detail_code = error.reason.empty() ? "EnvironmentBuildFailed" : error.reason;
  out.detail_message = error.message;
  return out;
}

}  // namespace

Environments::Look Environments::look(const std::string& operation,
                                      const json::object& definition) {
  if (definition.empty()) return {EnvironmentState::ready, {}, {}};
  if (auto built = builder_.find(builder_.digest(definition)))
    return {EnvironmentState::ready, {}, std::move(*built)};
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(operation);
  return found == asked_.end() ? Look{} : found->second;
}

void Environments::build(const store::Key& key, const std::string& operation,
                         const json::object& definition) {
  {
    const std::lock_guard lock(mutex_);
    if (!asked_.emplace(operation, Look{EnvironmentState::building, {}, {}}).second) return;
  }
  const auto work = [this, key, operation, definition] { run(key, operation, definition); };
  if (!pool_.submit(work)) forget(operation);
}

void Environments::run(const store::Key& key, const std::string& operation,
                       const json::object& definition) {
  const auto built =
      builder_.build(definition, [&](std::string_view text) { log_(operation, text); });
  if (!built && built.error().code == ErrorCode::cancelled) return;
  {
    const std::lock_guard lock(mutex_);
    if (built)
      asked_.erase(operation);
    else
      asked_[operation] = {EnvironmentState::failed, failure_of(built.error()), {}};
  }
  wake_(key);
}

void Environments::forget(const std::string& operation) {
  const std::lock_guard lock(mutex_);
  asked_.erase(operation);
}

}  // namespace slipway::control
