"""Settings of a service: the rules, the create body, the patch."""

import pytest

from azureml.core.webservice import AksWebservice
from slipway._aks_configuration import update_patch
from slipway.exceptions import WebserviceException

NO_PROBE = dict.fromkeys(
    (
        "initialDelaySeconds",
        "periodSeconds",
        "failureThreshold",
        "successThreshold",
        "timeoutSeconds",
    )
)
NO_LIMITS = dict.fromkeys(("cpu", "cpuLimit", "memoryInGB", "memoryInGBLimit", "gpu"))

BASE = {
    "name": "svc",
    "description": None,
    "kvTags": None,
    "properties": {},
    "keys": {"primaryKey": None, "secondaryKey": None},
    "computeType": "AKS",
    "computeName": "myaks",
    "environmentImageRequest": {"modelIds": ["m:1"]},
    "location": None,
    "numReplicas": None,
    "containerResourceRequirements": NO_LIMITS,
    "maxConcurrentRequestsPerContainer": None,
    "maxQueueWaitMs": None,
    "namespace": None,
    "scoringTimeoutMs": None,
    "livenessProbeRequirements": NO_PROBE,
}


@pytest.mark.parametrize(
    ("settings", "difference"),
    [
        ({}, {}),
        (
            {
                "cpu_cores": 1,
                "memory_gb": 1,
                "tags": {"a": "b"},
                "auth_enabled": False,
                "num_replicas": 2,
                "period_seconds": 5,
                "primary_key": "k",
            },
            {
                "containerResourceRequirements": {**NO_LIMITS, "cpu": 1, "memoryInGB": 1},
                "kvTags": {"a": "b"},
                "authEnabled": False,
                "numReplicas": 2,
                "livenessProbeRequirements": {**NO_PROBE, "periodSeconds": 5},
                "keys": {"primaryKey": "k", "secondaryKey": None},
            },
        ),
        (
            {
                "gpu_cores": 0,
                "autoscale_enabled": True,
                "autoscale_max_replicas": 3,
                "collect_model_data": True,
                "enable_app_insights": True,
                "token_auth_enabled": True,
                "auth_enabled": False,
                "blobfuse_enabled": False,
                "properties": {"p": 1},
                "namespace": "n",
                "cpu_cores": 1,
                "cpu_cores_limit": 2,
            },
            {
                "autoScaler": {
                    "autoscaleEnabled": True,
                    "minReplicas": None,
                    "maxReplicas": 3,
                    "targetUtilization": None,
                    "refreshPeriodInSeconds": None,
                },
                "dataCollection": {"storageEnabled": True, "eventHubEnabled": False},
                "appInsightsEnabled": True,
                "aadAuthEnabled": True,
                "authEnabled": False,
                "storageInitEnabled": True,
                "properties": {"p": "1"},
                "namespace": "n",
                "containerResourceRequirements": {
                    **NO_LIMITS,
                    "cpu": 1,
                    "cpuLimit": 2,
                    "gpu": 0,
                },
            },
        ),
    ],
    ids=["defaults", "usual", "everything"],
)
def test_create_body(settings, difference):
    config = AksWebservice.deploy_configuration(**settings)
    assert config._payload("svc", {"modelIds": ["m:1"]}, "myaks") == {**BASE, **difference}


def test_the_configuration_names_the_target_when_deploy_does_not():
    config = AksWebservice.deploy_configuration(compute_target_name="other")
    assert config._payload("svc", {}, None)["computeName"] == "other"
    assert config._payload("svc", {}, "myaks")["computeName"] == "myaks"


ABOVE_ZERO = [
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
    "cpu_cores_limit",
    "memory_gb_limit",
]


@pytest.mark.parametrize("name", ABOVE_ZERO)
@pytest.mark.parametrize("value", [0, -1])
def test_numbers_are_above_zero(name, value):
    with pytest.raises(WebserviceException, match=f"{name} must be greater than zero"):
        AksWebservice.deploy_configuration(**{name: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpu_cores": -1}, "gpu_cores must be greater than or equal to zero"),
        ({"cpu_cores": 2, "cpu_cores_limit": 1}, r"cpu_cores_limit \(1\) must be greater than or"),
        ({"memory_gb": 2, "memory_gb_limit": 1}, r"memory_gb_limit \(1\) must be"),
        ({"namespace": "-a"}, "namespace '-a' must be at most 63"),
        ({"namespace": "a" * 64}, "at most 63"),
        ({"autoscale_enabled": True, "num_replicas": 1}, "autoscale enabled and num_replicas"),
        ({"autoscale_enabled": False}, "autoscale disabled but num_replicas not provided"),
        ({"autoscale_min_replicas": 2}, "autoscale_min_replicas provided without enabling"),
        (
            {"autoscale_enabled": True, "autoscale_min_replicas": 3, "autoscale_max_replicas": 2},
            r"autoscale_min_replicas \(3\) cannot be greater than autoscale_max_replicas \(2\)",
        ),
        (
            {"autoscale_enabled": True, "autoscale_target_utilization": 101},
            "autoscale_target_utilization is a percentage",
        ),
        ({"auth_enabled": True, "token_auth_enabled": True}, "cannot both be true"),
        ({"tags": ["a"]}, None),
    ],
)
def test_rules(settings, message):
    if message is None:
        config = AksWebservice.deploy_configuration(**settings)
        with pytest.raises(Exception, match="tags must be a dictionary"):
            config._payload("svc", {}, None)
        return
    with pytest.raises(WebserviceException, match=message):
        AksWebservice.deploy_configuration(**settings)


def test_all_broken_rules_are_told_at_once():
    with pytest.raises(WebserviceException) as caught:
        AksWebservice.deploy_configuration(cpu_cores=0, gpu_cores=-1, autoscale_enabled=False)
    assert caught.value.message.count("Invalid configuration, ") == 3


@pytest.mark.parametrize(
    ("settings", "patch"),
    [
        ({"cpu_cores": 1.5}, [("replace", "/containerResourceRequirements/cpu", 1.5)]),
        ({"auth_enabled": False}, [("replace", "/authEnabled", False)]),
        ({"tags": {"a": 1}}, [("replace", "/kvTags", {"a": "1"})]),
        ({"properties": {"a/b": "c"}}, [("add", "/properties/a~1b", "c")]),
        ({"description": None}, []),
        (
            {"autoscale_max_replicas": 4, "period_seconds": 3},
            [
                ("replace", "/autoScaler/maxReplicas", 4),
                ("replace", "/livenessProbeRequirements/periodSeconds", 3),
            ],
        ),
    ],
)
def test_update_patch(settings, patch):
    made = [(entry["op"], entry["path"], entry["value"]) for entry in update_patch(settings, {})]
    assert made == patch


@pytest.mark.parametrize(
    ("settings", "current", "error", "message"),
    [
        ({"cpu_cores": 3}, {"cpu_cores_limit": 2}, WebserviceException, "Error, cpu_cores_limit"),
        ({"token_auth_enabled": True}, {"auth_enabled": True}, WebserviceException, "both"),
        ({"memory_gb": -1}, {}, WebserviceException, "Error, memory_gb must be"),
        ({"primary_key": "k"}, {}, TypeError, "primary_key, which can't be changed"),
        ({"cpu_coers": 1}, {}, TypeError, "cpu_coers, which is no setting"),
    ],
)
def test_update_rules(settings, current, error, message):
    with pytest.raises(error, match=message):
        update_patch(settings, current)


def test_token_replaces_key_when_both_are_said():
    settings = {"token_auth_enabled": True, "auth_enabled": False}
    assert len(update_patch(settings, {"auth_enabled": True})) == 2
