"""Compute targets: where services run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Type, Union
from urllib.parse import quote

from slipway import _names
from slipway._arm import FINAL, follow
from slipway._display import Shown
from slipway._polling import wait_until
from slipway._progress import Progress
from slipway._wire import Json, error_text
from slipway.exceptions import ComputeTargetException, UserErrorException

if TYPE_CHECKING:
    from slipway.workspace import Workspace

API_VERSION = {"api-version": "2020-02-02"}
_RESOURCE_ID = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/Microsoft\.ContainerService"
    r"/managedClusters/[^/]+",
    re.IGNORECASE,
)


class ComputeTarget(Shown):
    """A compute target of a workspace. The constructor looks one up and gives its own class.

    Args:
        workspace: Where to look.
        name: Its name.

    Raises:
        ComputeTargetException: There is none (``ComputeTargetNotFound``).

    Attributes:
        name, id, type, tags, location, cluster_location, description, cluster_resource_id,
        created_on, modified_on: As the server has them.
        provisioning_state: Creating, Updating, Deleting, Succeeded or Failed, as last seen.
        provisioning_errors: Why it failed.
    """

    def __new__(cls, workspace: Workspace, name: str) -> ComputeTarget:
        return ComputeTarget.deserialize(workspace, _read(workspace, name))

    def __init__(self, workspace: Workspace, name: str) -> None:
        pass  # __new__ has filled it in

    def _take(self, workspace: Workspace, body: Json) -> None:
        properties = body["properties"]
        self.workspace = workspace
        self._body = body
        self.name: str = body["name"]
        self.id: str = body["id"]
        self.type: str = properties["computeType"]
        self.tags: Dict[str, str] = dict(body.get("tags") or {})
        self.location: str = body["location"]
        self.cluster_location: Optional[str] = properties.get("computeLocation")
        self.description: Optional[str] = properties.get("description")
        self.cluster_resource_id: Optional[str] = properties.get("resourceId")
        self.created_on = _names.parse_time(properties.get("createdOn"))
        self.modified_on = _names.parse_time(properties.get("modifiedOn"))
        self.provisioning_state: str = properties["provisioningState"]
        self.provisioning_errors: List[Json] = properties.get("provisioningErrors") or []

    @staticmethod
    def deserialize(workspace: Workspace, object_dict: Json) -> ComputeTarget:
        """A compute target from the JSON that the server sends."""
        kind = _KINDS.get(str(object_dict["properties"]["computeType"]).upper(), ComputeTarget)
        made: ComputeTarget = object.__new__(kind)
        made._operation = None
        made._take(workspace, object_dict)
        return made

    _operation: Optional[str]

    # ---- making

    @staticmethod
    def create(
        workspace: Workspace,
        name: str,
        provisioning_configuration: AksProvisioningConfiguration,
    ) -> ComputeTarget:
        """Make a compute target. Returns at once; wait with wait_for_completion().

        Args:
            workspace: Where.
            name: 3 to 24 letters, digits, dashes; unique in the workspace.
            provisioning_configuration: From AksCompute.provisioning_configuration().

        Raises:
            ComputeTargetException: The name is taken, or the server refused.
            UserErrorException: A rule is broken.
        """
        return _put(workspace, name, provisioning_configuration._body(workspace.location))

    @staticmethod
    def attach(
        workspace: Workspace, name: str, attach_configuration: AksAttachConfiguration
    ) -> ComputeTarget:
        """Attach a cluster that exists. Returns at once; wait with wait_for_completion().

        Raises:
            ComputeTargetException: It is attached already, or the server refused.
        """
        return _put(workspace, name, attach_configuration._body(workspace))

    @staticmethod
    def list(workspace: Workspace) -> List[ComputeTarget]:
        """All compute targets of the workspace."""
        found: List[ComputeTarget] = []
        url: Optional[str] = _read_url(workspace, "")
        params: Dict[str, str] = API_VERSION
        while url:
            body = workspace._connection.json(
                "GET",
                url,
                params=params,
                what="Listing compute targets",
                error=ComputeTargetException,
            )
            found += [ComputeTarget.deserialize(workspace, entry) for entry in body["value"]]
            url, params = body.get("nextLink"), {}
        return found

    def wait_for_completion(
        self,
        show_output: bool = False,
        is_delete_operation: bool = False,
        timeout_seconds: Optional[float] = None,
    ) -> None:
        """Wait for the last operation on it.

        Args:
            show_output: Show what happens.
            is_delete_operation: Accepted; what was begun last is what is waited for.
            timeout_seconds: Longest time to wait; None: until the end.

        Raises:
            ComputeTargetException: It failed; the message says why.
        """
        progress = Progress(f"Compute target {self.name}", show_output)
        if self._operation:
            connection = self.workspace._connection
            follow(connection, self._operation, progress, ComputeTargetException, timeout_seconds)
        if self.provisioning_state == "Deleting":
            return
        wait_until(
            lambda: self._until_final(progress),
            timeout_s=timeout_seconds,
            what="The operation",
            error=ComputeTargetException,
        )
        if self.provisioning_state == "Failed":
            reasons = [error_text(entry)[1] for entry in self.provisioning_errors]
            raise ComputeTargetException(
                f"The compute target {self.name!r} failed: {'; '.join(reasons) or 'no reason'}"
            )

    def _until_final(self, progress: Progress) -> Iterator[Optional[float]]:
        while self.get_status() not in FINAL:
            progress.state(self.provisioning_state)
            yield None

    # ---- what it is

    def refresh_state(self) -> None:
        """Read it anew."""
        self._take(self.workspace, _read(self.workspace, self.name))

    def get_status(self) -> str:
        """Its provisioning state, freshly read."""
        self.refresh_state()
        return self.provisioning_state

    def serialize(self) -> Json:
        """Everything about it, as the server has it."""
        return self._body

    # ---- ending

    def delete(self) -> None:
        """Delete it, and the cluster if it was made here.

        Raises:
            ComputeTargetException: Services still use it.
        """
        self._remove("delete")

    def detach(self) -> None:
        """Forget it; an attached cluster goes on.

        Raises:
            ComputeTargetException: Services still use it.
        """
        self._remove("detach")

    def _remove(self, action: str) -> None:
        answer = self.workspace._connection.call(
            "DELETE",
            self._url(),
            params={**API_VERSION, "underlyingResourceAction": action},
            what=f"To {action} the compute target {self.name!r}",
            error=ComputeTargetException,
        )
        self._operation = answer.headers.get("Azure-AsyncOperation")
        self.provisioning_state = "Deleting"

    def _url(self) -> str:
        return self.workspace._arm(f"/computes/{quote(self.name, safe='')}")

    def _summary(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "provisioning_state": self.provisioning_state,
        }


class AksCompute(ComputeTarget):
    """A compute target of kind AKS: slices of the server's machine, or an attached cluster.

    Attributes:
        agent_vm_size: VM size of a node.
        agent_count: Number of nodes.
        cluster_purpose: ``FastProd`` or ``DevTest``.
        cluster_fqdn, load_balancer_type, load_balancer_subnet, system_services,
        ssl_configuration: As the server has them.
    """

    class ClusterPurpose:
        """What a cluster is for.

        FAST_PROD needs 12 vCPUs in all and defaults to 3 nodes; DEV_TEST has no such rule and
        defaults to 1 node.
        """

        FAST_PROD = "FastProd"
        DEV_TEST = "DevTest"

    def _take(self, workspace: Workspace, body: Json) -> None:
        super()._take(workspace, body)
        inner = body["properties"].get("properties") or {}
        self.agent_vm_size: Optional[str] = inner.get("agentVmSize")
        self.agent_count: Optional[int] = inner.get("agentCount")
        self.cluster_purpose: Optional[str] = inner.get("clusterPurpose")
        self.cluster_fqdn: Optional[str] = inner.get("clusterFqdn")
        self.load_balancer_type: Optional[str] = inner.get("loadBalancerType")
        self.load_balancer_subnet: Optional[str] = inner.get("loadBalancerSubnet")
        self.system_services: List[Json] = inner.get("systemServices") or []
        self.ssl_configuration: Optional[Json] = inner.get("sslConfiguration")

    @staticmethod
    def provisioning_configuration(
        agent_count: Optional[int] = None,
        vm_size: Optional[str] = None,
        ssl_cname: Optional[str] = None,
        ssl_cert_pem_file: Optional[Union[str, Path]] = None,
        ssl_key_pem_file: Optional[Union[str, Path]] = None,
        location: Optional[str] = None,
        vnet_resourcegroup_name: Optional[str] = None,
        vnet_name: Optional[str] = None,
        subnet_name: Optional[str] = None,
        service_cidr: Optional[str] = None,
        dns_service_ip: Optional[str] = None,
        docker_bridge_cidr: Optional[str] = None,
        cluster_purpose: Optional[str] = None,
        load_balancer_type: Optional[str] = None,
        load_balancer_subnet: Optional[str] = None,
    ) -> AksProvisioningConfiguration:
        """What to create. AksProvisioningConfiguration describes each argument.

        Raises:
            UserErrorException: Arguments that belong together are not all given.
        """
        made = AksProvisioningConfiguration(
            agent_count,
            vm_size,
            location,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            service_cidr,
            dns_service_ip,
            docker_bridge_cidr,
            cluster_purpose,
            load_balancer_type,
            load_balancer_subnet,
        )
        if ssl_cname or ssl_cert_pem_file or ssl_key_pem_file:
            made.enable_ssl(ssl_cname, ssl_cert_pem_file, ssl_key_pem_file)
        return made

    @staticmethod
    def attach_configuration(
        resource_group: Optional[str] = None,
        cluster_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        cluster_purpose: Optional[str] = None,
        load_balancer_type: Optional[str] = None,
        load_balancer_subnet: Optional[str] = None,
    ) -> AksAttachConfiguration:
        """What to attach: either `resource_group` and `cluster_name`, or `resource_id`.

        Args:
            resource_group: Of the cluster.
            cluster_name: Of the cluster.
            resource_id: ``/subscriptions/…/managedClusters/<name>``.
            cluster_purpose: AksCompute.ClusterPurpose; default FAST_PROD.
            load_balancer_type: ``PublicIp`` (default) or ``InternalLoadBalancer``.
            load_balancer_subnet: Only with ``InternalLoadBalancer``.

        Raises:
            UserErrorException: Both, neither, or a wrong resource id.
        """
        return AksAttachConfiguration(
            resource_group,
            cluster_name,
            resource_id,
            cluster_purpose,
            load_balancer_type,
            load_balancer_subnet,
        )

    def get_credentials(self) -> Json:
        """The cluster's kubeconfigs, ``userKubeConfig`` and ``adminKubeConfig``, as JSON.

        Raises:
            ComputeTargetException: There is no cluster behind it.
        """
        return self.workspace._connection.json(
            "POST",
            f"{self._url()}/listKeys",
            params=API_VERSION,
            what=f"Reading the credentials of {self.name!r}",
            error=ComputeTargetException,
        )

    def update(self, update_configuration: AksUpdateConfiguration) -> None:
        """Change TLS or the load balancer. Returns at once; wait with wait_for_completion()."""
        body = _read(self.workspace, self.name)
        inner = dict(body["properties"].get("properties") or {})
        inner.pop("sslConfiguration", None)
        if update_configuration.ssl_configuration:
            inner["sslConfiguration"] = update_configuration.ssl_configuration._body()
        if update_configuration.load_balancer_type:
            inner["loadBalancerType"] = update_configuration.load_balancer_type
            inner["loadBalancerSubnet"] = update_configuration.load_balancer_subnet
        changed = {**body, "properties": {**body["properties"], "properties": inner}}
        made = _put(self.workspace, self.name, changed)
        self._operation = made._operation
        self._take(self.workspace, made._body)

    def _summary(self) -> Dict[str, Any]:
        return {
            **super()._summary(),
            "agent_count": self.agent_count,
            "agent_vm_size": self.agent_vm_size,
            "cluster_purpose": self.cluster_purpose,
        }


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
        names = ("vnet_resourcegroup_name", "vnet_name", "subnet_name", "service_cidr")
        return {name: getattr(self, name) for name in (*names, *_NETWORK_REST)}

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


_NETWORK_REST = ("dns_service_ip", "docker_bridge_cidr")


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


_KINDS: Dict[str, Type[ComputeTarget]] = {"AKS": AksCompute}


def _check_purpose(purpose: Optional[str]) -> None:
    known = (AksCompute.ClusterPurpose.FAST_PROD, AksCompute.ClusterPurpose.DEV_TEST)
    if purpose not in (None, *known):
        raise UserErrorException(f"cluster_purpose is one of {', '.join(known)}, not {purpose!r}.")


def _text(file: Union[str, Path]) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as problem:
        raise UserErrorException(f"The file {str(file)!r} can't be read: {problem}") from problem


def _read_url(workspace: Workspace, path: str) -> str:
    return workspace._service_url("api", "/rp/workspaces", f"/computes{path}")


def _read(workspace: Workspace, name: str) -> Json:
    answer = workspace._connection.call(
        "GET",
        _read_url(workspace, f"/{quote(name, safe='')}"),
        params=API_VERSION,
        what=f"Reading the compute target {name!r}",
        error=ComputeTargetException,
        allow=(404,),
    )
    if answer.status_code == 404:
        raise ComputeTargetException(
            f"ComputeTargetNotFound: Compute Target with name {name} not found in provided "
            "workspace",
            "ComputeTargetNotFound",
            404,
        )
    body: Json = answer.json()
    return body


def _put(workspace: Workspace, name: str, body: Json) -> ComputeTarget:
    _names.check_compute_name(name)
    answer = workspace._connection.call(
        "PUT",
        workspace._arm(f"/computes/{quote(name, safe='')}"),
        params=API_VERSION,
        json=body,
        what=f"Creating or changing the compute target {name!r}",
        error=ComputeTargetException,
    )
    target = ComputeTarget(workspace, name)
    target._operation = answer.headers.get("Azure-AsyncOperation")
    return target
