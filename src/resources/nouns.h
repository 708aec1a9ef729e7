#pragma once
// The nouns of the house as plain structs. They hold what was asked (desired state) and what was
// seen (observed state); never both in one struct. Described, so that JSON and the store know their
// members. Units stand in the names; an optional that is empty means "use the documented default".
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace slipway::resources {

using Tags = std::map<std::string, std::string>;

// Who did it. Shown as createdBy; kept on every operation.
struct Actor {
  std::string object_id;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Actor, (), (object_id, name))

// Tenant and scope of all names. `uid` is the scope of everything in it: a workspace that is
// deleted and made again shares nothing with the old one.
struct Workspace {
  std::string uid;
  std::string subscription;
  std::string resource_group;
  std::string name;
  std::string location = "local";
  std::string friendly_name;
  std::string description;
  Tags tags;
  json::object sku;
  Actor created_by;
  TimeMs created_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Workspace, (),
                      (uid, subscription, resource_group, name, location, friendly_name,
                       description, tags, sku, created_by, created_ms))

// One file of a model, an entry script or a source directory: bytes by digest under a relative
// path.
struct StoredFile {
  std::string path;    // relative, '/' separated, no "..", no leading '/'
  std::string digest;  // SHA-256, 64 hexadecimal digits
  std::int64_t bytes = 0;
};
BOOST_DESCRIBE_STRUCT(StoredFile, (), (path, digest, bytes))

// An uploaded file by its documented address origin/container/path, before anything refers to it.
struct Artifact {
  std::string origin;  // "LocalUpload", "ExperimentRun"
  std::string container;
  std::string path;
  std::string blob;    // opaque name under which the bytes are uploaded (hexadecimal)
  std::string digest;  // empty until the bytes have arrived
  std::int64_t bytes = 0;
  TimeMs created_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Artifact, (), (origin, container, path, blob, digest, bytes, created_ms))

// What a model points to: artifacts by id or by prefix, resolved when the model is registered.
struct Asset {
  std::string id;
  std::string name;
  json::array
      artifacts;  // as sent: [{"prefix": "LocalUpload/c/dir"}] or [{"id": "LocalUpload/c/f"}]
  TimeMs created_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Asset, (), (id, name, artifacts, created_ms))

struct ModelResources {
  std::optional<double> cpu;
  std::optional<double> memory_gb;
  std::optional<int> gpu;
};
BOOST_DESCRIBE_STRUCT(ModelResources, (), (cpu, memory_gb, gpu))

// Registered files, immutable per version. Id "name:version".
struct Model {
  std::string name;
  std::int64_t version = 0;
  std::string framework;  // "Onnx", "ScikitLearn", "Custom", …; free text is accepted
  std::string framework_version;
  std::string description;
  std::string url;  // "aml://asset/<id>"
  std::string mime_type;
  bool unpack = false;
  std::string run_id;
  std::string experiment_name;
  Tags tags;
  Tags properties;  // immutable after registration
  json::array datasets;
  json::value sample_input;
  json::value sample_output;
  std::optional<ModelResources> resources;
  std::vector<StoredFile> files;  // below the folder that the entry script sees
  Actor created_by;
  TimeMs created_ms = 0;
  TimeMs modified_ms = 0;
  std::string id() const { return name + ":" + std::to_string(version); }
};
BOOST_DESCRIBE_STRUCT(Model, (),
                      (name, version, framework, framework_version, description, url, mime_type,
                       unpack, run_id, experiment_name, tags, properties, datasets, sample_input,
                       sample_output, resources, files, created_by, created_ms, modified_ms))

// How score.py runs. `definition` is the documented environment JSON in camelCase.
struct Environment {
  std::string name;
  std::string version;  // "1", "2", …, or what the user gave
  std::vector<std::string> labels;
  json::object definition;
  TimeMs created_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Environment, (), (name, version, labels, definition, created_ms))

// Desired: where replicas run. `local` slices of this machine, or an attached cluster.
struct ComputeTarget {
  std::string name;
  std::string location;
  std::string description;
  Tags tags;
  std::string resource_id;  // of the managed cluster; ours when created, given when attached
  bool attached = false;
  int agent_count = 0;
  std::string vm_size;
  std::string purpose;             // "FastProd" | "DevTest"
  std::string load_balancer_type;  // "PublicIp" | "InternalLoadBalancer"
  std::string load_balancer_subnet;
  json::value ssl;      // sslConfiguration as given, without cert and key; null when none
  json::value network;  // aksNetworkingConfiguration as given
  Actor created_by;
  TimeMs created_ms = 0;
  TimeMs modified_ms = 0;
};
BOOST_DESCRIBE_STRUCT(ComputeTarget, (),
                      (name, location, description, tags, resource_id, attached, agent_count,
                       vm_size, purpose, load_balancer_type, load_balancer_subnet, ssl, network,
                       created_by, created_ms, modified_ms))

// A documented error as it is stored with an operation or a service.
struct Failure {
  std::string code;  // "KubernetesDeploymentFailed", "Unschedulable", …
  int status = 400;
  std::string message;
  std::string detail_code;  // "CrashLoopBackOff"; empty for none
  std::string detail_message;
};
BOOST_DESCRIBE_STRUCT(Failure, (), (code, status, message, detail_code, detail_message))

struct ComputeObserved {
  std::string state = "Creating";  // Creating, Succeeded, Failed, Deleting, Updating
  std::vector<Failure> errors;
};
BOOST_DESCRIBE_STRUCT(ComputeObserved, (), (state, errors))

struct ContainerResources {
  double cpu = 0.1;        // cores
  double memory_gb = 0.5;  // GiB
  std::optional<double> cpu_limit;
  std::optional<double> memory_gb_limit;
  std::optional<int> gpu;
};
BOOST_DESCRIBE_STRUCT(ContainerResources, (), (cpu, memory_gb, cpu_limit, memory_gb_limit, gpu))

struct AutoscalePolicy {
  bool enabled = true;
  int min_replicas = 1;
  int max_replicas = 10;
  int target_utilization = 70;  // percent
  int refresh_seconds = 1;
};
BOOST_DESCRIBE_STRUCT(AutoscalePolicy, (),
                      (enabled, min_replicas, max_replicas, target_utilization, refresh_seconds))

struct ProbePolicy {
  int initial_delay_seconds = 310;
  int period_seconds = 10;
  int timeout_seconds = 2;
  int success_threshold = 1;
  int failure_threshold = 3;
};
BOOST_DESCRIBE_STRUCT(ProbePolicy, (),
                      (initial_delay_seconds, period_seconds, timeout_seconds, success_threshold,
                       failure_threshold))

// One model of a service as its replicas see it.
struct ServiceModel {
  std::string name;
  std::int64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(ServiceModel, (), (name, version))

// The immutable part of a service: what a replica is made of. A change makes a new revision.
struct ServiceSpec {
  std::string kind;  // "python" | "onnx"
  std::vector<ServiceModel> models;
  std::string entry_script;      // relative to the code folder; empty for onnx
  std::vector<StoredFile> code;  // the code folder (source directory or the entry script alone)
  std::string environment_name;
  std::string environment_version;
  json::object environment;  // its definition when deployed; empty: the default for no-code
  Tags environment_variables;
  ContainerResources resources;
  ProbePolicy probe;
  int max_concurrent_requests = 1;  // per replica
  int max_queue_wait_ms = 500;
  int scoring_timeout_ms = 60'000;
};
BOOST_DESCRIBE_STRUCT(ServiceSpec, (),
                      (kind, models, entry_script, code, environment_name, environment_version,
                       environment, environment_variables, resources, probe,
                       max_concurrent_requests, max_queue_wait_ms, scoring_timeout_ms))

// Desired: a deployed web service.
struct Service {
  std::string name;
  std::string compute_type = "AKS";  // "AKS" | "ACI"
  std::string compute_name;          // empty for ACI
  std::string route;  // the <name> of /api/v1/service/<name>/score; unique on the router
  std::string description;
  Tags tags;
  Tags properties;
  ServiceSpec spec;
  std::int64_t revision = 1;        // of spec
  std::optional<int> num_replicas;  // empty: the autoscaler decides
  AutoscalePolicy autoscale;
  bool auth_enabled = true;  // keys
  bool token_auth_enabled = false;
  bool app_insights_enabled = false;
  bool collect_model_data = false;
  std::string kube_namespace;             // as given ("namespace")
  json::value environment_image_request;  // as sent, for the answer
  std::string operation_id;               // the operation that made this generation
  bool deleting = false;
  Actor created_by;
  TimeMs created_ms = 0;
  TimeMs updated_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Service, (),
                      (name, compute_type, compute_name, route, description, tags, properties, spec,
                       revision, num_replicas, autoscale, auth_enabled, token_auth_enabled,
                       app_insights_enabled, collect_model_data, kube_namespace,
                       environment_image_request, operation_id, deleting, created_by, created_ms,
                       updated_ms))

// Observed, written by control only.
struct ServiceObserved {
  std::string state = "Transitioning";  // Transitioning, Healthy, Unhealthy, Failed, Unschedulable
  std::optional<Failure> error;
  int desired_replicas = 0;
  int updated_replicas = 0;
  int available_replicas = 0;
  std::int64_t serving_revision = 0;  // 0: none
  std::string environment_note;       // what --environment-policy nearest took instead
};
BOOST_DESCRIBE_STRUCT(ServiceObserved, (),
                      (state, error, desired_replicas, updated_replicas, available_replicas,
                       serving_revision, environment_note))

// A long-running request that the client polls: who, when, what, and how far it came.
struct Operation {
  std::string id;
  std::string type;                  // "Service", "Image", "DeleteService", "CreateCompute", …
  std::string state = "NotStarted";  // NotStarted, Running, Succeeded, Failed, Cancelled, TimedOut
  std::string target;                // name of the resource it works on
  std::string resource_location;     // relative URL
  std::string sub_type;              // BuildEnvironment | DeployService
  std::string sub_state;
  std::optional<Failure> error;
  Actor actor;
  std::int64_t generation = 0;  // of the target that this operation brought
  TimeMs created_ms = 0;
  TimeMs ended_ms = 0;  // 0 while it runs
  bool ended() const { return ended_ms != 0; }
};
BOOST_DESCRIBE_STRUCT(Operation, (),
                      (id, type, state, target, resource_location, sub_type, sub_state, error,
                       actor, generation, created_ms, ended_ms))

}  // namespace slipway::resources
