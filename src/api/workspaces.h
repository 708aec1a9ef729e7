#pragma once
// Workspaces as they are shown, found and saved.
#include "api/context.h"

namespace slipway::api {

// The ARM object of a workspace.
json::object workspace_json(const Context& context, const resources::Workspace& workspace);

// Makes the workspace that an ARM body describes ("location", "tags", "sku", "properties"), or
// changes the one that has the name already; the latter keeps its uid.
Result<store::Record> save_workspace(const Context& context, const std::string& subscription,
                                     const std::string& group, const std::string& name,
                                     const json::object& body);

// The workspace of that name; not_found with what to do.
Result<resources::Workspace> find_workspace(store::Store& store, const std::string& subscription,
                                            const std::string& group, const std::string& name);

// Members of `body` read over what `workspace` holds.
Result<void> read_workspace(const json::object& body, resources::Workspace& workspace);

}  // namespace slipway::api
