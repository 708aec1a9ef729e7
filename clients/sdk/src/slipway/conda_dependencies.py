"""CondaDependencies: the conda specification of an environment, as an object."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import yaml

from slipway.exceptions import UserErrorException

DEFAULT_PIP_PACKAGES = ("azureml-defaults",)
_NAME = re.compile(r"^(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*)")


class CondaDependencies:
    """Python version, conda packages, channels and pip packages.

    Args:
        conda_dependencies_file_path: A conda specification file (YAML) to begin with. Without it:
            the Python version that runs this, and ``azureml-defaults`` from pip.

    Raises:
        UserErrorException: The file is missing or is no conda specification.
    """

    def __init__(
        self,
        conda_dependencies_file_path: Optional[Union[str, Path]] = None,
        _underlying_structure: Optional[Dict[str, Any]] = None,
    ) -> None:
        if conda_dependencies_file_path is not None:
            _underlying_structure = _read(Path(conda_dependencies_file_path))
        self._spec: Dict[str, Any] = _underlying_structure or {
            "name": "project_environment",
            "channels": ["conda-forge"],
            "dependencies": [_running_python(), {"pip": list(DEFAULT_PIP_PACKAGES)}],
        }

    @staticmethod
    def create(
        pip_indexurl: Optional[str] = None,
        pip_packages: Optional[List[str]] = None,
        conda_packages: Optional[List[str]] = None,
        python_version: Optional[str] = None,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """A specification from lists.

        Args:
            pip_indexurl: Index to install pip packages from.
            pip_packages: Requirements such as ``joblib==1.4``; the default is
                ``azureml-defaults``.
            conda_packages: Specifications such as ``scikit-learn=1.4``.
            python_version: Such as ``3.10``. Default: the version that runs this, so that
                pickled models load.
            pin_sdk_version: Accepted; the server brings its own runtime package.
        """
        made = CondaDependencies()
        if pip_packages is not None:
            made._spec["dependencies"] = [_running_python(), {"pip": []}]
        for package in pip_packages or []:
            made.add_pip_package(package)
        for package in conda_packages or []:
            made.add_conda_package(package)
        if python_version:
            made.set_python_version(python_version)
        if pip_indexurl:
            made.set_pip_index_url(pip_indexurl)
        return made

    # ---- conda

    @property
    def conda_packages(self) -> List[str]:
        """The conda packages, Python among them."""
        return [entry for entry in self._spec["dependencies"] if isinstance(entry, str)]

    @property
    def conda_channels(self) -> List[str]:
        """The channels, first one preferred."""
        return list(self._spec.get("channels") or [])

    def add_conda_package(self, conda_package: str) -> None:
        """Add a package; one of the same name is replaced."""
        self.remove_conda_package(conda_package)
        self._spec["dependencies"].append(conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove the package of that name, whatever its version."""
        name = package_name(conda_package)
        self._spec["dependencies"] = [
            entry
            for entry in self._spec["dependencies"]
            if not (isinstance(entry, str) and package_name(entry) == name)
        ]

    def add_channel(self, channel: str) -> None:
        """Add a channel at the end."""
        channels = self._spec.setdefault("channels", [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a channel."""
        self._spec["channels"] = [entry for entry in self.conda_channels if entry != channel]

    def set_python_version(self, version: str) -> None:
        """Ask for a Python version, such as ``3.10`` or ``3.10.14``."""
        self.remove_conda_package("python")
        self._spec["dependencies"].insert(0, f"python={version}")

    def get_python_version(self) -> Optional[str]:
        """The Python version asked for; None when none is."""
        for entry in self.conda_packages:
            if package_name(entry) == "python":
                return re.sub(r"^[^0-9]*", "", entry) or None
        return None

    # ---- pip

    @property
    def pip_packages(self) -> List[str]:
        """The pip requirements, without option lines."""
        return [line for line in self._pip() if not line.startswith("-")]

    @property
    def pip_options(self) -> List[str]:
        """The pip option lines, such as ``--index-url …``."""
        return [line for line in self._pip() if line.startswith("-")]

    def add_pip_package(self, pip_package: str) -> None:
        """Add a requirement; one of the same name is replaced."""
        self.remove_pip_package(pip_package)
        self._pip(make=True).append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the requirement of that name, whatever its version."""
        name, lines = package_name(pip_package), self._pip()
        lines[:] = [line for line in lines if line.startswith("-") or package_name(line) != name]

    def set_pip_requirements(self, pip_requirements: List[str]) -> None:
        """Replace all requirements; option lines may be among them."""
        self._pip(make=True)[:] = [line.strip() for line in pip_requirements]

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option line, in place of one with the same option."""
        self.remove_pip_option(pip_option.split(maxsplit=1)[0])
        self._pip(make=True).insert(0, pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove the option lines with that option."""
        lines = self._pip()
        lines[:] = [line for line in lines if line.split()[:1] != [pip_option]]

    def set_pip_index_url(self, index_url: str) -> None:
        """The index to install pip packages from."""
        url = index_url.rsplit(maxsplit=1)[-1]
        self.set_pip_option(f"--index-url {url}")

    def _pip(self, make: bool = False) -> List[str]:
        for entry in self._spec["dependencies"]:
            if isinstance(entry, dict) and "pip" in entry:
                entry["pip"] = entry["pip"] or []
                lines: List[str] = entry["pip"]
                return lines
        fresh: List[str] = []
        if make:
            self._spec["dependencies"].append({"pip": fresh})
        return fresh

    # ---- out

    def as_dict(self) -> Dict[str, Any]:
        """The specification as the wire has it."""
        return self._spec

    def serialize_to_string(self) -> str:
        """The specification as YAML."""
        return yaml.safe_dump(self._spec, sort_keys=False, allow_unicode=True)

    def save(self, path: Union[str, Path] = "conda_dependencies.yml") -> str:
        """Write the YAML file; its path is returned."""
        Path(path).write_text(self.serialize_to_string(), encoding="utf-8")
        return str(path)

    def save_to_file(self, base_directory: Union[str, Path], conda_file_path: str = "") -> str:
        """Write the YAML file below `base_directory`; its path relative to it is returned."""
        relative = conda_file_path or "conda_dependencies.yml"
        self.save(Path(base_directory, relative))
        return relative

    def __repr__(self) -> str:
        return f"CondaDependencies(\n{self.serialize_to_string()})"


def package_name(specification: str) -> str:
    """The name in a pip or conda specification, in its normal form; '' when there is none."""
    match = _NAME.match(specification.strip())
    return re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else ""


def _running_python() -> str:
    return f"python={sys.version_info.major}.{sys.version_info.minor}"


def _read(path: Path) -> Dict[str, Any]:
    try:
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UserErrorException(f"The conda file {str(path)!r} can't be read: {problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UserErrorException(f"{path} is not YAML: {problem}") from problem
    rule = "a conda specification is a mapping with a list 'dependencies' of package lines"
    if not isinstance(spec, dict) or not isinstance(spec.get("dependencies", []), list):
        raise UserErrorException(f"{path}: {rule}.")
    spec.setdefault("dependencies", [])
    for entry in spec["dependencies"]:
        pip = entry.get("pip") or [] if isinstance(entry, dict) else None
        lines = [entry] if pip is None else pip
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise UserErrorException(f"{path}: {rule}, but {entry!r} stands there.")
    return spec
