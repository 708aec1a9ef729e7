"""Workspace: the room that models, environments, compute targets and services live in."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, Union

from slipway import _names
from slipway._arm import resource_manager, wait_for_arm
from slipway._display import Shown
from slipway._progress import Progress
from slipway._wire import Connection, Json
from slipway.authentication import AbstractAuthentication, default_authentication
from slipway.exceptions import UserErrorException, WorkspaceException

if TYPE_CHECKING:
    from slipway.compute import ComputeTarget
    from slipway.environment import Environment
    from slipway.model import Model
    from slipway.webservice import Webservice

API_VERSION = "2022-05-01"
DEFAULT_LOCATION = "local"
_PROVIDER = "Microsoft.MachineLearningServices"
_CONFIG_PLACES = (".azureml", "aml_config", ".")


class Workspace(Shown):
    """A workspace that exists on the server.

    Args:
        subscription_id: Of the workspace.
        resource_group: Of the workspace.
        workspace_name: Its name.
        auth: A login other than that of the environment.

    Raises:
        WorkspaceException: There is no such workspace.
        AuthenticationException: There is no login, or it was refused.
    """

    def __init__(
        self,
        subscription_id: str,
        resource_group: str,
        workspace_name: str,
        auth: Optional[AbstractAuthentication] = None,
    ) -> None:
        login = auth or default_authentication()
        self._connection = Connection(login.get_token)
        self._arm_base = resource_manager()
        self._scope = (
            f"/subscriptions/{subscription_id}/resourceGroups/{resource_group}"
            f"/providers/{_PROVIDER}/workspaces/{workspace_name}"
        )
        self._details = self._fetch(workspace_name, resource_group)
        self._bases: Optional[Dict[str, str]] = None
        self._subscription_id = subscription_id
        self._resource_group = resource_group
        self._auth = login

    def _fetch(self, name: str, resource_group: str) -> Json:
        answer = self._connection.call(
            "GET",
            f"{self._arm_base}{self._scope}",
            params={"api-version": API_VERSION},
            what=f"Reading the workspace {name!r}",
            error=WorkspaceException,
            allow=(404,),
        )
        if answer.status_code == 404:
            raise WorkspaceException(
                f"Workspace not found: {name!r} in resource group {resource_group!r}. "
                "Workspace.list() shows what there is, Workspace.create() makes one.",
                "WorkspaceNotFound",
                404,
            )
        found: Json = answer.json()
        return found

    # ---- getting one

    @staticmethod
    def get(
        name: str,
        auth: Optional[AbstractAuthentication] = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
    ) -> Workspace:
        """The workspace of that name. What is not given is looked up, if it is the only one.

        Raises:
            WorkspaceException: There is none, or there are several.
        """
        subscription = subscription_id or only_subscription(auth)
        if resource_group:
            return Workspace(subscription, resource_group, name, auth)
        found = Workspace.list(subscription, auth).get(name, [])
        if len(found) == 1:
            return found[0]
        groups = ", ".join(workspace.resource_group for workspace in found)
        raise WorkspaceException(
            f"The name {name!r} is in several resource groups: {groups}. Give resource_group."
            if found
            else f"Workspace not found: {name!r} in subscription {subscription}."
        )

    @staticmethod
    def from_config(
        path: Optional[Union[str, Path]] = None, auth: Optional[AbstractAuthentication] = None
    ) -> Workspace:
        """The workspace that a config.json names.

        Args:
            path: The file, or the folder where the search begins; the default is the working
                folder. Searched are ``.azureml``, ``aml_config`` and the folder itself, then
                its parents.
            auth: A login other than that of the environment.

        Raises:
            UserErrorException: No such file, or one that names no workspace.
        """
        file = find_config(Path(path or "."))
        subscription_id, resource_group, name = read_config(file)
        return Workspace(subscription_id, resource_group, name, auth)

    @staticmethod
    def list(
        subscription_id: Optional[str] = None,
        auth: Optional[AbstractAuthentication] = None,
        resource_group: Optional[str] = None,
    ) -> Dict[str, List[Workspace]]:
        """All workspaces of a subscription or a resource group, by name."""
        subscription = subscription_id or only_subscription(auth)
        place = f"/subscriptions/{subscription}"
        if resource_group:
            place += f"/resourceGroups/{resource_group}/providers/{_PROVIDER}/workspaces"
            params = {"api-version": "2020-01-01"}
        else:
            place += "/resources"
            kind = f"resourceType eq '{_PROVIDER}/workspaces'"
            params = {"$filter": kind, "api-version": "2025-04-01"}
        body = connect(auth).json(
            "GET", resource_manager() + place, params=params, what="Listing workspaces"
        )
        found: Dict[str, List[Workspace]] = {}
        for entry in body["value"]:
            group = str(entry["id"]).split("/")[4]
            workspace = Workspace(subscription, group, entry["name"], auth)
            found.setdefault(workspace.name, []).append(workspace)
        return found

    @staticmethod
    def create(
        name: str,
        auth: Optional[AbstractAuthentication] = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        location: Optional[str] = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: Optional[Dict[str, str]] = None,
        friendly_name: Optional[str] = None,
        exist_ok: bool = False,
        show_output: bool = True,
    ) -> Workspace:
        """Make a workspace and wait for it.

        Args:
            name: 3 to 33 letters, digits, ``-`` or ``_``; the first a letter or digit.
            auth: A login other than that of the environment.
            subscription_id: Default: the only one that you have.
            resource_group: Default: the name of the workspace.
            location: A label; default ``local``.
            create_resource_group: Make the resource group when it is not there.
            sku: A label, ``basic``.
            tags: Text to text.
            friendly_name: For people.
            exist_ok: Return a workspace that is there already, instead of an error.
            show_output: Print what happens.

        Raises:
            WorkspaceException: It exists already, or the server refused.
        """
        _names.check_workspace_name(name)
        subscription = subscription_id or only_subscription(auth)
        group = resource_group or name
        try:
            existing = Workspace(subscription, group, name, auth)
        except WorkspaceException as absent:
            if absent.status != 404:
                raise
        else:
            if exist_ok:
                return existing
            raise WorkspaceException(
                f"Workspace with name '{name}' already exists under resource group with name "
                f"'{group}'. Use exist_ok=True to get it."
            )
        resource = _template(name, location, sku, tags, friendly_name)
        root = f"{resource_manager()}/subscriptions/{subscription}"
        connection = connect(auth)
        _ensure_group(connection, root, group, location, create_resource_group)
        progress = Progress(f"Workspace {name}", show_output)
        _deploy_template(connection, f"{root}/resourcegroups/{group}", resource, progress)
        return Workspace(subscription, group, name, auth)

    # ---- what it is

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._details["name"])

    @property
    def subscription_id(self) -> str:
        """Its subscription."""
        return self._subscription_id

    @property
    def resource_group(self) -> str:
        """Its resource group."""
        return self._resource_group

    @property
    def location(self) -> str:
        """Its location, a label."""
        return str(self._details["location"])

    @property
    def tags(self) -> Dict[str, str]:
        """Its tags."""
        return dict(self._details.get("tags") or {})

    @property
    def sku(self) -> Optional[str]:
        """Its SKU name, a label."""
        return (self._details.get("sku") or {}).get("name")

    @property
    def discovery_url(self) -> str:
        """Where its services are looked up."""
        return str(self._details["properties"]["discoveryUrl"])

    def get_details(self) -> Json:
        """What the server knows of it, freshly read, as one flat dictionary."""
        details = dict(self._fetch(self.name, self.resource_group))
        return {**details.pop("properties", {}), **details}

    # ---- what is in it

    @property
    def models(self) -> Dict[str, Model]:
        """The newest version of each model, by name."""
        from slipway.model import Model  # noqa: PLC0415  (model needs workspace)

        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def webservices(self) -> Dict[str, Webservice]:
        """The services, by name."""
        from slipway.webservice import Webservice  # noqa: PLC0415  (webservice needs workspace)

        return {service.name: service for service in Webservice.list(self)}

    @property
    def compute_targets(self) -> Dict[str, ComputeTarget]:
        """The compute targets, by name."""
        from slipway.compute import ComputeTarget  # noqa: PLC0415  (compute needs workspace)

        return {target.name: target for target in ComputeTarget.list(self)}

    @property
    def environments(self) -> Dict[str, Environment]:
        """The newest version of each environment, by name."""
        from slipway.environment import Environment  # noqa: PLC0415  (environment needs workspace)

        return Environment.list(self)

    # ---- what to do with it

    def write_config(
        self, path: Optional[Union[str, Path]] = None, file_name: Optional[str] = None
    ) -> None:
        """Write ``<path>/.azureml/config.json``, from which from_config reads.

        Raises:
            UserErrorException: The folder `path` does not exist.
        """
        folder = Path(path or ".")
        if not folder.is_dir():
            raise UserErrorException(f"The folder {str(folder)!r} does not exist.")
        place = folder / ".azureml"
        place.mkdir(exist_ok=True)
        config = {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace_name": self.name,
        }
        (place / (file_name or "config.json")).write_text(json.dumps(config, indent=4) + "\n")

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Delete it with everything in it.

        Args:
            delete_dependent_resources: Accepted; there are none.
            no_wait: Return at once.

        Raises:
            WorkspaceException: The server refused, for instance because services still run.
        """
        answer = self._connection.call(
            "DELETE",
            f"{self._arm_base}{self._scope}",
            params={"api-version": "2020-01-01"},
            what=f"Deleting the workspace {self.name!r}",
            error=WorkspaceException,
        )
        if not no_wait:
            progress = Progress(f"Deleting workspace {self.name}", show=False)
            wait_for_arm(self._connection, answer, progress, WorkspaceException)

    def _summary(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "location": self.location,
        }

    # ---- addresses, for the other modules of this package

    def _service_url(self, service: str, prefix: str, path: str) -> str:
        """Address below the service's base of the discovery map, in this workspace."""
        if self._bases is None:
            self._bases = self._connection.send("GET", self.discovery_url).json()
        return f"{self._bases[service]}{prefix}{self._scope}{path}"

    def _management(self, path: str) -> str:
        return self._service_url("modelmanagement", "/modelmanagement/v1.0", path)

    def _artifacts(self, path: str) -> str:
        return self._service_url("history", "/artifact/v2.0", f"/artifacts{path}")

    def _arm(self, path: str) -> str:
        return f"{self._arm_base}{self._scope}{path}"


