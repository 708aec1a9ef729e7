#pragma once
// The schemas of the OpenAPI document.
#include "base/json.h"

namespace slipway::api {

// The components/schemas of the OpenAPI document: bodies of requests and answers. Pure.
json::object openapi_schemas();

}  // namespace slipway::api
