#pragma once
// What a service is made of, from what its create request names.
#include "api/context.h"

namespace slipway::api {

// Turns environmentImageRequest into what a replica is made of: the models must be registered, the
// code uploaded, the entry script among it with a run(), the environment given or registered.
// Without an entry script it is a no-code deployment, which needs one model of a known framework.
Result<void> resolve_spec(const Context& context, resources::Service& service);

}  // namespace slipway::api
