#pragma once
// From an Error to a status and the body that its face documents.
#include <string_view>

#include "api/context.h"

namespace slipway::api {

// The one place where an Error becomes a status and the body of its face.
unsigned status_of(ErrorCode code);
http::Response error_response(const Error& error, Face face, std::string_view request_id);

// A stored failure of an operation or a service, in the flat shape of model management.
json::value failure_json(const resources::Failure& failure);

}  // namespace slipway::api
