"""InferenceConfig: the entry script, the code beside it, and the environment it runs in."""

from __future__ import annotations

import ast
import gzip
import keyword
import secrets
import tarfile
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Union

from slipway import _artifacts
from slipway._display import Shown
from slipway._wire import Json
from slipway.environment import ContainerRegistry, Environment
from slipway.exceptions import UserErrorException

if TYPE_CHECKING:
    from slipway.workspace import Workspace

RUNTIMES = ("python", "python-slim", "spark-py")
CUDA_VERSIONS = ("9.0", "9.1", "10.0")
_SERVER_PACKAGES = ("azureml-defaults", "azureml-inference-server-http")
_LEFT_OUT = ("__pycache__", ".git")

# Stands in for the entry script when a server asks for a driver program: it hands both calls on.
_DRIVER = """\
import importlib.util
import inspect
import os

_path = os.path.join(os.path.dirname(os.path.abspath(__file__)), {script!r})
_spec = importlib.util.spec_from_file_location({module!r}, _path)
_user = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_user)
_headers = "request_headers" in inspect.signature(_user.run).parameters


def init():
    _user.init()


def run(http_body, request_headers):
    if _headers:
        return _user.run(http_body, request_headers=request_headers)
    return _user.run(http_body)
"""


class InferenceConfig(Shown):
    """How a model is asked: ``init()`` once per worker, ``run(data)`` per request.

    Args:
        entry_script: Path of the script; relative to `source_directory` when that is given.
        runtime: Deprecated, with `conda_file`: ``python``, ``python-slim`` or ``spark-py``.
        conda_file: Deprecated: a conda specification, relative to `source_directory`.
        extra_docker_file_steps: Deprecated and refused: use ``environment.docker``.
        source_directory: Folder that is uploaded whole, without ``__pycache__`` and ``.git``.
        enable_gpu: Deprecated and refused: use ``gpu_cores`` of the deployment configuration.
        description: Not sent; kept for old scripts.
        base_image: Image to build on, kept as data; with `environment` set it there instead.
        base_image_registry: Where that image is.
        cuda_version: Deprecated and refused: use ``environment.docker.base_image``.
        environment: The Environment. Without it the server's default is used.

    Raises:
        UserErrorException: The script is missing, is no Python, or options exclude each other.
    """

    def __init__(
        self,
        entry_script: Union[str, Path],
        runtime: Optional[str] = None,
        conda_file: Optional[Union[str, Path]] = None,
        extra_docker_file_steps: Optional[Union[str, Path]] = None,
        source_directory: Optional[Union[str, Path]] = None,
        enable_gpu: Optional[bool] = None,
        description: Optional[str] = None,
        base_image: Optional[str] = None,
        base_image_registry: Optional[ContainerRegistry] = None,
        cuda_version: Optional[str] = None,
        environment: Optional[Environment] = None,
    ) -> None:
        self.entry_script = str(entry_script or "")
        self.source_directory = Path(source_directory).resolve() if source_directory else None
        self.description = description
        self.environment = environment
        self.runtime = runtime
        self.conda_file = conda_file
        self.base_image = base_image
        self.base_image_registry = base_image_registry
        old: Dict[str, Any] = {
            "runtime": runtime,
            "conda_file": conda_file,
            "extra_docker_file_steps": extra_docker_file_steps,
            "enable_gpu": enable_gpu,
            "cuda_version": cuda_version,
            "base_image": base_image,
        }
        _check_old_options({name: value for name, value in old.items() if value}, environment)
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Check that the files are there and that the script is Python.

        Raises:
            UserErrorException: What is wrong, with the line.
        """
        if self.source_directory and not self.source_directory.is_dir():
            raise UserErrorException(
                f"The source_directory {str(self.source_directory)!r} does not exist."
            )
        check_script(self.entry_script, self._script_path())
        if self.conda_file and not self._local(self.conda_file).is_file():
            raise UserErrorException(f"The conda_file {str(self.conda_file)!r} does not exist.")
        if self.environment and not self.environment.python.user_managed_dependencies:
            _warn_without_server(self.environment)

    def _local(self, path: Union[str, Path]) -> Path:
        return Path(self.source_directory or ".", path)

    def _script_path(self) -> Path:
        return self._local(self.entry_script)

    def _script_in_service(self) -> str:
        """Path of the script as the service sees it, below its code folder."""
        if self.source_directory:
            inside = self._script_path().resolve().relative_to(self.source_directory)
            return f"{self.source_directory.name}/{inside.as_posix()}"
        return self._script_path().name

    def environment_for(self, service_name: str) -> Optional[Environment]:
        """The environment to send; old options are put into a new one."""
        if self.environment or not (self.conda_file or self.runtime or self.base_image):
            return self.environment
        made = Environment(f"{service_name}-env")
        if self.conda_file:
            made = Environment.from_conda_specification(made.name, self._local(self.conda_file))
        made.docker.base_image = self.base_image
        made.docker.base_image_registry = self.base_image_registry or ContainerRegistry()
        return made

    def _image_request(
        self,
        workspace: Workspace,
        service_name: str,
        model_ids: List[str],
        tell: Callable[[str], None] = lambda _: None,
    ) -> Json:
        """Upload the code, and give the ``environmentImageRequest`` that refers to it."""
        script = self._script_in_service()
        with tempfile.TemporaryDirectory() as scratch:
            driver = Path(scratch, f"driver_{secrets.token_hex(4)}.py")
            driver.write_text(driver_source(script), encoding="utf-8")
            code = self._script_path()
            if self.source_directory:
                code = pack(self.source_directory, Path(scratch))
            driver_at = _artifacts.upload(workspace, {driver.name: driver})
            code_at = _artifacts.upload(workspace, {code.name: code}, tell)
        assets = [
            _asset(driver.name, driver_at, "application/x-python"),
            _asset(code.name, code_at, "application/octet-stream"),
        ]
        if self.source_directory:
            assets[1]["unpack"] = True
        return self._assemble(driver.name, assets, model_ids, service_name, script)

    def _assemble(
        self,
        driver: str,
        assets: List[Json],
        model_ids: List[str],
        service_name: str,
        script: str,
    ) -> Json:
        request: Json = {"driverProgram": driver, "assets": assets, "modelIds": model_ids}
        environment = self.environment_for(service_name) or Environment(f"{service_name}-env")
        definition = environment._to_payload()
        definition["environmentVariables"]["AZUREML_ENTRY_SCRIPT"] = script
        if self.source_directory:
            name = self.source_directory.name
            definition["environmentVariables"]["AZUREML_SOURCE_DIRECTORY"] = name
        return {**request, "environment": definition}

    def _summary(self) -> Dict[str, Any]:
        return {
            "entry_script": self.entry_script,
            "source_directory": str(self.source_directory) if self.source_directory else None,
            "environment": self.environment.name if self.environment else None,
        }


def driver_source(script: str) -> str:
    """The driver program for a script at that path beside it."""
    return _DRIVER.format(script=script, module=Path(script).stem)


def check_script(given: str, path: Path) -> None:
    """Exists, ends in .py, can be imported by its name, and parses."""
    if not given:
        raise UserErrorException("entry_script is required: a .py file with init() and run().")
    if not path.is_file():
        raise UserErrorException(f"The entry_script {str(path)!r} does not exist.")
    if path.suffix != ".py" or not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise UserErrorException(
            f"The entry_script {path.name!r} must end in .py and have a name that Python can "
            "import: letters, digits and underscores, not beginning with a digit."
        )
    try:
        ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as problem:
        raise UserErrorException(f"The entry_script is not valid Python: {problem}") from problem


def pack(folder: Path, into: Path) -> Path:
    """A tar.gz of the folder below its own name; equal content gives equal bytes."""
    archive = into / f"{secrets.token_hex(4)}.tar.gz"
    with archive.open("wb") as sink:
        packed = gzip.GzipFile("", "wb", mtime=0, fileobj=sink)
        with packed, tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
            for inside, file in _artifacts.walk(folder):
                if not set(_LEFT_OUT) & set(Path(inside).parts):
                    tar.add(file, f"{folder.name}/{inside}", filter=_plain)
    return archive


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _asset(name: str, container: str, mime_type: str) -> Json:
    url = f"aml://artifact/{_artifacts.ORIGIN}/{container}/{name}"
    return {"id": name, "url": url, "mimeType": mime_type}


def _check_old_options(given: Dict[str, Any], environment: Optional[Environment]) -> None:
    if environment and given:
        raise UserErrorException(
            f"environment excludes {', '.join(given)}: put these into the environment."
        )
    if given.get("runtime", "python").lower() not in RUNTIMES:
        raise UserErrorException(
            f"The runtime {given['runtime']!r} is unknown; known are {', '.join(RUNTIMES)}."
        )
    if "cuda_version" in given and given["cuda_version"] not in CUDA_VERSIONS:
        raise UserErrorException(
            f"The cuda_version {given['cuda_version']!r} is unknown; known are "
            f"{', '.join(CUDA_VERSIONS)}."
        )
    for name in ("extra_docker_file_steps", "enable_gpu", "cuda_version"):
        if name in given:
            raise UserErrorException(
                f"{name} is no longer supported: describe the image in environment.docker, "
                "and ask for GPUs by gpu_cores of the deployment configuration."
            )


def _warn_without_server(environment: Environment) -> None:
    conda = environment.python.conda_dependencies
    lines = " ".join(conda.pip_packages + conda.conda_packages)
    if not any(name in lines for name in _SERVER_PACKAGES):
        warnings.warn(
            f"The environment {environment.name!r} does not list azureml-defaults, which brings "
            "the HTTP server on other platforms. Slipway has its own and needs none.",
            stacklevel=4,
        )
