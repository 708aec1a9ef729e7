#include "api/openapi_schemas.h"

#include <string_view>

namespace slipway::api {
namespace {

// "name:type", separated by spaces; '*' after a name: required. Types: string, integer, number,
// boolean, object, any, map (of strings), time, or the name of a schema; "[]" after it: an array.
struct Schema {
  std::string_view name;
  std::string_view members;
};

constexpr Schema kSchemas[] = {
    {"ErrorDetail", "code:string message:string target:string"},
    {"ManagementError",
     "code*:string statusCode*:integer message*:string details:ErrorDetail[] correlation:map"},
    {"ArmErrorBody", "code*:string message*:string target:string details:ErrorDetail[]"},
    {"ArmError", "error*:ArmErrorBody"},
    {"DataErrorBody",
     "code*:string message*:string target:string details:ErrorDetail[] innerError:object"},
    {"DataError", "error*:DataErrorBody correlation:map environment:string location:string"},
    {"ObjectList", "value*:object[] nextLink:string"},
    {"ServerStatus",
     "version:string startedTime:time uptimeSeconds:integer managementUrl:string scoringUrl:string "
     "counts:object capacity:object"},
    {"ManagementToken",
     "access_token*:string expires_in:string expires_on:string not_before:string resource:string "
     "token_type:string"},
    {"ResourceGroup",
     "id:string name:string type:string location:string tags:map properties:object"},
    {"TemplateDeployment", "properties*:object"},
    {"Deployment", "id:string name:string type:string properties:object"},
    {"ArmOperation", "status*:string error:object"},
    {"WorkspaceRequest", "location:string tags:map sku:object properties:object"},
    {"Workspace",
     "id:string name:string type:string location:string tags:map identity:any sku:object "
     "properties:object"},
    {"WorkspaceList", "value*:Workspace[] nextLink:string"},
    {"ComputeInner",
     "agentVmSize:string agentCount:integer clusterPurpose:string clusterFqdn:string "
     "loadBalancerType:string loadBalancerSubnet:any aksNetworkingConfiguration:any "
     "systemServices:object[] sslConfiguration:any"},
    {"ComputeProperties",
     "computeType:string computeLocation:string description:any resourceId:string "
     "provisioningState:string provisioningErrors:any isAttachedCompute:boolean createdOn:time "
     "modifiedOn:time properties:ComputeInner"},
    {"Compute",
     "id:string name:string type:string location:string tags:map properties:ComputeProperties"},
    {"ComputeList", "value*:Compute[] nextLink:string"},
    {"ComputeSecrets", "userKubeConfig:string adminKubeConfig:string imagePullSecretName:string"},
    {"ArtifactPath", "path*:string"},
    {"ArtifactPathList", "paths*:ArtifactPath[]"},
    {"ArtifactContentInformation", "contentUri:string origin:string container:string path:string"},
    {"ArtifactContentInformationList", "value*:ArtifactContentInformation[] continuationToken:any"},
    {"BatchArtifactContentInformationResult",
     "artifacts*:object artifactContentInformation*:object errors:object"},
    {"AssetArtifact", "id:string prefix:string"},
    {"Asset", "id:string name:string artifacts*:AssetArtifact[] createdTime:time"},
    {"ModelResources", "cpu:number memoryInGB:number gpu:integer"},
    {"ModelRequest",
     "name*:string url*:string mimeType:string description:string framework:string "
     "frameworkVersion:string unpack:boolean runId:string experimentName:string kvTags:map "
     "properties:map datasets:object[] sampleInputData:any sampleOutputData:any "
     "resourceRequirements:ModelResources"},
    {"Model",
     "id:string name:string version:integer framework:any frameworkVersion:any url:string "
     "mimeType:string description:any createdTime:time modifiedTime:time unpack:boolean "
     "runId:any experimentName:any kvTags:map properties:map datasets:object[] "
     "sampleInputData:any sampleOutputData:any resourceRequirements:any createdBy:object"},
    {"ModelList", "value*:Model[] nextLink:any"},
    {"JsonPatchOperation", "op*:string path*:string value:any"},
    {"EnvironmentDefinition",
     "name:string version:string environmentVariables:map python:object docker:object spark:object "
     "databricks:object r:any inferencingStackVersion:any"},
    {"EnvironmentList", "value*:EnvironmentDefinition[] continuationToken:any"},
    {"EnvironmentLabels", "labels*:string[]"},
    {"AuthKeys", "primaryKey:any secondaryKey:any"},
    {"RegenerateServiceKeysRequest", "keyType*:any keyValue:any"},
    {"ContainerResourceRequirements",
     "cpu:any cpuLimit:any memoryInGB:any memoryInGBLimit:any gpu:any"},
    {"LivenessProbeRequirements",
     "initialDelaySeconds:any periodSeconds:any timeoutSeconds:any successThreshold:any "
     "failureThreshold:any"},
    {"AutoScaler",
     "autoscaleEnabled:any minReplicas:any maxReplicas:any targetUtilization:any "
     "refreshPeriodInSeconds:any"},
    {"DataCollection", "storageEnabled:any eventHubEnabled:any"},
    {"EnvironmentImageAsset", "id*:string url*:string mimeType:string unpack:boolean"},
    {"EnvironmentImageRequest",
     "driverProgram:any assets:EnvironmentImageAsset[] modelIds:string[] "
     "environment:EnvironmentDefinition environmentReference:object"},
    {"CreateServiceRequest",
     "name*:string description:any kvTags:any properties:any keys:any computeType:string "
     "computeName:any environmentImageRequest*:EnvironmentImageRequest numReplicas:any "
     "containerResourceRequirements:any maxConcurrentRequestsPerContainer:any "
     "maxQueueWaitMs:any namespace:any scoringTimeoutMs:any livenessProbeRequirements:any "
     "dataCollection:any appInsightsEnabled:any autoScaler:any authEnabled:any aadAuthEnabled:any "
     "overwrite:boolean"},
    {"ValidateServiceRequest",
     "type*:string serviceName:string createRequest:any updateRequest:any"},
    {"Validation", "error:object"},
    {"ReplicaStatus",
     "desiredReplicas:integer updatedReplicas:integer availableReplicas:integer error:any "
     "environmentNote:string"},
    {"Service",
     "id:string name:string description:string kvTags:map tags:map properties:map "
     "computeType:string computeName:string state:string error:any createdTime:time "
     "updatedTime:time operationId:string scoringUri:string swaggerUri:string numReplicas:any "
     "containerResourceRequirements:ContainerResourceRequirements "
     "maxConcurrentRequestsPerContainer:integer maxQueueWaitMs:integer scoringTimeoutMs:integer "
     "namespace:string livenessProbeRequirements:LivenessProbeRequirements "
     "dataCollection:DataCollection appInsightsEnabled:boolean autoScaler:AutoScaler "
     "authEnabled:boolean aadAuthEnabled:boolean deploymentStatus:ReplicaStatus models:Model[] "
     "environmentImageRequest:any imageId:any createdBy:object"},
    {"ServiceList", "value*:Service[] nextLink:string"},
    {"ServiceLogs", "content*:string"},
    {"AsyncOperationStatus",
     "id*:string operationType:string state*:string createdTime:time endTime:any error:any "
     "resourceLocation:string operationLog:string operationDetails:object "
     "streamingOperationLog:string"},
};

json::object reference(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string(name)}};
}

