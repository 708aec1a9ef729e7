"""Web services: models behind HTTPS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, Type, Union
from urllib.parse import quote

import requests

from slipway import _names
from slipway._aks_configuration import AksServiceDeploymentConfiguration, update_patch
from slipway._display import Shown
from slipway._polling import wait_until
from slipway._progress import Progress
from slipway._wire import Json, error_of, retry_after
from slipway.exceptions import UserErrorException, WebserviceException

if TYPE_CHECKING:
    from slipway.inference import InferenceConfig
    from slipway.model import Model
    from slipway.workspace import Workspace

FINAL = ("Succeeded", "Failed", "Cancelled", "TimedOut")
KEYS = {"primary": "Primary", "secondary": "Secondary"}


class Webservice(Shown):
    """A deployed service. The constructor looks one up and gives its own class.

    Args:
        workspace: Where to look.
        name: Its name.

    Raises:
        WebserviceException: There is none (``WebserviceNotFound``).

    Attributes:
        name, description, tags, properties, compute_type, created_time, updated_time, created_by,
        error, image_id: As the server has them.
        state: Transitioning, Healthy, Unhealthy, Unschedulable, Failed or Deleting, as last seen.
        scoring_uri: Where to POST data; None until it is known.
        swagger_uri: Its description.
    """

    def __new__(cls, workspace: Workspace, name: str) -> Webservice:
        return Webservice.deserialize(workspace, _read(workspace, name))

    def __init__(self, workspace: Workspace, name: str) -> None:
        pass  # __new__ has filled it in

    def _take(self, workspace: Workspace, body: Json) -> None:
        self.workspace = workspace
        self._body = body
        self.name: str = body["name"]
        self.description: Optional[str] = body.get("description")
        self.tags: Dict[str, str] = dict(body.get("kvTags") or {})
        self.properties: Dict[str, str] = dict(body.get("properties") or {})
        self.compute_type: str = body["computeType"]
        self.state: Optional[str] = body.get("state")
        self.error: Optional[Json] = body.get("error")
        self.created_time = _names.parse_time(body.get("createdTime"))
        self.updated_time = _names.parse_time(body.get("updatedTime"))
        self.created_by: Optional[Json] = body.get("createdBy")
        self.image_id: Optional[str] = body.get("imageId")
        self.scoring_uri: Optional[str] = body.get("scoringUri")
        self.swagger_uri: Optional[str] = None
        if self.scoring_uri:
            self.swagger_uri = self.scoring_uri.rsplit("/", 1)[0] + "/swagger.json"
        self._operation_id: Optional[str] = body.get("operationId")

    @staticmethod
    def deserialize(workspace: Workspace, webservice_payload: Json) -> Webservice:
        """A service from the JSON that the server sends."""
        kind = _KINDS.get(str(webservice_payload["computeType"]).upper(), Webservice)
        made: Webservice = object.__new__(kind)
        made._take(workspace, webservice_payload)
        return made

    @staticmethod
    def list(
        workspace: Workspace,
        compute_type: Optional[str] = None,
        image_name: Optional[str] = None,
        image_id: Optional[str] = None,
        model_name: Optional[str] = None,
        model_id: Optional[str] = None,
        tags: Optional[Sequence[Union[str, Sequence[str]]]] = None,
        properties: Optional[Sequence[Union[str, Sequence[str]]]] = None,
    ) -> List[Webservice]:
        """The services that fit.

        Args:
            workspace: Where to look.
            compute_type: ``AKS``.
            image_name: With that image.
            image_id: With that image.
            model_name: With a version of that model.
            model_id: With that model, ``name:version``.
            tags: With these tags: ``"key"`` or ``["key", "value"]`` each.
            properties: With these properties.
        """
        from slipway.model import filter_text  # noqa: PLC0415  (model needs this module)

        wanted = {
            "expand": "true",
            "computeType": compute_type and compute_type.upper(),
            "imageName": image_name,
            "imageId": image_id,
            "modelName": model_name,
            "modelId": model_id,
            "tags": filter_text(tags),
            "properties": filter_text(properties),
        }
        params = {key: value for key, value in wanted.items() if value}
        url: Optional[str] = workspace._management("/services")
        found: List[Webservice] = []
        while url:
            body = workspace._connection.json(
                "GET", url, params=params, what="Listing services", error=WebserviceException
            )
            found += [Webservice.deserialize(workspace, entry) for entry in body["value"]]
            url, params = body.get("nextLink"), {}
        return found

    # ---- waiting

    def wait_for_deployment(
        self, show_output: bool = False, timeout_sec: Optional[float] = None
    ) -> None:
        """Wait for the last operation on the service: deployment or update.

        Args:
            show_output: Show the operation's log while it runs.
            timeout_sec: Longest time to wait, in seconds; None: until the end.

        Raises:
            WebserviceException: It failed; the message says why and how to see the log.
        """
        if self._operation_id:
            progress = Progress(f"Service {self.name}", show_output)
            operation = follow(self.workspace, self._operation_id, progress, timeout_sec)
            if operation["state"] != "Succeeded":
                self.update_deployment_state()
                raise _unsuccessful(operation, "Service deployment", self.state)
        self.update_deployment_state()

    def update_deployment_state(self) -> None:
        """Read the service anew; the attributes change."""
        self._take(self.workspace, _read(self.workspace, self.name))

    # ---- use

    def run(self, input_data: Any) -> Any:
        """Score, and give the answer as Python values.

        Args:
            input_data: Text or bytes that are sent as they are.

        Raises:
            WebserviceException: The service is not ready or answered with an error.
        """
        if not self.scoring_uri:
            raise WebserviceException(
                f"The service {self.name!r} has no scoring address (state {self.state}). "
                "Use wait_for_deployment() first."
            )
        sender = self.workspace._connection
        headers = {"Content-Type": "application/json", **self._credential()}
        answer = sender.send("POST", self.scoring_uri, data=input_data, headers=headers)
        if answer.status_code == 401:  # the keys may have changed since they were read
            self._forget_credential()
            headers.update(self._credential())
            answer = sender.send("POST", self.scoring_uri, data=input_data, headers=headers)
        if not answer.ok:
            code, message = error_of(answer)
            raise WebserviceException(
                f"Received bad response from service, HTTP {answer.status_code}: {message}\n"
                "More information can be found by calling `.get_logs()`.",
                code,
                answer.status_code,
            )
        return answer.json()

    def _credential(self) -> Dict[str, str]:
        return {}

    def _forget_credential(self) -> None:
        pass

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        """The log of the service's replicas.

        Args:
            num_lines: The last lines, at most.
            init: Of the start of the replica.
        """
        params = {"tail": str(num_lines), "init": str(init)}
        return str(self._action("GET", "/logs", "Reading the log of", params=params)["content"])

    def get_keys(self) -> Tuple[str, str]:
        """The primary and the secondary key; each is valid.

        Raises:
            WebserviceException: The service has no key authentication.
        """
        keys = self._action("POST", "/listkeys", "Reading the keys of")
        return keys["primaryKey"], keys["secondaryKey"]

    def regen_key(self, key: str, set_key: Optional[str] = None) -> None:
        """Replace a key, and wait until the new one holds.

        Args:
            key: ``Primary`` or ``Secondary``.
            set_key: The new key; default: the server makes one.

        Raises:
            WebserviceException: `key` is something else, or the server refused.
        """
        if key.lower() not in KEYS:
            raise WebserviceException(f"key must be 'Primary' or 'Secondary', not {key!r}.")
        answer = self.workspace._connection.call(
            "POST",
            self._url("/regenerateKeys"),
            json={"keyType": KEYS[key.lower()], "keyValue": set_key},
            what=f"Replacing a key of the service {self.name!r}",
            error=WebserviceException,
        )
        self._finish(answer, "Key regeneration")
        self._forget_credential()

    def delete(self) -> None:
        """Delete the service, and wait until it is gone. One that is gone already is no error.

        Raises:
            WebserviceException: The server refused or failed.
        """
        answer = self.workspace._connection.call(
            "DELETE",
            self._url(),
            what=f"Deleting the service {self.name!r}",
            error=WebserviceException,
            allow=(404,),
        )
        self._finish(answer, "Service deletion")
        self.state = "Deleting"

    def _finish(self, answer: requests.Response, what: str) -> None:
        operation_name = operation_id(answer)
        if operation_name:
            progress = Progress(what, show=False)
            operation = follow(self.workspace, operation_name, progress, None)
            if operation["state"] != "Succeeded":
                raise _unsuccessful(operation, what, self.state)

    def _url(self, path: str = "") -> str:
        return self.workspace._management(f"/services/{quote(self.name, safe='')}{path}")

    def _action(self, method: str, path: str, what: str, **arguments: Any) -> Json:
        return self.workspace._connection.json(
            method,
            self._url(path),
            what=f"{what} the service {self.name!r}",
            error=WebserviceException,
            **arguments,
        )

    def serialize(self) -> Json:
        """Everything about it, as the server has it."""
        return self._body

    def _summary(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "compute_type": self.compute_type,
            "scoring_uri": self.scoring_uri,
        }


class AksWebservice(Webservice):
    """A service on a compute target of kind AKS.

    ``AksWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)`` makes the configuration for
    Model.deploy(); AksServiceDeploymentConfiguration describes every setting.

    Attributes:
        compute_name, namespace, models, num_replicas, auth_enabled, token_auth_enabled,
        enable_app_insights, scoring_timeout_ms, max_request_wait_time,
        max_concurrent_requests_per_container: As the server has them.
        autoscaler, container_resource_requirements, data_collection,
        liveness_probe_requirements, deployment_status: Dictionaries as the server has them.
        environment: The environment as it was deployed, as a dictionary.
    """

    deploy_configuration = AksServiceDeploymentConfiguration

    def _take(self, workspace: Workspace, body: Json) -> None:
        super()._take(workspace, body)
        self.compute_name: Optional[str] = body.get("computeName")
        self.namespace: Optional[str] = body.get("namespace")
        self.num_replicas: Optional[int] = body.get("numReplicas")
        self.auth_enabled: Optional[bool] = body.get("authEnabled")
        self.token_auth_enabled: Optional[bool] = body.get("aadAuthEnabled")
        self.enable_app_insights: Optional[bool] = body.get("appInsightsEnabled")
        self.scoring_timeout_ms: Optional[int] = body.get("scoringTimeoutMs")
        self.max_request_wait_time: Optional[int] = body.get("maxQueueWaitMs")
        self.max_concurrent_requests_per_container: Optional[int] = body.get(
            "maxConcurrentRequestsPerContainer"
        )
        self.autoscaler: Json = body.get("autoScaler") or {}
        self.container_resource_requirements: Json = body.get("containerResourceRequirements") or {}
        self.data_collection: Json = body.get("dataCollection") or {}
        self.liveness_probe_requirements: Optional[Json] = body.get("livenessProbeRequirements")
        self.deployment_status: Optional[Json] = body.get("deploymentStatus")
        self.environment: Optional[Json] = (body.get("environmentImageRequest") or {}).get(
            "environment"
        )
        self._key: Optional[str] = None

    @property
    def models(self) -> List[Model]:
        """The models that it serves."""
        from slipway.model import Model  # noqa: PLC0415  (model needs this module)

        entries = self._body.get("models") or []
        return [
            Model.deserialize(self.workspace, {**entry, "kvTags": entry.get("tags")})
            for entry in entries
        ]

    def update(
        self,
        image: None = None,
        models: Optional[Sequence[Model]] = None,
        inference_config: Optional[InferenceConfig] = None,
        **settings: Any,
    ) -> None:
        """Change the service. Returns at once; wait with wait_for_deployment().

        Args:
            image: Not supported: environments have taken the place of images.
            models: The models to serve from now on.
            inference_config: The entry script and environment from now on.
            settings: Those of AksServiceDeploymentConfiguration, without keys and compute
                target. None leaves a setting as it is; tags are replaced, properties added.

        Raises:
            WebserviceException: Nothing is given, a rule is broken, or the server refused.
        """
        if image is not None:
            raise UserErrorException("image is not supported: use models and inference_config.")
        patch = update_patch(settings, self._current())
        if models is not None or inference_config is not None:
            request = self._image_request(models, inference_config)
            patch.insert(0, {"op": "replace", "path": "/environmentImageRequest", "value": request})
        if not patch:
            raise WebserviceException("No parameters provided to update.")
        self._patch(patch)

    def _current(self) -> Dict[str, Any]:
        limits = self.container_resource_requirements
        return {
            "cpu_cores": limits.get("cpu"),
            "cpu_cores_limit": limits.get("cpuLimit"),
            "memory_gb": limits.get("memoryInGB"),
            "memory_gb_limit": limits.get("memoryInGBLimit"),
            "auth_enabled": self.auth_enabled,
            "token_auth_enabled": self.token_auth_enabled,
            "autoscale_min_replicas": self.autoscaler.get("minReplicas"),
            "autoscale_max_replicas": self.autoscaler.get("maxReplicas"),
        }

    def _image_request(
        self, models: Optional[Sequence[Model]], inference_config: Optional[InferenceConfig]
    ) -> Json:
        from slipway._deploy import check_no_code  # noqa: PLC0415  (it needs this module)

        chosen = list(self.models if models is None else models)
        if inference_config:
            ids = [model.id for model in chosen]
            return inference_config._image_request(self.workspace, self.name, ids)
        check_no_code(chosen)
        return {"modelIds": [model.id for model in chosen]}

    def _patch(self, patch: List[Json]) -> None:
        answer = self.workspace._connection.call(
            "PATCH",
            self._url(),
            json=patch,
            headers={"Content-Type": "application/json-patch+json"},
            what=f"Updating the service {self.name!r}",
            error=WebserviceException,
        )
        self.update_deployment_state()
        self._operation_id = operation_id(answer) or self._operation_id

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Add tags, or set them anew."""
        self.update(tags={**self.tags, **tags})

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags with these keys; keys that are not there do no harm."""
        self.update(tags={key: value for key, value in self.tags.items() if key not in tags})

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties.

        Raises:
            UserErrorException: One is there already: properties don't change.
        """
        there = sorted(set(self.properties) & set(properties))
        if there:
            raise UserErrorException(f"Properties can't be changed; already set: {there}.")
        self.update(properties=properties)

    def get_access_token(self) -> AksServiceAccessToken:
        """A token for callers, with its times.

        Raises:
            WebserviceException: The service has no token authentication.
        """
        return AksServiceAccessToken(self._action("POST", "/token", "Getting a token for"))

    def get_token(self) -> Tuple[str, datetime]:
        """A token for callers, and the UTC time from which to ask for a new one."""
        token = self.get_access_token()
        return token.access_token, token.refresh_after

    def _credential(self) -> Dict[str, str]:
        if not (self.auth_enabled or self.token_auth_enabled):
            return {}
        if self._key is None:
            self._key = self.get_keys()[0] if self.auth_enabled else self.get_token()[0]
        return {"Authorization": f"Bearer {self._key}"}

    def _forget_credential(self) -> None:
        self._key = None

    def _summary(self) -> Dict[str, Any]:
        return {**super()._summary(), "compute_name": self.compute_name}


