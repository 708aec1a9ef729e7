"""Environment: the packages and variables that an entry script runs with."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union
from urllib.parse import quote

from slipway import _names
from slipway._display import Shown
from slipway._polling import wait_until
from slipway._progress import Progress
from slipway._wire import Json, error_text, retry_after
from slipway.conda_dependencies import CondaDependencies
from slipway.exceptions import RunEnvironmentException, UserErrorException

if TYPE_CHECKING:
    from slipway.workspace import Workspace

_DEFINITION_FILE = "azureml_environment.json"
_CONDA_FILE = "conda_dependencies.yml"


@dataclass
class PythonSection:
    """Python of an environment.

    Attributes:
        conda_dependencies: The packages.
        user_managed_dependencies: True: install nothing, run `interpreter_path` as it is.
        interpreter_path: The interpreter for user-managed dependencies.
        base_conda_environment: A conda environment to begin with.
    """

    conda_dependencies: CondaDependencies = field(default_factory=CondaDependencies)
    user_managed_dependencies: bool = False
    interpreter_path: str = "python"
    base_conda_environment: Optional[str] = None


@dataclass
class ContainerRegistry:
    """Where a base image is; credentials are sent with the definition."""

    address: Optional[str] = None
    username: Optional[str] = None
    password: Optional[str] = None


@dataclass
class DockerSection:
    """The image of an environment. Local compute runs without images and keeps this as data.

    Attributes:
        shm_size: Shared memory, such as ``2g``.
    """

    base_image: Optional[str] = None
    base_dockerfile: Optional[str] = None
    base_image_registry: ContainerRegistry = field(default_factory=ContainerRegistry)
    enabled: bool = False
    shared_volumes: bool = True
    shm_size: Optional[str] = None
    arguments: List[str] = field(default_factory=list)


class Environment(Shown):
    """A definition by name; registering it gives it a version.

    Args:
        name: Must not begin with ``Microsoft`` or ``AzureML``.

    Attributes:
        version: Given by the server, or by you before registering; None: the next number.
        python: The PythonSection.
        docker: The DockerSection.
        environment_variables: Of the process that runs the entry script.
        inferencing_stack_version: None or ``latest``.
    """

    def __init__(self, name: str) -> None:
        _names.check_environment_name(name)
        self.name = name
        self.version: Optional[str] = None
        self.environment_variables: Dict[str, str] = {}
        self.python = PythonSection()
        self.docker = DockerSection()
        self.inferencing_stack_version: Optional[str] = None

    @staticmethod
    def from_conda_specification(name: str, file_path: Union[str, Path]) -> Environment:
        """An environment of a conda specification file (YAML).

        Raises:
            UserErrorException: The file is missing or wrong.
        """
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: Union[str, Path], pip_version: Optional[str] = None
    ) -> Environment:
        """An environment of a requirements file; ``-r`` lines are followed.

        Args:
            name: Of the environment.
            file_path: The requirements file.
            pip_version: Accepted for old scripts; the server installs with its own tool.

        Raises:
            UserErrorException: A file is missing.
        """
        made = Environment(name)
        lines = list(requirement_lines(Path(file_path)))
        made.python.conda_dependencies.set_pip_requirements(lines)
        return made

    @staticmethod
    def get(
        workspace: Workspace, name: str, version: Optional[str] = None, label: Optional[str] = None
    ) -> Environment:
        """The registered environment; the newest version unless a version or label is given.

        Raises:
            RunEnvironmentException: There is none.
        """
        if version and label:
            raise UserErrorException("Give either version or label, not both.")
        path = _path(name, version) + (f"/labels/{quote(label, safe='')}" if label else "")
        body = workspace._connection.json(
            "GET",
            _url(workspace, "v1.0", path),
            what=f"Reading the environment {name!r}",
            error=RunEnvironmentException,
        )
        return Environment._from_payload(body)

    @staticmethod
    def list(workspace: Workspace) -> Dict[str, Environment]:
        """The newest version of each environment, by name."""
        found: Dict[str, Environment] = {}
        token: Optional[str] = None
        while True:
            body = workspace._connection.json(
                "GET",
                _url(workspace, "v1.0", "/environments/"),
                params={"continuation": token} if token else {},
                what="Listing environments",
                error=RunEnvironmentException,
            )
            for entry in body["value"]:
                environment = Environment._from_payload(entry)
                found.setdefault(environment.name, environment)
            token = body.get("continuationToken")
            if not token:
                return found

    def register(self, workspace: Workspace) -> Environment:
        """Store the definition. The same definition again keeps its version.

        Returns:
            The registered environment, with its version.

        Raises:
            RunEnvironmentException: The server refused it.
        """
        definition = self._to_payload()
        body = {
            "Name": self.name,
            "python": definition["python"],
            "EnvironmentVariables": definition["environmentVariables"],
            "Docker": definition["docker"],
            "Spark": None,
            "InferencingStackVersion": self.inferencing_stack_version,
            "r": None,
        }
        answer = workspace._connection.json(
            "PUT",
            _url(workspace, "v1.0", _path(self.name, self.version)),
            json=body,
            what=f"Registering the environment {self.name!r}",
            error=RunEnvironmentException,
        )
        return Environment._from_payload(answer)

    def build(self, workspace: Workspace) -> EnvironmentBuild:
        """Register it and have it built now rather than at the first deployment.

        Returns:
            The build; wait for it with ``wait_for_completion(show_output=True)``.

        Raises:
            RunEnvironmentException: The server refused.
        """
        registered = self.register(workspace)
        answer = workspace._connection.json(
            "POST",
            _url(workspace, "v2.0", _path(registered.name, registered.version) + "/image"),
            json={},
            what=f"Building the environment {self.name!r}",
            error=RunEnvironmentException,
        )
        return EnvironmentBuild(workspace, registered, str(answer["location"]))

    def clone(self, new_name: str) -> Environment:
        """A copy under another name, without a version."""
        made = copy.deepcopy(self)
        _names.check_environment_name(new_name)
        made.name, made.version = new_name, None
        return made

    def save_to_directory(self, path: Union[str, Path], overwrite: bool = False) -> None:
        """Write ``azureml_environment.json`` and ``conda_dependencies.yml`` into a folder.

        Raises:
            UserErrorException: The folder exists and `overwrite` is False.
        """
        folder = Path(path)
        if folder.exists() and not overwrite:
            raise UserErrorException(f"{folder} exists already. Use overwrite=True.")
        folder.mkdir(parents=True, exist_ok=True)
        definition = self._to_payload()
        self.python.conda_dependencies.save(folder / _CONDA_FILE)
        (folder / _DEFINITION_FILE).write_text(json.dumps(definition, indent=4) + "\n")

    @staticmethod
    def load_from_directory(path: Union[str, Path]) -> Environment:
        """The environment that save_to_directory wrote.

        Raises:
            UserErrorException: A file is missing or wrong.
        """
        folder = Path(path)
        try:
            definition = json.loads((folder / _DEFINITION_FILE).read_text())
        except (OSError, ValueError) as problem:
            raise UserErrorException(f"{folder} holds no environment: {problem}") from problem
        made = Environment._from_payload(definition)
        made.python.conda_dependencies = CondaDependencies(folder / _CONDA_FILE)
        return made

    def _to_payload(self) -> Json:
        python, docker = self.python, self.docker
        return {
            "name": self.name,
            "version": self.version,
            "environmentVariables": dict(self.environment_variables),
            "python": {
                "userManagedDependencies": python.user_managed_dependencies,
                "interpreterPath": python.interpreter_path,
                "condaDependenciesFile": None,
                "baseCondaEnvironment": python.base_conda_environment,
                "condaDependencies": python.conda_dependencies.as_dict(),
            },
            "docker": {
                "enabled": docker.enabled,
                "baseImage": docker.base_image,
                "baseDockerfile": docker.base_dockerfile,
                "sharedVolumes": docker.shared_volumes,
                "shmSize": docker.shm_size,
                "arguments": list(docker.arguments),
                "baseImageRegistry": dict(vars(docker.base_image_registry)),
            },
            "inferencingStackVersion": self.inferencing_stack_version,
        }

    @staticmethod
    def _from_payload(body: Json) -> Environment:
        made = Environment.__new__(Environment)  # names of curated environments are allowed here
        python, docker = body.get("python") or {}, body.get("docker") or {}
        registry = docker.get("baseImageRegistry") or {}
        made.name, made.version = body["name"], body.get("version")
        made.environment_variables = dict(body.get("environmentVariables") or {})
        made.inferencing_stack_version = body.get("inferencingStackVersion")
        made.python = PythonSection(
            CondaDependencies(_underlying_structure=python.get("condaDependencies")),
            bool(python.get("userManagedDependencies")),
            python.get("interpreterPath") or "python",
            python.get("baseCondaEnvironment"),
        )
        made.docker = DockerSection(
            docker.get("baseImage"),
            docker.get("baseDockerfile"),
            ContainerRegistry(*(registry.get(key) for key in ("address", "username", "password"))),
            bool(docker.get("enabled")),
            bool(docker.get("sharedVolumes", True)),
            docker.get("shmSize"),
            list(docker.get("arguments") or []),
        )
        return made

    def _summary(self) -> Dict[str, Any]:
        conda = self.python.conda_dependencies
        return {
            "name": self.name,
            "version": self.version,
            "python": conda.get_python_version(),
            "pip": conda.pip_packages,
            "conda": conda.conda_packages,
        }


class EnvironmentBuild(Shown):
    """A build that goes on at the server.

    Attributes:
        environment: What is built, with its version.
        status: As last seen: Queued, Running, Succeeded, Failed.
        log_url: Where its log is; None until it is known.
    """

    def __init__(self, workspace: Workspace, environment: Environment, location: str) -> None:
        self._workspace = workspace
        self._location = location
        self.environment = environment
        self.status = "Queued"
        self.log_url: Optional[str] = None

    def wait_for_completion(
        self, show_output: bool = True, timeout_seconds: Optional[float] = None
    ) -> Environment:
        """Wait for the end of the build.

        Args:
            show_output: Show what happens.
            timeout_seconds: Longest time to wait; None: until the end.

        Raises:
            RunEnvironmentException: It failed, with the log's address.
        """
        progress = Progress(f"Environment {self.environment.name}", show_output)
        connection = self._workspace._connection

        def look() -> Iterator[Optional[float]]:
            while True:
                answer = connection.call(
                    "GET", self._location, what="Reading the build", error=RunEnvironmentException
                )
                body = answer.json()
                self.status, self.log_url = str(body["status"]), body.get("logUrl")
                if self.status in ("Succeeded", "Failed", "Canceled"):
                    self._finish(body, progress)
                    return
                progress.state(self.status)
                yield retry_after(answer)

        wait_until(look, timeout_s=timeout_seconds, what="The build", error=RunEnvironmentException)
        return self.environment

    def _finish(self, body: Json, progress: Progress) -> None:
        progress.done(self.status)
        if self.status != "Succeeded":
            code, message = error_text(body)
            raise RunEnvironmentException(
                f"The environment {self.environment.name!r} could not be built: {message}"
                + (f"\nIts log: {self.log_url}" if self.log_url else ""),
                code,
            )

    def _summary(self) -> Dict[str, Any]:
        return {
            "environment": self.environment.name,
            "version": self.environment.version,
            "status": self.status,
            "log_url": self.log_url,
        }


def requirement_lines(path: Path, within: int = 0) -> Iterator[str]:
    """Lines of a requirements file without comments, continuation lines joined."""
    if within > 10:
        raise UserErrorException(f"{path}: requirements files include each other.")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise UserErrorException(f"The requirements file {str(path)!r}: {problem}") from problem
    for raw in text.replace("\\\n", " ").splitlines():
        line = "" if raw.lstrip().startswith("#") else raw.split(" #")[0].strip()
        option, _, rest = line.partition(" ")
        if option in ("-r", "--requirement"):
            yield from requirement_lines(path.parent / rest.strip(), within + 1)
        elif line:
            yield line


def _path(name: str, version: Optional[str]) -> str:
    path = f"/environments/{quote(name, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


def _url(workspace: Workspace, api: str, path: str) -> str:
    return workspace._service_url("experimentation", f"/environment/{api}", path)