json::object type_of(std::string_view type) {
  if (type.ends_with("[]"))
    return {{"type", "array"}, {"items", type_of(type.substr(0, type.size() - 2))}};
  if (type == "any") return {};
  if (type == "time") return {{"type", "string"}, {"format", "date-time"}};
  if (type == "map") return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  for (const std::string_view plain : {"string", "integer", "number", "boolean", "object"})
    if (type == plain) return {{"type", plain}};
  return reference(type);
}

json::object schema_of(std::string_view members) {
  json::object properties;
  json::array required;
  while (!members.empty()) {
    const auto member = members.substr(0, members.find(' '));
    members.remove_prefix(std::min(member.size() + 1, members.size()));
    const auto colon = member.find(':');
    auto name = member.substr(0, colon);
    if (name.ends_with('*')) {
      name.remove_suffix(1);
      required.emplace_back(name);
    }
    properties[name] = type_of(member.substr(colon + 1));
  }
  json::object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

json::object openapi_schemas() {
  json::object out;
  for (const auto& [name, members] : kSchemas) out[name] = schema_of(members);
  out["Any"] = json::object{};
  out["Object"] = {{"type", "object"}};
  out["StringMap"] = type_of("map");
  out["JsonPatch"] = type_of("JsonPatchOperation[]");
  return out;
}

}  // namespace slipway::api