class AksServiceAccessToken(Shown):
    """A token for callers of a service. All times are UTC."""

    def __init__(self, body: Json) -> None:
        self.access_token: str = body["accessToken"]
        self.token_type: str = body["tokenType"]
        self.refresh_after = _utc(body["refreshAfter"])
        self.expiry_on = _utc(body["expiryOn"])

    def _summary(self) -> Dict[str, Any]:
        return {"refresh_after": self.refresh_after, "expiry_on": self.expiry_on}


_KINDS: Dict[str, Type[Webservice]] = {"AKS": AksWebservice}


def operation_id(answer: requests.Response) -> Optional[str]:
    """The operation that a request began; None when it is done already."""
    location = answer.headers.get("Operation-Location")
    return location.rstrip("/").rsplit("/", 1)[-1] if location else None


def follow(
    workspace: Workspace, operation: str, progress: Progress, timeout_s: Optional[float]
) -> Json:
    """Follow an operation to its end, show its log, and return it as it ended."""
    url = workspace._management(f"/operations/{operation}")
    last: Json = {}
    offset = 0

    def look() -> Iterator[Optional[float]]:
        nonlocal offset
        while True:
            answer = workspace._connection.call(
                "GET",
                url,
                params={"offset": str(offset)},
                what="Reading the operation",
                error=WebserviceException,
            )
            last.update(answer.json())
            streamed = last.pop("streamingOperationLog", None) or ""
            offset += len(streamed)
            progress.log(streamed)
            if last["state"] in FINAL:
                progress.done(last["state"])
                return
            progress.state(last["state"])
            yield retry_after(answer)

    wait_until(look, timeout_s=timeout_s, what="The operation", error=WebserviceException)
    return last


def _unsuccessful(operation: Json, what: str, state: Optional[str]) -> WebserviceException:
    error = operation.get("error") or {}
    log = operation.get("operationLog")
    where = f"here: {log}" if log else "using '.get_logs()'"
    return WebserviceException(
        f"{what} polling reached non-successful terminal state, current service state: {state}\n"
        f"Operation ID: {operation.get('id')}\n"
        f"More information can be found {where}\n"
        f"Error:\n{json.dumps(error, indent=2, ensure_ascii=False)}",
        error.get("code"),
        error.get("statusCode"),
    )


def _read(workspace: Workspace, name: str) -> Json:
    answer = workspace._connection.call(
        "GET",
        workspace._management(f"/services/{quote(name, safe='')}"),
        params={"expand": "true"},
        what=f"Reading the service {name!r}",
        error=WebserviceException,
        allow=(404,),
    )
    if answer.status_code == 404:
        raise WebserviceException(
            f"WebserviceNotFound: Webservice with name {name} not found in provided workspace",
            "WebserviceNotFound",
            404,
        )
    body: Json = answer.json()
    return body


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
