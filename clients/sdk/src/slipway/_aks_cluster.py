"""Configurations of an AKS cluster: to create, to attach, to change; and its TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional, Union

from slipway._wire import Json
from slipway.exceptions import UserErrorException

if TYPE_CHECKING:
    from slipway.workspace import Workspace

FAST_PROD = "FastProd"
DEV_TEST = "DevTest"
PURPOSES = (FAST_PROD, DEV_TEST)
_RESOURCE_ID = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/Microsoft\.ContainerService"
    r"/managedClusters/[^/]+",
    re.IGNORECASE,
)
_NETWORK = (
    "vnet_resourcegroup_name",
    "vnet_name",
    "subnet_name",
    "service_cidr",
    "dns_service_ip",
    "docker_bridge_cidr",
)


@dataclass
class SslConfiguration:
    """TLS of a cluster: an own certificate (`cname`, `cert`, `key`), or a `leaf_domain_label`.

    Args:
        status: ``Enabled``, ``Auto`` or ``Disabled``; None: by what else is given.
        cert: The certificate chain, PEM text.
        key: Its key without pass phrase, PEM text.
        cname: The name in the certificate.
        leaf_domain_label: The first part of a name that the server completes.
        overwrite_existing_domain: Take the name even if it is in use.
        renew: Renew the certificate of the leaf domain.
    """

    status: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    cname: Optional[str] = None
    leaf_domain_label: Optional[str] = None
    overwrite_existing_domain: bool = False
    renew: bool = False

    def _body(self) -> Json:
        if self.leaf_domain_label:
            return {
                "status": self.status or "Auto",
                "leafDomainLabel": self.leaf_domain_label,
                "overwriteExistingDomain": self.overwrite_existing_domain,
                **({"renew": True} if self.renew else {}),
            }
        given = {"cname": self.cname, "cert": self.cert, "key": self.key}
        return {
            "status": self.status or "Enabled",
            **{name: value for name, value in given.items() if value},
        }


@dataclass
class AksUpdateConfiguration:
    """What AksCompute.update() changes. Without `ssl_configuration` TLS stays as it is."""

    ssl_configuration: Optional[SslConfiguration] = None
    load_balancer_type: Optional[str] = None
    load_balancer_subnet: Optional[str] = None


class _Tls:
    """enable_ssl() of both configurations."""

    _ssl: Optional[SslConfiguration] = None

    def enable_ssl(
        self,
        ssl_cname: Optional[str] = None,
        ssl_cert_pem_file: Optional[Union[str, Path]] = None,
        ssl_key_pem_file: Optional[Union[str, Path]] = None,
        leaf_domain_label: Optional[str] = None,
        overwrite_existing_domain: bool = False,
    ) -> None:
        """Use TLS: with an own certificate, or with one for `leaf_domain_label`.

        Args:
            ssl_cname: The name in the certificate.
            ssl_cert_pem_file: The certificate chain: server, intermediate, root.
            ssl_key_pem_file: Its key, without pass phrase.
            leaf_domain_label: Excludes the three above.
            overwrite_existing_domain: Take the name even if it is in use.

        Raises:
            UserErrorException: Not all three, or both ways, or a file is missing.
        """
        own = (ssl_cname, ssl_cert_pem_file, ssl_key_pem_file)
        if bool(leaf_domain_label) == any(own):
            raise UserErrorException(
                "Give either leaf_domain_label, or ssl_cname with ssl_cert_pem_file and "
                "ssl_key_pem_file."
            )
        if leaf_domain_label:
            self._ssl = SslConfiguration(
                leaf_domain_label=leaf_domain_label,
                overwrite_existing_domain=overwrite_existing_domain,
            )
            return
        if not (ssl_cname and ssl_cert_pem_file and ssl_key_pem_file):
            raise UserErrorException(
                "Not all TLS information is provided: ssl_cname, ssl_cert_pem_file and "
                "ssl_key_pem_file belong together."
            )
        cert, key = _text(ssl_cert_pem_file), _text(ssl_key_pem_file)
        self._ssl = SslConfiguration(cert=cert, key=key, cname=ssl_cname)


@dataclass
class AksProvisioningConfiguration(_Tls):
    """A cluster to create.

    Args:
        agent_count: Nodes, more than 0. Default 3 for FAST_PROD, 1 for DEV_TEST.
        vm_size: VM size of a node; default ``Standard_D3_v2`` (4 vCPUs). Unless DEV_TEST,
            ``agent_count`` times its vCPUs must be 12 or more; the server checks that.
        location: Default: that of the workspace.
        vnet_resourcegroup_name, vnet_name, subnet_name, service_cidr, dns_service_ip,
            docker_bridge_cidr: A virtual network: all of them or none.
        cluster_purpose: AksCompute.ClusterPurpose; default FAST_PROD.
        load_balancer_type: ``PublicIp`` (default) or ``InternalLoadBalancer``.
        load_balancer_subnet: For the internal load balancer.
    """

    agent_count: Optional[int] = None
    vm_size: Optional[str] = None
    location: Optional[str] = None
    vnet_resourcegroup_name: Optional[str] = None
    vnet_name: Optional[str] = None
    subnet_name: Optional[str] = None
    service_cidr: Optional[str] = None
    dns_service_ip: Optional[str] = None
    docker_bridge_cidr: Optional[str] = None
    cluster_purpose: Optional[str] = None
    load_balancer_type: Optional[str] = None
    load_balancer_subnet: Optional[str] = None

    def __post_init__(self) -> None:
        if self.agent_count is not None and self.agent_count <= 0:
            raise UserErrorException(
                f"Invalid configuration, agent_count must be greater than zero, "
                f"not {self.agent_count}."
            )
        _check_purpose(self.cluster_purpose)
        network = self._network()
        if any(network.values()) and not all(network.values()):
            missing = ", ".join(name for name, value in network.items() if not value)
            raise UserErrorException(
                f"Not all virtual network information is provided; missing: {missing}."
            )

    def _network(self) -> Dict[str, Optional[str]]:
        return {name: getattr(self, name) for name in _NETWORK}

    def _body(self, workspace_location: str) -> Json:
        inner: Json = {
            "agentCount": self.agent_count,
            "agentVmSize": self.vm_size,
            "clusterPurpose": self.cluster_purpose,
            "loadBalancerType": self.load_balancer_type,
            "loadBalancerSubnet": self.load_balancer_subnet,
            "sslConfiguration": self._ssl and self._ssl._body(),
            "aksNetworkingConfiguration": self._network_body(),
        }
        inner = {key: value for key, value in inner.items() if value is not None}
        properties: Json = {"computeType": "AKS"}
        if self.location:
            properties["computeLocation"] = self.location
        if inner:
            properties["properties"] = inner
        return {"location": workspace_location, "properties": properties}

    def _network_body(self) -> Optional[Json]:
        if not self.vnet_name:
            return None
        return {
            "subnetId": f"/resourceGroups/{self.vnet_resourcegroup_name}/providers"
            f"/Microsoft.Network/virtualNetworks/{self.vnet_name}/subnets/{self.subnet_name}",
            "serviceCidr": self.service_cidr,
            "dnsServiceIP": self.dns_service_ip,
            "dockerBridgeCidr": self.docker_bridge_cidr,
        }


@dataclass
class AksAttachConfiguration(_Tls):
    """A cluster to attach; AksCompute.attach_configuration() describes the arguments."""

    resource_group: Optional[str] = None
    cluster_name: Optional[str] = None
    resource_id: Optional[str] = None
    cluster_purpose: Optional[str] = None
    load_balancer_type: Optional[str] = None
    load_balancer_subnet: Optional[str] = None

    def __post_init__(self) -> None:
        by_name = bool(self.resource_group and self.cluster_name)
        if by_name == bool(self.resource_id) or (
            self.resource_id and (self.resource_group or self.cluster_name)
        ):
            raise UserErrorException(
                "Give either resource_group and cluster_name, or resource_id of the cluster."
            )
        if self.resource_id and not _RESOURCE_ID.fullmatch(self.resource_id):
            raise UserErrorException(
                f"The resource_id {self.resource_id!r} must have the form /subscriptions/{{id}}/"
                "resourcegroups/{group}/providers/Microsoft.ContainerService/managedClusters/{name}."
            )
        _check_purpose(self.cluster_purpose)
        if self.load_balancer_type not in (None, "PublicIp", "InternalLoadBalancer"):
            raise UserErrorException(
                f"load_balancer_type is PublicIp or InternalLoadBalancer, "
                f"not {self.load_balancer_type!r}."
            )
        if self.load_balancer_subnet and self.load_balancer_type != "InternalLoadBalancer":
            raise UserErrorException(
                "load_balancer_subnet needs load_balancer_type InternalLoadBalancer."
            )

    def _body(self, workspace: Workspace) -> Json:
        resource_id = self.resource_id or (
            f"/subscriptions/{workspace.subscription_id}/resourcegroups/{self.resource_group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{self.cluster_name}"
        )
        inner: Json = {
            "loadBalancerType": self.load_balancer_type or "PublicIp",
            "loadBalancerSubnet": self.load_balancer_subnet,
        }
        if self.cluster_purpose:
            inner["clusterPurpose"] = self.cluster_purpose
        if self._ssl:
            inner["sslConfiguration"] = self._ssl._body()
        properties = {"computeType": "AKS", "resourceId": resource_id, "properties": inner}
        return {"location": workspace.location, "properties": properties}


def _check_purpose(purpose: Optional[str]) -> None:
    if purpose not in (None, *PURPOSES):
        raise UserErrorException(
            f"cluster_purpose is one of {', '.join(PURPOSES)}, not {purpose!r}."
        )


def _text(file: Union[str, Path]) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as problem:
        raise UserErrorException(f"The file {str(file)!r} can't be read: {problem}") from problem
