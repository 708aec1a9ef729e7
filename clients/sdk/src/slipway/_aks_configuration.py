"""Settings of an AKS web service: their rules, and both forms that the wire has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Dict, List, Optional

from slipway import _names
from slipway._wire import Json
from slipway.exceptions import WebserviceException

_POSITIVE = (
    "cpu_cores",
    "memory_gb",
    "period_seconds",
    "initial_delay_seconds",
    "timeout_seconds",
    "success_threshold",
    "failure_threshold",
    "scoring_timeout_ms",
    "replica_max_concurrent_requests",
    "max_request_wait_time",
    "num_replicas",
    "autoscale_min_replicas",
    "autoscale_max_replicas",
    "autoscale_refresh_seconds",
    "autoscale_target_utilization",
)
_SCALER = (
    "autoscale_min_replicas",
    "autoscale_max_replicas",
    "autoscale_refresh_seconds",
    "autoscale_target_utilization",
)

# Each setting's place in the service's JSON.
PLACES = {
    "autoscale_enabled": "/autoScaler/autoscaleEnabled",
    "autoscale_min_replicas": "/autoScaler/minReplicas",
    "autoscale_max_replicas": "/autoScaler/maxReplicas",
    "autoscale_refresh_seconds": "/autoScaler/refreshPeriodInSeconds",
    "autoscale_target_utilization": "/autoScaler/targetUtilization",
    "collect_model_data": "/dataCollection/storageEnabled",
    "auth_enabled": "/authEnabled",
    "token_auth_enabled": "/aadAuthEnabled",
    "cpu_cores": "/containerResourceRequirements/cpu",
    "cpu_cores_limit": "/containerResourceRequirements/cpuLimit",
    "memory_gb": "/containerResourceRequirements/memoryInGB",
    "memory_gb_limit": "/containerResourceRequirements/memoryInGBLimit",
    "gpu_cores": "/containerResourceRequirements/gpu",
    "enable_app_insights": "/appInsightsEnabled",
    "scoring_timeout_ms": "/scoringTimeoutMs",
    "replica_max_concurrent_requests": "/maxConcurrentRequestsPerContainer",
    "max_request_wait_time": "/maxQueueWaitMs",
    "num_replicas": "/numReplicas",
    "initial_delay_seconds": "/livenessProbeRequirements/initialDelaySeconds",
    "period_seconds": "/livenessProbeRequirements/periodSeconds",
    "failure_threshold": "/livenessProbeRequirements/failureThreshold",
    "success_threshold": "/livenessProbeRequirements/successThreshold",
    "timeout_seconds": "/livenessProbeRequirements/timeoutSeconds",
    "namespace": "/namespace",
    "description": "/description",
    "tags": "/kvTags",
}
# In a new service these are left out when unset; the others are sent as null, "use the default".
_OMITTED = (
    "collect_model_data",
    "enable_app_insights",
    "auth_enabled",
    "token_auth_enabled",
    "autoscale_enabled",
    *_SCALER,
)


@dataclass
class AksServiceDeploymentConfiguration:
    """What a new service needs. None, the default of each, leaves the choice to the server.

    Args:
        autoscale_enabled: Let the number of replicas follow the load; default: True unless
            `num_replicas` is given.
        autoscale_min_replicas: Default 1.
        autoscale_max_replicas: Default 10.
        autoscale_refresh_seconds: How often the autoscaler acts; default 1 s.
        autoscale_target_utilization: Percent, 1 to 100; default 70.
        collect_model_data: Keep inputs and outputs; default False.
        auth_enabled: Ask callers for a key; default True.
        cpu_cores: Per replica, more than 0; default 0.1.
        memory_gb: GiB per replica, more than 0; default 0.5.
        enable_app_insights: Default False.
        scoring_timeout_ms: Longest time of one request; default 60000 ms.
        replica_max_concurrent_requests: Per replica; default 1.
        max_request_wait_time: Longest time in the queue before a 503; default 500 ms.
        num_replicas: Fixed number of replicas; excludes autoscaling.
        primary_key: Default: made by the server.
        secondary_key: Default: made by the server.
        tags: Text to text; can be changed later.
        properties: Text to text; can only be added to later.
        description: For people.
        gpu_cores: Whole number per replica, 0 or more.
        period_seconds: Between two health checks; default 10 s.
        initial_delay_seconds: Before the first health check; default 310 s.
        timeout_seconds: Of a health check; default 2 s.
        success_threshold: Successes in a row that make a replica healthy; default 1.
        failure_threshold: Failures in a row that make it unhealthy; default 3.
        namespace: At most 63 of ``a-z 0-9 -``, no dash first or last.
        token_auth_enabled: Ask callers for a token instead of a key; default False.
        compute_target_name: The compute target, when Model.deploy() is given none.
        cpu_cores_limit: At least `cpu_cores`.
        memory_gb_limit: At least `memory_gb`.
        blobfuse_enabled: How models reach a replica on a cluster.

    Raises:
        WebserviceException: Every broken rule, one a line.
    """

    autoscale_enabled: Optional[bool] = None
    autoscale_min_replicas: Optional[int] = None
    autoscale_max_replicas: Optional[int] = None
    autoscale_refresh_seconds: Optional[int] = None
    autoscale_target_utilization: Optional[int] = None
    collect_model_data: Optional[bool] = None
    auth_enabled: Optional[bool] = None
    cpu_cores: Optional[float] = None
    memory_gb: Optional[float] = None
    enable_app_insights: Optional[bool] = None
    scoring_timeout_ms: Optional[int] = None
    replica_max_concurrent_requests: Optional[int] = None
    max_request_wait_time: Optional[int] = None
    num_replicas: Optional[int] = None
    primary_key: Optional[str] = None
    secondary_key: Optional[str] = None
    tags: Optional[Mapping[str, Any]] = None
    properties: Optional[Mapping[str, Any]] = None
    description: Optional[str] = None
    gpu_cores: Optional[int] = None
    period_seconds: Optional[int] = None
    initial_delay_seconds: Optional[int] = None
    timeout_seconds: Optional[int] = None
    success_threshold: Optional[int] = None
    failure_threshold: Optional[int] = None
    namespace: Optional[str] = None
    token_auth_enabled: Optional[bool] = None
    compute_target_name: Optional[str] = None
    cpu_cores_limit: Optional[float] = None
    memory_gb_limit: Optional[float] = None
    blobfuse_enabled: Optional[bool] = None

    def __post_init__(self) -> None:
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Check every rule.

        Raises:
            WebserviceException: Every broken rule, one a line.
        """
        problems = [*_range_problems(self), *_scaling_problems(self), *_auth_problems(self)]
        if problems:
            raise WebserviceException("".join(f"Invalid configuration, {p}\n" for p in problems))

    def _payload(self, name: str, image_request: Json, compute_name: Optional[str]) -> Json:
        """The body of ``POST /services``."""
        payload: Json = {
            "name": name,
            "computeType": "AKS",
            "computeName": compute_name or self.compute_target_name,
            "environmentImageRequest": image_request,
            "location": None,
            "properties": _names.string_map(self.properties, "properties") or {},
            "keys": {"primaryKey": self.primary_key, "secondaryKey": self.secondary_key},
        }
        for setting, place in PLACES.items():
            value = getattr(self, setting)
            if value is not None or setting not in _OMITTED:
                _put(payload, place, value)
        payload["kvTags"] = _names.string_map(self.tags, "tags")
        if "autoScaler" in payload:
            for setting in _SCALER:
                _put(payload, PLACES[setting], getattr(self, setting))
        if "dataCollection" in payload:
            payload["dataCollection"]["eventHubEnabled"] = False
        if self.blobfuse_enabled is not None:
            payload["storageInitEnabled"] = not self.blobfuse_enabled
        return payload


