#pragma once
// Environment definitions as clients send them.
#include "api/context.h"

namespace slipway::api {

// The documented camelCase of a definition whose keys may come in another case.
json::object camel_case(const json::object& definition);

// Registry passwords are not kept where anyone who may read could see them.
void hide_passwords(json::value& definition);

// A definition ready for a service: one that only names a registered environment is replaced by it;
// an empty one stays empty (the default of no-code deployments).
Result<json::object> complete_definition(const Context& context, const json::object& given);

}  // namespace slipway::api
