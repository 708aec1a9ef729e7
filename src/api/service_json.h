#pragma once
// Services from and to JSON.
#include <span>
#include <vector>

#include "api/context.h"

namespace slipway::api {

// What a create request can say, read over the defaults of `service`. Absent and null members keep
// them. The code, the models and the environment are resolved apart (service_spec.h).
Result<void> read_service(const json::object& body, resources::Service& service);

// The same members of a service, so that a patch works on what it will be read back from.
json::object service_document(const resources::Service& service);

// The paths that a patch may name.
std::span<const std::string_view> service_paths();

// Everything about one service that an answer shows.
struct ServiceView {
  resources::Service service;
  resources::ServiceObserved observed;
  std::vector<resources::Model> models;  // those that still exist
};
Result<ServiceView> view_of(const Context& context, const store::Record& record);
// All keys that the client insists on, for the service's compute type.
json::object service_json(const Context& context, const ServiceView& view);

}  // namespace slipway::api
