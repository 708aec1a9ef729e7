"""Compute configurations: bodies and rules."""

from types import SimpleNamespace

import pytest

from azureml.core.compute import AksCompute, ComputeTarget
from slipway._names import check_compute_name
from slipway.exceptions import UserErrorException

CLUSTER = (
    "/subscriptions/s/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/c"
)
WORKSPACE = SimpleNamespace(subscription_id="s", location="local")


def test_defaults_have_no_inner_properties():
    body = AksCompute.provisioning_configuration()._body("local")
    assert body == {"location": "local", "properties": {"computeType": "AKS"}}


def test_create_body(tmp_path):
    (tmp_path / "c").write_text("CERT")
    (tmp_path / "k").write_text("KEY")
    config = AksCompute.provisioning_configuration(
        agent_count=2,
        vm_size="Standard_D2_v2",
        location="here",
        cluster_purpose=AksCompute.ClusterPurpose.DEV_TEST,
        ssl_cname="www.example",
        ssl_cert_pem_file=tmp_path / "c",
        ssl_key_pem_file=tmp_path / "k",
    )
    assert config._body("local")["properties"] == {
        "computeType": "AKS",
        "computeLocation": "here",
        "properties": {
            "agentCount": 2,
            "agentVmSize": "Standard_D2_v2",
            "clusterPurpose": "DevTest",
            "sslConfiguration": {
                "status": "Enabled",
                "cname": "www.example",
                "cert": "CERT",
                "key": "KEY",
            },
        },
    }


def test_a_leaf_domain():
    config = AksCompute.provisioning_configuration()
    config.enable_ssl(leaf_domain_label="me")
    assert config._body("local")["properties"]["properties"]["sslConfiguration"] == {
        "status": "Auto",
        "leafDomainLabel": "me",
        "overwriteExistingDomain": False,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_count": 0}, "agent_count must be greater than zero"),
        ({"cluster_purpose": "Fast"}, "cluster_purpose is one of FastProd, DevTest"),
        ({"vnet_name": "v"}, "missing: vnet_resourcegroup_name, subnet_name"),
        ({"ssl_cname": "x"}, "belong together"),
        (
            {"ssl_cname": "x", "ssl_cert_pem_file": "no", "ssl_key_pem_file": "no"},
            "'no' can't be read",
        ),
    ],
)
def test_provisioning_rules(options, message):
    with pytest.raises(UserErrorException, match=message):
        AksCompute.provisioning_configuration(**options)


@pytest.mark.parametrize(
    "options", [{"resource_group": "rg", "cluster_name": "c"}, {"resource_id": CLUSTER}]
)
def test_attach_body(options):
    body = AksCompute.attach_configuration(**options)._body(WORKSPACE)
    assert body["properties"] == {
        "computeType": "AKS",
        "resourceId": CLUSTER,
        "properties": {"loadBalancerType": "PublicIp", "loadBalancerSubnet": None},
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Give either"),
        ({"resource_group": "rg"}, "Give either"),
        ({"resource_group": "rg", "cluster_name": "c", "resource_id": CLUSTER}, "Give either"),
        ({"resource_id": "/subscriptions/x"}, "must have the form"),
        ({"resource_id": CLUSTER, "load_balancer_type": "x"}, "PublicIp or InternalLoadBalancer"),
        ({"resource_id": CLUSTER, "load_balancer_subnet": "x"}, "needs load_balancer_type"),
    ],
)
def test_attach_rules(options, message):
    with pytest.raises(UserErrorException, match=message):
        AksCompute.attach_configuration(**options)


@pytest.mark.parametrize("name", ["ab", "1abc", "abc-", "a" * 25, "local", "a_b"])
def test_names(name):
    with pytest.raises(UserErrorException, match="is invalid"):
        check_compute_name(name)


def test_the_answer_chooses_the_class():
    body = {
        "id": "/x",
        "name": "myaks",
        "location": "local",
        "tags": None,
        "properties": {
            "computeType": "AKS",
            "provisioningState": "Creating",
            "provisioningErrors": None,
            "createdOn": "2020-01-01T00:00:00.1234567Z",
            "properties": None,
        },
    }
    target = ComputeTarget.deserialize(WORKSPACE, body)
    assert isinstance(target, AksCompute)
    assert target.created_on.microsecond == 123456
    assert "<td style='text-align:left'>myaks</td>" in target._repr_html_()
    body["properties"]["computeType"] = "Other"
    assert type(ComputeTarget.deserialize(WORKSPACE, body)) is ComputeTarget
