"""Compute targets: where services run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Type, Union
from urllib.parse import quote

from slipway import _names
from slipway._aks_cluster import (
    DEV_TEST,
    FAST_PROD,
    AksAttachConfiguration,
    AksProvisioningConfiguration,
    AksUpdateConfiguration,
)
from slipway._arm import FINAL, follow
from slipway._display import Shown
from slipway._polling import wait_until
from slipway._progress import Progress
from slipway._wire import Json, error_text
from slipway.exceptions import ComputeTargetException

if TYPE_CHECKING:
    from slipway.workspace import Workspace

API_VERSION = {"api-version": "2020-02-02"}


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

        FAST_PROD = FAST_PROD
        DEV_TEST = DEV_TEST

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


_KINDS: Dict[str, Type[ComputeTarget]] = {"AKS": AksCompute}


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
