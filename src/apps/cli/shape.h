#pragma once
// Answers with the keys that CLI v1 prints; --verbose prints the whole object instead.
#include "apps/cli/context.h"

namespace slipway::cli {

json::value shape_workspace(const json::value& workspace);
json::value shape_model(const json::value& model);
json::value shape_model_row(const json::value& model);  // of a list
json::value shape_compute(const json::value& compute);
json::value shape_service(const json::value& service);

using Shape = json::value (*)(const json::value&);
// The shape of one object, or of each in an array; as it is with --verbose.
json::value shaped(const Context& context, const json::value& value, Shape shape);

}  // namespace slipway::cli
