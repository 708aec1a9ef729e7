#pragma once
// Models as they are shown and found.
#include "api/context.h"

namespace slipway::api {

// The model as the models face shows it, and as it stands inside a service (which reads "tags").
json::object model_json(const resources::Model& model);
json::object service_model_json(const resources::Model& model);

// "name:version", or "name" for its newest version. not_found "ModelNotFound".
Result<store::Record> find_model_record(const Context& context, const std::string& id);
Result<resources::Model> find_model(const Context& context, const std::string& id);

}  // namespace slipway::api
