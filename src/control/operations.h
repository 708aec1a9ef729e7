#pragma once
// Operations: what a waiting client sees of a deployment: its stage, its log, its end.
#include <optional>
#include <string>

#include "base/clock.h"
#include "resources/resources.h"
#include "store/store.h"

namespace slipway::control {

// Owner: Control. Any thread. A failure to write progress is logged and changes nothing else.
class Operations {
 public:
  Operations(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // Appends each line of `text` as "yyyymmddHHMMSS|line".
  void say(const std::string& id, std::string_view text);
  // Running, with the documented sub-operation ("BuildEnvironment", "DeployService").
  void stage(const std::string& scope, const std::string& id, const std::string& sub_type);
  // Inside the transaction that judges its resource: Succeeded, or Failed with the failure. An
  // operation that has ended, or that is not there, stays as it is.
  static Result<void> finish(store::Transaction& tx, const std::string& scope,
                             const std::string& id,
                             const std::optional<resources::Failure>& failure, TimeMs now_ms);

 private:
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace slipway::control