UPDATABLE = (*PLACES, "properties")


def update_patch(settings: Mapping[str, Any], current: Mapping[str, Any]) -> List[Json]:
    """The JSON Patch for ``AksWebservice.update(**settings)``; None leaves a setting as it is.

    Args:
        settings: Of UPDATABLE.
        current: The limits and auth settings as they are, which the rules look at as well.

    Raises:
        TypeError: A setting that does not exist or can't be changed.
        WebserviceException: Every broken rule, one a line.
    """
    unknown = sorted(set(settings) - set(UPDATABLE))
    if unknown:
        names = {field.name for field in fields(AksServiceDeploymentConfiguration)}
        why = "can't be changed" if set(unknown) <= names else "is no setting of a service"
        raise TypeError(f"update() got {', '.join(unknown)}, which {why}")
    given = {name: value for name, value in settings.items() if value is not None}
    wanted = object.__new__(AksServiceDeploymentConfiguration)
    wanted.__dict__.update({**_NOTHING, **current, **given})
    problems = [*_range_problems(wanted), *_replica_problems(wanted), *_auth_problems(wanted)]
    if problems:
        raise WebserviceException("".join(f"Error, {problem}\n" for problem in problems))
    for name in ("tags", "properties"):
        if name in given:
            given[name] = _names.string_map(given[name], name)
    patch = [
        {"op": "replace", "path": PLACES[name], "value": value}
        for name, value in given.items()
        if name in PLACES
    ]
    return patch + [
        {"op": "add", "path": f"/properties/{_pointer(key)}", "value": value}
        for key, value in (given.get("properties") or {}).items()
    ]


