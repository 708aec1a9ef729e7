#include <array>

#include "api/handlers.h"
#include "api/route.h"

// Where the faces lie, as documented. Clients vary the case of ARM's literals.
#define SUBSCRIPTION "/subscriptions/{subscription}"
#define GROUP SUBSCRIPTION "/resourceGroups/{group}"
#define PROVIDER "/providers/Microsoft.MachineLearningServices"
#define WORKSPACE GROUP PROVIDER "/workspaces/{workspace}"
#define MANAGEMENT "/modelmanagement/v1.0" WORKSPACE
#define ARTIFACTS "/artifact/v2.0" WORKSPACE "/artifacts"
#define ENVIRONMENTS "/environment/v1.0" WORKSPACE "/environments"
#define DEPLOYMENTS GROUP "/providers/Microsoft.Resources/deployments"

namespace slipway::api {
namespace {

using P = auth::Permission;
constexpr auto kOpen = Guard::open;
constexpr auto kLink = Guard::link;
constexpr auto kBearer = Guard::bearer;
constexpr auto kArm = Face::arm;
constexpr auto kMms = Face::management;
constexpr auto kData = Face::data;
constexpr auto kBlob = Face::blob;

constexpr Route kRoutes[] = {
    // The server itself.
    {"GET", "/healthz", "Server_Health", "Whether the server answers", kArm, kOpen, P::read, "", "",
     "Text", 200, get_health},
    {"GET", "/openapi.json", "Server_OpenApi", "This document", kArm, kOpen, P::read, "", "",
     "Object", 200, get_openapi},
    {"GET", "/slipway/v1/status", "Server_Status", "Version, uptime, counts, capacity", kArm,
     kBearer, P::read, "", "", "ServerStatus", 200, get_status},
    {"GET", "/slipway/v1/workspaces/{scope}/operations/{operation}/log", "Server_OperationLog",
     "The log of an operation as plain text", kArm, kLink, P::read, "", "", "Text", 200,
     get_operation_log},
    {"GET", "/metadata/endpoints", "Cloud_Metadata", "The cloud object that points clients here",
     kArm, kOpen, P::read, "api-version", "", "Any", 200, get_cloud_metadata},
    {"GET", "/discovery/workspaces/{id}", "Cloud_Discovery", "Base URL of each data service", kArm,
     kOpen, P::read, "", "", "StringMap", 200, get_discovery},
    {"POST", "/msi/{secret}/token", "Cloud_Token", "A management token for the local user", kArm,
     kOpen, P::read, "", "Form", "ManagementToken", 200, post_msi_token},

    // Resource manager: subscriptions, groups, template deployments, workspaces.
    {"GET", "/subscriptions", "Subscriptions_List", "Subscriptions", kArm, kBearer, P::read, "", "",
     "ObjectList", 200, list_subscriptions},
    {"GET", SUBSCRIPTION PROVIDER, "Providers_Get", "Locations of the provider", kArm, kBearer,
     P::read, "", "", "Object", 200, get_provider},
    {"GET", SUBSCRIPTION "/resources", "Workspaces_ListBySubscription",
     "Workspaces of a subscription", kArm, kBearer, P::read, "$filter", "", "WorkspaceList", 200,
     list_workspaces},
    {"GET", SUBSCRIPTION PROVIDER "/workspaces", "Workspaces_ListAll",
     "Workspaces of a subscription", kArm, kBearer, P::read, "", "", "WorkspaceList", 200,
     list_workspaces},
    {"GET", GROUP, "ResourceGroups_Get", "A resource group", kArm, kBearer, P::read, "", "",
     "ResourceGroup", 200, get_resource_group},
    {"PUT", GROUP, "ResourceGroups_Put", "Name a resource group", kArm, kBearer, P::administer, "",
     "Object", "ResourceGroup", 200, get_resource_group},
    {"GET", GROUP "/resources", "ResourceGroups_ListResources", "Resources of a group", kArm,
     kBearer, P::read, "$filter", "", "ObjectList", 200, list_resources},
    {"PUT", DEPLOYMENTS "/{deployment}", "Deployments_Put",
     "Deploy a template that holds a workspace", kArm, kBearer, P::administer, "",
     "TemplateDeployment", "Deployment", 201, put_deployment},
    {"GET", DEPLOYMENTS "/{deployment}", "Deployments_Get", "A template deployment", kArm, kBearer,
     P::read, "", "", "Deployment", 200, get_deployment},
    {"GET", DEPLOYMENTS "/{deployment}/operationStatuses/{id}", "Deployments_Status",
     "How far a deployment is", kArm, kBearer, P::read, "", "", "ArmOperation", 200,
     get_deployment_status},
    {"GET", GROUP "/deployments/{deployment}/operations", "Deployments_ListOperations",
     "Steps of a deployment", kArm, kBearer, P::read, "", "", "ObjectList", 200,
     list_deployment_operations},
    {"GET", SUBSCRIPTION "/providers/Microsoft.Resources/deployments", "Deployments_List",
     "Deployments of a subscription (none are kept)", kArm, kBearer, P::read, "$filter", "",
     "ObjectList", 200, list_deployments},
    {"GET", GROUP PROVIDER "/workspaces", "Workspaces_ListByGroup",
     "Workspaces of a resource group", kArm, kBearer, P::read, "", "", "WorkspaceList", 200,
     list_workspaces},
    {"GET", WORKSPACE, "Workspaces_Get", "A workspace", kArm, kBearer, P::read, "", "", "Workspace",
     200, get_workspace},
    {"PUT", GROUP PROVIDER "/workspaces/{name}", "Workspaces_CreateOrUpdate",
     "Create or change a workspace", kArm, kBearer, P::administer, "", "WorkspaceRequest",
     "Workspace", 200, put_workspace},
    {"PATCH", WORKSPACE, "Workspaces_Update", "Change tags, description, friendly name", kArm,
     kBearer, P::administer, "", "WorkspaceRequest", "Workspace", 200, patch_workspace},
    {"DELETE", WORKSPACE, "Workspaces_Delete", "Delete a workspace without services", kArm, kBearer,
     P::administer, "", "", "", 200, delete_workspace},
    {"POST", WORKSPACE "/listKeys", "Workspaces_ListKeys", "Keys of storage (there are none)", kArm,
     kBearer, P::keys, "", "", "Object", 200, list_workspace_keys},
    {"POST", WORKSPACE "/resynckeys", "Workspaces_ResyncKeys", "Nothing to do", kArm, kBearer,
     P::keys, "", "", "", 200, resync_workspace_keys},

    // Compute targets.
    {"GET", WORKSPACE "/computes", "MachineLearningCompute_ListByWorkspace", "Compute targets",
     kArm, kBearer, P::read, "$skipToken count computeType", "", "ComputeList", 200, list_computes},
    {"GET", "/rp/workspaces" WORKSPACE "/computes", "MachineLearningCompute_ListByWorkspaceRp",
     "Compute targets", kArm, kBearer, P::read, "$skipToken count computeType", "", "ComputeList",
     200, list_computes},
    {"GET", WORKSPACE "/computes/{compute}", "MachineLearningCompute_Get", "A compute target", kArm,
     kBearer, P::read, "", "", "Compute", 200, get_compute},
    {"GET", "/rp/workspaces" WORKSPACE "/computes/{compute}", "MachineLearningCompute_GetRp",
     "A compute target", kArm, kBearer, P::read, "", "", "Compute", 200, get_compute},
    {"PUT", WORKSPACE "/computes/{compute}", "MachineLearningCompute_CreateOrUpdate",
     "Create, attach or change a compute target", kArm, kBearer, P::manage, "", "Compute",
     "Compute", 201, put_compute},
    {"DELETE", WORKSPACE "/computes/{compute}", "MachineLearningCompute_Delete",
     "Delete or detach a compute target", kArm, kBearer, P::manage, "underlyingResourceAction", "",
     "", 202, delete_compute},
    {"POST", WORKSPACE "/computes/{compute}/listKeys", "MachineLearningCompute_ListKeys",
     "Credentials of a compute target", kArm, kBearer, P::manage, "", "", "ComputeSecrets", 200,
     list_compute_keys},
    {"GET", WORKSPACE "/computeOperationsStatus/{operation}", "MachineLearningCompute_Status",
     "How far an operation on a compute target is", kArm, kBearer, P::read, "", "", "ArmOperation",
     200, get_compute_operation},

    // Uploaded files.
    {"POST", ARTIFACTS "/batch/metadata/{origin}/{container}",
     "Artifacts_BatchCreateEmptyArtifacts", "Announce files, get links to upload them", kData,
     kBearer, P::write, "", "ArtifactPathList", "BatchArtifactContentInformationResult", 200,
     create_artifacts},
    {"GET", ARTIFACTS "/contentinfo/{origin}/{container}/{path*}",
     "Artifacts_GetContentInformation", "A link to read one file", kData, kBearer, P::read, "", "",
     "ArtifactContentInformation", 200, get_content_info},
    {"GET", ARTIFACTS "/prefix/contentinfo/{origin}/{container}/{path*}",
     "Artifacts_ListSasByPrefix", "Links to read the files below a prefix", kData, kBearer, P::read,
     "", "", "ArtifactContentInformationList", 200, list_content_info},
    {"PUT", "/azureml/{blob}", "Blobs_Put", "Upload a blob, a block, or a list of blocks", kBlob,
     kLink, P::write, "comp blockid", "Binary", "", 201, nullptr},
    {"GET", "/azureml/{blob}", "Blobs_Get", "Download a blob or a range of it", kBlob, kLink,
     P::read, "", "", "Binary", 200, nullptr},
    {"HEAD", "/azureml/{blob}", "Blobs_Head", "Size of a blob", kBlob, kLink, P::read, "", "", "",
     200, nullptr},

    // Models.
    {"POST", MANAGEMENT "/assets", "Assets_Create", "Name uploaded files as an asset", kMms,
     kBearer, P::write, "", "Asset", "Asset", 200, create_asset},
    {"GET", MANAGEMENT "/assets/{asset}", "Assets_QueryById", "An asset", kMms, kBearer, P::read,
     "", "", "Asset", 200, get_asset},
    {"POST", MANAGEMENT "/models", "MLModels_Register",
     "Register a model: the next version of its name", kMms, kBearer, P::write, "", "ModelRequest",
     "Model", 200, register_model},
    {"GET", MANAGEMENT "/models", "MLModels_ListQuery", "Models, newest first", kMms, kBearer,
     P::read, "name framework tags properties runId latestVersionOnly count $skipToken", "",
     "ModelList", 200, list_models},
    {"GET", MANAGEMENT "/models/{model}", "MLModels_QueryById",
     "A model by name:version, or the newest of a name", kMms, kBearer, P::read, "", "", "Model",
     200, get_model},
    {"PATCH", MANAGEMENT "/models/{model}", "MLModels_Patch",
     "Change tags and description, add properties", kMms, kBearer, P::write, "", "JsonPatch",
     "Model", 200, patch_model},
    {"DELETE", MANAGEMENT "/models/{model}", "MLModels_Delete",
     "Delete a model that no service uses", kMms, kBearer, P::write, "", "", "", 200, delete_model},

    // Environments.
    {"GET", ENVIRONMENTS, "Environments_List", "Environments, the newest version of each", kData,
     kBearer, P::read, "continuation", "", "EnvironmentList", 200, list_environments},
    {"PUT", ENVIRONMENTS "/{environment}", "Environments_Put",
     "Register an environment; the same definition keeps its version", kData, kBearer, P::write, "",
     "EnvironmentDefinition", "EnvironmentDefinition", 200, put_environment},
    {"PUT", ENVIRONMENTS "/{environment}/versions/{version}", "Environments_PutVersion",
     "Register a version of an environment", kData, kBearer, P::write, "", "EnvironmentDefinition",
     "EnvironmentDefinition", 200, put_environment},
    {"GET", ENVIRONMENTS "/{environment}", "Environments_Get",
     "The newest version of an environment", kData, kBearer, P::read, "", "",
     "EnvironmentDefinition", 200, get_environment},
    {"GET", ENVIRONMENTS "/{environment}/versions/{version}", "Environments_GetVersion",
     "A version of an environment", kData, kBearer, P::read, "", "", "EnvironmentDefinition", 200,
     get_environment},
    {"GET", ENVIRONMENTS "/{environment}/labels/{label}", "Environments_GetByLabel",
     "The version that has a label", kData, kBearer, P::read, "", "", "EnvironmentDefinition", 200,
     get_environment_by_label},
    {"PUT", ENVIRONMENTS "/{environment}/versions/{version}/metadata", "Environments_PutLabels",
     "Set the labels of a version", kData, kBearer, P::write, "", "EnvironmentLabels", "", 200,
     put_environment_labels},
    {"GET", ENVIRONMENTS "/{environment}/versions/{version}/image", "Environments_Image",
     "What a version is made of", kData, kBearer, P::read, "", "", "Object", 200,
     get_environment_image},

    // Services.
    {"POST", MANAGEMENT "/services/validate/name/{name}", "Services_ValidateName",
     "Whether a service may have this name", kMms, kBearer, P::read, "", "Object", "Validation",
     200, validate_service_name},
    {"POST", MANAGEMENT "/services/validate/resource", "Services_ValidateResource",
     "Whether the target has room for a service", kMms, kBearer, P::read, "",
     "CreateServiceRequest", "Validation", 200, validate_service_resources},
    {"POST", MANAGEMENT "/services/validate", "Services_Validate",
     "Whether a create, update or delete would be accepted", kMms, kBearer, P::read, "",
     "ValidateServiceRequest", "Validation", 200, validate_service},
    {"POST", MANAGEMENT "/services", "Services_Create", "Deploy a service", kMms, kBearer,
     P::deploy, "", "CreateServiceRequest", "", 202, create_service},
    {"PUT", MANAGEMENT "/services", "Services_CreateOrUpdate",
     "Deploy a service, over one of the same name too", kMms, kBearer, P::deploy, "",
     "CreateServiceRequest", "", 202, create_service},
    {"GET", MANAGEMENT "/services", "Services_ListQuery", "Services, newest first", kMms, kBearer,
     P::read,
     "computeType modelName modelId name tags properties imageId imageName imageDigest expand "
     "count $skipToken",
     "", "ServiceList", 200, list_services},
    {"GET", MANAGEMENT "/services/{service}", "Services_QueryById", "A service", kMms, kBearer,
     P::read, "expand", "", "Service", 200, get_service},
    {"PATCH", MANAGEMENT "/services/{service}", "Services_Patch",
     "Change a service, replica by replica", kMms, kBearer, P::deploy, "", "JsonPatch", "Service",
     202, patch_service},
    {"DELETE", MANAGEMENT "/services/{service}", "Services_Delete", "Delete a service", kMms,
     kBearer, P::deploy, "", "", "", 202, delete_service},
    {"POST", MANAGEMENT "/services/{service}/listkeys", "Services_ListServiceKeys",
     "Both keys of a service", kMms, kBearer, P::keys, "", "", "AuthKeys", 200, list_service_keys},
    {"POST", MANAGEMENT "/services/{service}/regenerateKeys", "Services_RegenerateServiceKeys",
     "A new primary or secondary key", kMms, kBearer, P::keys, "", "RegenerateServiceKeysRequest",
     "", 202, regenerate_service_key},
    {"GET", MANAGEMENT "/services/{service}/logs", "Services_Logs",
     "The last lines that a service's replicas wrote", kMms, kBearer, P::read, "tail init", "",
     "ServiceLogs", 200, get_service_logs},
    {"GET", MANAGEMENT "/operations/{operation}", "Operations_Get",
     "How far an operation is, and its log", kMms, kBearer, P::read, "offset", "",
     "AsyncOperationStatus", 200, get_operation},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace slipway::api
