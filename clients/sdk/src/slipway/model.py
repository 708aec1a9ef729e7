"""Model: registered files with a name and a version, and how to deploy them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union
from urllib.parse import parse_qs, quote, urlsplit

from slipway import _artifacts, _deploy, _names
from slipway._display import Shown
from slipway._wire import Json
from slipway.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)
from slipway.inference import InferenceConfig
from slipway.resource_configuration import ResourceConfiguration

if TYPE_CHECKING:
    from slipway._aks_configuration import AksServiceDeploymentConfiguration
    from slipway.compute import ComputeTarget
    from slipway.webservice import Webservice
    from slipway.workspace import Workspace

__all__ = ["InferenceConfig", "Model", "ResourceConfiguration"]

PAGE_COUNTS = (20, 255)
_ASSET_URL = "aml://asset/"


class Model(Shown):
    """A registered model. The constructor looks one up.

    Args:
        workspace: Where to look.
        name: Take the newest version of that name, among those that fit the other arguments.
        id: ``name:version``; excludes `name`.
        tags: Only models with these: a list of ``"key"`` or ``["key", "value"]``.
        properties: The same for properties.
        version: Only that version of `name`.
        run_id: Only models of that run.
        model_framework: Only models of that framework.

    Raises:
        ModelNotFoundException: None fits.

    Attributes:
        id, name, version, tags, properties, description, created_time, url, mime_type,
        model_framework, model_framework_version, run_id, experiment_name, resource_configuration,
        sample_input_dataset, sample_output_dataset, created_by: As the server has them.
    """

    class Framework:
        """Names of frameworks; other text is accepted as well."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    def __init__(
        self,
        workspace: Workspace,
        name: Optional[str] = None,
        id: Optional[str] = None,  # noqa: A002  (the documented name)
        tags: Optional[_Filter] = None,
        properties: Optional[_Filter] = None,
        version: Optional[int] = None,
        run_id: Optional[str] = None,
        model_framework: Optional[str] = None,
    ) -> None:
        if bool(id) == bool(name):
            raise UserErrorException("Give either name or id of the model.")
        self.workspace = workspace
        wanted = id or (f"{name}:{version}" if version is not None else None)
        if wanted:
            self._take(_read(workspace, wanted))
            return
        params = _query(name, tags, properties, run_id, model_framework)
        found = next(_pages(workspace, {**params, "count": "1"}), None)
        if found is None:
            raise _not_found(f"name {name!r}")
        self._take(found)

    def _take(self, body: Json) -> None:
        self._body = body
        self.id: str = body["id"]
        self.name: str = body["name"]
        self.version: int = int(body["version"])
        self.tags: Dict[str, str] = dict(body.get("kvTags") or {})
        self.properties: Dict[str, str] = dict(body.get("properties") or {})
        self.description: Optional[str] = body.get("description")
        self.created_time = _names.parse_time(body.get("createdTime"))
        self.url: str = body["url"]
        self.mime_type: Optional[str] = body.get("mimeType")
        self.model_framework: Optional[str] = body.get("framework")
        self.model_framework_version: Optional[str] = body.get("frameworkVersion")
        self.run_id: Optional[str] = body.get("runId")
        self.experiment_name: Optional[str] = body.get("experimentName")
        self.sample_input_dataset = body.get("sampleInputData")
        self.sample_output_dataset = body.get("sampleOutputData")
        self.created_by: Optional[Dict[str, Any]] = body.get("createdBy")
        self.resource_configuration = ResourceConfiguration.deserialize(
            body.get("resourceRequirements")
        )

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: Json) -> Model:
        """A model from the JSON that the server sends."""
        made = Model.__new__(Model)
        made.workspace = workspace
        made._take(model_payload)
        return made

    # ---- registry

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: Union[str, Path],
        model_name: str,
        tags: Optional[Mapping[str, Any]] = None,
        properties: Optional[Mapping[str, Any]] = None,
        description: Optional[str] = None,
        model_framework: Optional[str] = None,
        model_framework_version: Optional[str] = None,
        sample_input_dataset: Optional[Any] = None,
        sample_output_dataset: Optional[Any] = None,
        resource_configuration: Optional[ResourceConfiguration] = None,
    ) -> Model:
        """Upload a file or folder as the next version of a model.

        Args:
            workspace: Where to register.
            model_path: A file, or a folder that is taken whole. It may be anywhere; the retired
                client insists on the working folder.
            model_name: 1 to 255 letters, digits, ``-``, ``.``, ``_``.
            tags: Text to text; can be changed later.
            properties: Text to text; can only be added to later.
            description: For people.
            model_framework: One of Model.Framework; needed for deploying without entry script.
            model_framework_version: Of the framework, such as ``1.17``.
            sample_input_dataset: Id of a dataset, or an object with an ``id``.
            sample_output_dataset: The same for the output.
            resource_configuration: For deploying without entry script.

        Raises:
            ModelPathNotFoundException: Nothing is at `model_path`.
            UserErrorException: It is empty or no regular file.
            WebserviceException: The name is wrong, or the server refused.
        """
        _names.check_model_name(model_name)
        if model_framework_version and not model_framework:
            raise WebserviceException("model_framework_version needs model_framework.")
        path = Path(model_path)
        if not path.exists():
            raise ModelPathNotFoundException(f"The model_path {str(model_path)!r} does not exist.")
        body: Json = {
            "name": model_name,
            "mimeType": "application/json",
            "unpack": False,
            "datasets": [],
            "kvTags": _names.string_map(tags, "tags"),
            "properties": _names.string_map(properties, "properties"),
            "description": description,
            "framework": model_framework,
            "frameworkVersion": model_framework_version,
            "sampleInputData": _dataset_id(sample_input_dataset),
            "sampleOutputData": _dataset_id(sample_output_dataset),
            "resourceRequirements": resource_configuration and resource_configuration.serialize(),
        }
        body["url"] = _upload_asset(workspace, model_name, path)
        given = {key: value for key, value in body.items() if value is not None}
        what = f"Registering the model {model_name!r}"
        return Model.deserialize(workspace, _call(workspace, "POST", "/models", what, json=given))

    @staticmethod
    def list(
        workspace: Workspace,
        name: Optional[str] = None,
        tags: Optional[_Filter] = None,
        properties: Optional[_Filter] = None,
        run_id: Optional[str] = None,
        latest: bool = False,
        dataset_id: Optional[str] = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: Optional[str] = None,
    ) -> List[Model]:
        """All models that fit, newest first.

        Args:
            workspace: Where to look.
            name: Of that name.
            tags: With these tags: ``"key"`` or ``["key", "value"]`` each.
            properties: With these properties.
            run_id: Of that run.
            latest: Only the newest version of each name.
            dataset_id: That refer to that dataset.
            expand: Accepted; all fields are always there.
            page_count: Models per request, 20 to 255.
            model_framework: Of that framework.
        """
        params = _query(name, tags, properties, run_id, model_framework)
        if latest:
            params["latestVersionOnly"] = "true"
        if dataset_id:
            params["datasetId"] = dataset_id
        low, high = PAGE_COUNTS
        params["count"] = str(min(max(page_count, low), high))
        return [Model.deserialize(workspace, body) for body in _pages(workspace, params)]

    def download(
        self,
        target_dir: Union[str, Path] = ".",
        exist_ok: bool = False,
        exists_ok: Optional[bool] = None,
    ) -> str:
        """Fetch the files.

        Args:
            target_dir: Folder; made when it is not there.
            exist_ok: Replace files that are there.
            exists_ok: An older name of `exist_ok`.

        Returns:
            The path of the file or folder.

        Raises:
            UserErrorException: A file is there already.
        """
        contents = list(_artifacts.content_of_asset(self.workspace, self._asset_id()))
        if not contents:
            raise WebserviceException(f"The model {self.id} has no files to download.")
        folder = Path(target_dir)
        replace = exist_ok if exists_ok is None else exists_ok
        _artifacts.download(self.workspace._connection, contents, folder, replace)
        return str(folder / contents[0]["path"].split("/")[0])

    def _asset_id(self) -> str:
        return self.url[len(_ASSET_URL) :]

    def delete(self) -> None:
        """Delete this version.

        Raises:
            WebserviceException: A service uses it; delete or update that first.
        """
        self.workspace._connection.call(
            "DELETE",
            self.workspace._management(f"/models/{quote(self.id, safe='')}"),
            what=f"Deleting the model {self.id}",
            error=WebserviceException,
        )

    # ---- changes

    def update(
        self,
        tags: Optional[Mapping[str, Any]] = None,
        description: Optional[str] = None,
        sample_input_dataset: Optional[Any] = None,
        sample_output_dataset: Optional[Any] = None,
        resource_configuration: Optional[ResourceConfiguration] = None,
    ) -> None:
        """Replace what is given; None leaves a thing as it is."""
        values = {
            "/kvTags": _names.string_map(tags, "tags"),
            "/description": description,
            "/sampleInputData": _dataset_id(sample_input_dataset),
            "/sampleOutputData": _dataset_id(sample_output_dataset),
            "/resourceRequirements": resource_configuration and resource_configuration.serialize(),
        }
        self._patch(
            {"op": "replace", "path": path, "value": value}
            for path, value in values.items()
            if value is not None
        )

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
        whole = {**self.properties, **(_names.string_map(properties, "properties") or {})}
        self._patch([{"op": "add", "path": "/properties", "value": whole}])

    def update_tags_properties(
        self,
        add_tags: Optional[Mapping[str, Any]] = None,
        remove_tags: Optional[Sequence[str]] = None,
        add_properties: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Add and remove tags, and add properties."""
        if add_tags or remove_tags:
            tags = {**self.tags, **(add_tags or {})}
            self.update(tags={k: v for k, v in tags.items() if k not in (remove_tags or ())})
        if add_properties:
            self.add_properties(add_properties)

    def _patch(self, operations: Any) -> None:
        changes = list(operations)
        if not changes:
            raise UserErrorException("No parameters provided to update.")
        path = f"/models/{quote(self.id, safe='')}"
        what = f"Updating the model {self.id}"
        self._take(_call(self.workspace, "PATCH", path, what, patch=changes))

    # ---- use

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: Sequence[Model],
        inference_config: Optional[InferenceConfig] = None,
        deployment_config: Optional[AksServiceDeploymentConfiguration] = None,
        deployment_target: Optional[ComputeTarget] = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Webservice:
        """Deploy models as a web service. Returns at once; wait with wait_for_deployment().

        Args:
            workspace: Where the models are.
            name: Of the service: 3 to 32 lower-case letters, digits, dashes.
            models: Registered models. The entry script finds several below AZUREML_MODEL_DIR.
            inference_config: Entry script and environment. Without it the one model must be of
                the framework Onnx, ScikitLearn, TensorFlow or Multi.
            deployment_config: From AksWebservice.deploy_configuration(); None: all defaults.
            deployment_target: The compute target, unless deployment_config names it.
            overwrite: Replace a service of that name.
            show_output: Print what is uploaded.

        Raises:
            WebserviceException: A rule is broken, or the server refused.
        """
        request = _deploy.Request(
            workspace, name, list(models), inference_config, deployment_config, deployment_target
        )
        return _deploy.deploy(request, overwrite, show_output)

    @staticmethod
    def get_model_path(model_name: str, version: Optional[int] = None) -> str:
        """Where the files of a model are, in an entry script or beside a local run of it.

        Args:
            model_name: Of the model.
            version: Default: the newest that is there.

        Raises:
            ModelNotFoundException: It is not there.
        """
        return find_model(model_name, version)

    def serialize(self) -> Json:
        """Everything about it, as JSON-ready values."""
        return {
            "workspace": self.workspace.name,
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "tags": self.tags,
            "properties": self.properties,
            "description": self.description,
            "url": self.url,
            "mimeType": self.mime_type,
            "createdTime": self._body.get("createdTime"),
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "runId": self.run_id,
            "experimentName": self.experiment_name,
            "sampleInputData": self.sample_input_dataset,
            "sampleOutputData": self.sample_output_dataset,
            "resourceRequirements": self._body.get("resourceRequirements"),
            "createdBy": self.created_by,
        }

    def _summary(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "framework": self.model_framework,
            "tags": self.tags,
            "description": self.description,
        }


_Filter = Union[str, Sequence[Union[str, Sequence[str]]], Mapping[str, str]]


def filter_text(given: Optional[_Filter]) -> Optional[str]:
    """Tags or properties to look for, as the wire has them: ``key`` or ``key=value``, by commas."""
    if not given:
        return None
    if isinstance(given, str):
        return given
    entries = given.items() if isinstance(given, Mapping) else given
    return ",".join(entry if isinstance(entry, str) else "=".join(entry) for entry in entries)


def find_model(name: str, version: Optional[int]) -> str:
    """The folder `azureml-models/<name>/<version>` of a service, or a path where we are."""
    roots = [Path(os.environ.get("AML_APP_ROOT", "."), "azureml-models")]
    given = os.environ.get("AZUREML_MODEL_DIR")
    if given:
        roots += [Path(given), Path(given).parent.parent]
    for root in roots:
        versions = sorted(
            (int(entry.name) for entry in (root / name).glob("*") if entry.name.isdigit()),
            reverse=True,
        )
        chosen = version if version is not None else next(iter(versions), None)
        if chosen in versions:
            return _single_entry(root / name / str(chosen))
    if Path(name).exists():
        return name
    raise ModelNotFoundException(
        f"ModelNotFound: Model {name!r}{f' version {version}' if version else ''} is not below "
        f"{[str(root) for root in roots]} nor in the working folder.",
        "ModelNotFound",
    )


def _single_entry(folder: Path) -> str:
    entries = list(folder.iterdir())
    return str(entries[0] if len(entries) == 1 else folder)


def _upload_asset(workspace: Workspace, name: str, path: Path) -> str:
    files = _artifacts.local_files(path)
    container = _artifacts.upload(workspace, files)
    prefix = f"{_artifacts.ORIGIN}/{container}/{path.resolve().name}"
    body = {"name": name, "artifacts": [{"prefix": prefix}]}
    asset = _call(workspace, "POST", "/assets", "Recording the files of a model", json=body)
    return f"{_ASSET_URL}{asset['id']}"


def _dataset_id(dataset: Optional[Any]) -> Optional[str]:
    return None if dataset is None else str(getattr(dataset, "id", dataset))


def _query(
    name: Optional[str],
    tags: Optional[_Filter],
    properties: Optional[_Filter],
    run_id: Optional[str],
    framework: Optional[str],
) -> Dict[str, str]:
    params = {
        "name": name,
        "tags": filter_text(tags),
        "properties": filter_text(properties),
        "runId": run_id,
        "framework": framework,
    }
    return {key: value for key, value in params.items() if value}


def _pages(workspace: Workspace, params: Dict[str, str]) -> Iterator[Json]:
    while True:
        body = _call(workspace, "GET", "/models", "Listing models", params=params)
        yield from body["value"]
        following = parse_qs(urlsplit(body.get("nextLink") or "").query)
        token = following.get("$skipToken")
        if not token:
            return
        params = {**params, "$skipToken": token[0]}


def _read(workspace: Workspace, model_id: str) -> Json:
    answer = workspace._connection.call(
        "GET",
        workspace._management(f"/models/{quote(model_id, safe='')}"),
        what=f"Reading the model {model_id}",
        error=WebserviceException,
        allow=(404,),
    )
    if answer.status_code == 404:
        raise _not_found(f"id {model_id!r}")
    body: Json = answer.json()
    return body


def _not_found(what: str) -> ModelNotFoundException:
    return ModelNotFoundException(
        f"ModelNotFound: Model with {what} not found in provided workspace",
        "ModelNotFound",
        404,
    )


def _call(
    workspace: Workspace,
    method: str,
    path: str,
    what: str,
    patch: Optional[List[Json]] = None,
    **arguments: Any,
) -> Json:
    if patch is not None:
        arguments["json"] = patch
        arguments["headers"] = {"Content-Type": "application/json-patch+json"}
    return workspace._connection.json(
        method, workspace._management(path), what=what, error=WebserviceException, **arguments
    )