_NOTHING: Dict[str, None] = {
    field.name: None for field in fields(AksServiceDeploymentConfiguration)
}


def _range_problems(wanted: AksServiceDeploymentConfiguration) -> Iterator[str]:
    for name in _POSITIVE:
        value = getattr(wanted, name)
        if value is not None and not value > 0:
            yield f"{name} must be greater than zero, not {value}."
    if wanted.gpu_cores is not None and wanted.gpu_cores < 0:
        yield f"gpu_cores must be greater than or equal to zero, not {wanted.gpu_cores}."
    pairs = (("cpu_cores", "cpu_cores_limit"), ("memory_gb", "memory_gb_limit"))
    for name, limit in pairs:
        low, high = getattr(wanted, name), getattr(wanted, limit)
        if high is not None and not high > 0:
            yield f"{limit} must be greater than zero, not {high}."
        elif low is not None and high is not None and high < low:
            yield f"{limit} ({high}) must be greater than or equal to {name} ({low})."
    if wanted.namespace is not None and not _names.NAMESPACE.fullmatch(wanted.namespace):
        yield (
            f"namespace {wanted.namespace!r} must be at most 63 lower-case letters, digits or "
            "dashes, with no dash first or last."
        )


def _replica_problems(wanted: AksServiceDeploymentConfiguration) -> Iterator[str]:
    if wanted.autoscale_enabled and wanted.num_replicas:
        yield "autoscale enabled and num_replicas provided."
    low, high = wanted.autoscale_min_replicas, wanted.autoscale_max_replicas
    if low and high and low > high:
        yield (
            f"autoscale_min_replicas ({low}) cannot be greater than "
            f"autoscale_max_replicas ({high})."
        )
    percent = wanted.autoscale_target_utilization
    if percent is not None and percent > 100:
        yield f"autoscale_target_utilization is a percentage, at most 100, not {percent}."


def _scaling_problems(wanted: AksServiceDeploymentConfiguration) -> Iterator[str]:
    yield from _replica_problems(wanted)
    if wanted.autoscale_enabled is False and not wanted.num_replicas:
        yield "autoscale disabled but num_replicas not provided."
    if not wanted.autoscale_enabled:
        for name in _SCALER:
            if getattr(wanted, name) is not None:
                yield f"{name} provided without enabling autoscaling."


def _auth_problems(wanted: AksServiceDeploymentConfiguration) -> Iterator[str]:
    if wanted.auth_enabled and wanted.token_auth_enabled:
        yield "auth_enabled and token_auth_enabled cannot both be true."


def _put(target: Json, place: str, value: Any) -> None:
    *folders, last = place.strip("/").split("/")
    for folder in folders:
        target = target.setdefault(folder, {})
    target[last] = value


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
