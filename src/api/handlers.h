#pragma once
// The list of all handlers.
#include "api/context.h"

namespace slipway::api {

// Every handler of the table in routes.cc, by the file that holds it. Plain functions that may
// block; each runs on a thread of the pool with a Context of its own.

// system.cc
Result<http::Response> get_health(Context& context);
Result<http::Response> get_openapi(Context& context);
Result<http::Response> get_status(Context& context);
Result<http::Response> get_cloud_metadata(Context& context);
Result<http::Response> get_discovery(Context& context);
Result<http::Response> post_msi_token(Context& context);
Result<http::Response> list_subscriptions(Context& context);
Result<http::Response> get_provider(Context& context);

// groups.cc
Result<http::Response> get_resource_group(Context& context);
Result<http::Response> list_resources(Context& context);
Result<http::Response> put_deployment(Context& context);
Result<http::Response> list_deployments(Context& context);
Result<http::Response> get_deployment(Context& context);
Result<http::Response> get_deployment_status(Context& context);
Result<http::Response> list_deployment_operations(Context& context);

// workspaces.cc
Result<http::Response> list_workspaces(Context& context);
Result<http::Response> get_workspace(Context& context);
Result<http::Response> put_workspace(Context& context);
Result<http::Response> patch_workspace(Context& context);
Result<http::Response> delete_workspace(Context& context);
Result<http::Response> list_workspace_keys(Context& context);
Result<http::Response> resync_workspace_keys(Context& context);

// artifact_handlers.cc
Result<http::Response> create_artifacts(Context& context);
Result<http::Response> get_content_info(Context& context);
Result<http::Response> list_content_info(Context& context);

// models.cc
Result<http::Response> create_asset(Context& context);
Result<http::Response> get_asset(Context& context);
Result<http::Response> register_model(Context& context);
Result<http::Response> list_models(Context& context);
Result<http::Response> get_model(Context& context);
Result<http::Response> patch_model(Context& context);
Result<http::Response> delete_model(Context& context);

// environments.cc
Result<http::Response> put_environment(Context& context);
Result<http::Response> get_environment(Context& context);
Result<http::Response> get_environment_by_label(Context& context);
Result<http::Response> list_environments(Context& context);
Result<http::Response> put_environment_labels(Context& context);
Result<http::Response> get_environment_image(Context& context);

// computes.cc
Result<http::Response> put_compute(Context& context);
Result<http::Response> get_compute(Context& context);
Result<http::Response> list_computes(Context& context);
Result<http::Response> delete_compute(Context& context);
Result<http::Response> list_compute_keys(Context& context);
Result<http::Response> get_compute_operation(Context& context);

// services.cc
Result<http::Response> create_service(Context& context);
Result<http::Response> get_service(Context& context);
Result<http::Response> list_services(Context& context);
Result<http::Response> patch_service(Context& context);
Result<http::Response> delete_service(Context& context);

// service_actions.cc
Result<http::Response> validate_service_name(Context& context);
Result<http::Response> validate_service(Context& context);
Result<http::Response> validate_service_resources(Context& context);
Result<http::Response> list_service_keys(Context& context);
Result<http::Response> regenerate_service_key(Context& context);
Result<http::Response> get_service_logs(Context& context);
Result<http::Response> get_operation(Context& context);
Result<http::Response> get_operation_log(Context& context);

}  // namespace slipway::api
