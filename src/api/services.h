#pragma once
// What the handlers of services share.
#include "api/context.h"

namespace slipway::api {

// A service as a create request asks for it, checked by every rule but not stored.
Result<resources::Service> draft_service(const Context& context, const json::object& body);
// `before` as a patch makes it, checked likewise; its revision grows when its spec changes.
Result<resources::Service> patched_service(const Context& context, const resources::Service& before,
                                           const json::array& operations);

// not_found "WebserviceNotFound".
Result<store::Record> find_service(const Context& context, const std::string& name);
Result<store::Record> find_service(store::Transaction& tx, const Context& context,
                                   const std::string& name);

// Whether the compute target exists and could ever hold the service's replicas, were it empty.
// What is taken by others is for control to judge, again and again.
Result<void> check_placement(const Context& context, const resources::Service& service);

// The key that was given, if it can be one; 32 characters with 192 random bits for an empty one.
Result<std::string> checked_key(const std::string& given, const std::string& field);

// An operation that has just begun. It ends when control says so.
resources::Operation new_operation(const Context& context, const std::string& type,
                                   const std::string& target);
Result<void> put_operation(store::Transaction& tx, const Context& context,
                           const resources::Operation& operation);
// conflict while an operation on the service still runs.
Result<void> check_idle(store::Transaction& tx, const Context& context,
                        const resources::Service& service);
// 202 with the operation's address.
http::Response accepted(const Context& context, const std::string& operation_id);

}  // namespace slipway::api