def connect(auth: Optional[AbstractAuthentication]) -> Connection:
    """A connection outside of any workspace."""
    return Connection((auth or default_authentication()).get_token)


def only_subscription(auth: Optional[AbstractAuthentication]) -> str:
    """The id of the subscription, when there is just one."""
    body = connect(auth).json(
        "GET",
        f"{resource_manager()}/subscriptions",
        params={"api-version": "2022-12-01"},
        what="Listing subscriptions",
    )
    found = [str(entry["subscriptionId"]) for entry in body["value"]]
    if len(found) != 1:
        raise UserErrorException(f"Give subscription_id; there are {len(found)}: {found}.")
    return found[0]


def find_config(start: Path) -> Path:
    """The config.json that a search from `start` upwards meets first."""
    if start.is_file():
        return start
    here = start.resolve()
    for folder in (here, *here.parents):
        for place in _CONFIG_PLACES:
            if (folder / place / "config.json").is_file():
                return folder / place / "config.json"
    raise UserErrorException(
        f"No config.json was found in {here}, its .azureml or aml_config folder, or any parent. "
        "ws.write_config() writes one; Workspace.get(name) needs none."
    )


def read_config(file: Path) -> Tuple[str, str, str]:
    """Subscription, resource group and name, from either documented form."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        if config.get("Scope"):
            parts = str(config["Scope"]).strip("/").split("/")
            return parts[1], parts[3], parts[7]
        return config["subscription_id"], config["resource_group"], config["workspace_name"]
    except (ValueError, KeyError, IndexError, AttributeError) as problem:
        raise UserErrorException(
            f"{file} names no workspace: it needs subscription_id, resource_group and "
            f"workspace_name. ({type(problem).__name__}: {problem})"
        ) from problem


def _template(
    name: str,
    location: Optional[str],
    sku: str,
    tags: Optional[Dict[str, str]],
    friendly_name: Optional[str],
) -> Json:
    return {
        "type": f"{_PROVIDER}/workspaces",
        "name": name,
        "location": location or DEFAULT_LOCATION,
        "tags": _names.string_map(tags, "tags") or {},
        "sku": {"tier": sku, "name": sku},
        "properties": {"friendlyName": friendly_name or name},
    }


def _ensure_group(
    connection: Connection, root: str, group: str, location: Optional[str], create: bool
) -> None:
    url, params = f"{root}/resourcegroups/{group}", {"api-version": "2025-04-01"}
    what = f"Reading the resource group {group!r}"
    answer = connection.call("GET", url, params=params, what=what, allow=(404,))
    if answer.status_code != 404:
        return
    if not create:
        raise WorkspaceException(
            f"The resource group {group!r} does not exist. Use create_resource_group=True."
        )
    body = {"location": location or DEFAULT_LOCATION, "tags": {"creationSource": "slipway-sdk"}}
    what = f"Making the resource group {group!r}"
    connection.call("PUT", url, params=params, json=body, what=what, error=WorkspaceException)


def _deploy_template(
    connection: Connection, group_url: str, resource: Json, progress: Progress
) -> None:
    deployment = f"{_PROVIDER}_{secrets.token_hex(4)}"
    answer = connection.call(
        "PUT",
        f"{group_url}/providers/Microsoft.Resources/deployments/{deployment}",
        params={"api-version": "2019-10-01"},
        json={"properties": {"mode": "incremental", "template": {"resources": [resource]}}},
        what=f"Making the workspace {resource['name']!r}",
        error=WorkspaceException,
    )
    wait_for_arm(connection, answer, progress, WorkspaceException)
