"""Rules for names, dictionaries and numbers that are checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Dict, Optional

from slipway.exceptions import UserErrorException, WebserviceException

_MODEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")
_SERVICE = re.compile(r"(?=.{3,32}$)[a-z]([-a-z0-9]*[a-z0-9])?")
_COMPUTE = re.compile(r"(?=.{3,24}$)[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])")
_WORKSPACE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{2,32}")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?")
RESERVED_COMPUTE = ("amlcompute", "local", "containerinstance")


def check_model_name(name: str) -> None:
    """1 to 255 of letters, digits, ``- . _``; the first a letter or digit."""
    if not _MODEL.fullmatch(name):
        raise WebserviceException(
            f"The model name {name!r} is invalid: use 1 to 255 letters, digits, '-', '.' or '_', "
            "and begin with a letter or digit."
        )


def check_service_name(name: str) -> None:
    """3 to 32 of ``a-z 0-9 -``; begins with a letter, does not end with a dash."""
    if not _SERVICE.fullmatch(name):
        raise WebserviceException(
            f"The provided service name is invalid: {name!r}. Use 3 to 32 lower-case letters, "
            "digits or dashes; begin with a letter and do not end with a dash."
        )


def check_compute_name(name: str) -> None:
    """3 to 24 letters, digits, dashes; begins with a letter, does not end with a dash."""
    if not _COMPUTE.fullmatch(name) or name.lower() in RESERVED_COMPUTE:
        raise UserErrorException(
            f"The compute target name {name!r} is invalid: use 3 to 24 letters, digits or dashes, "
            "begin with a letter, do not end with a dash; the names "
            f"{', '.join(RESERVED_COMPUTE)} are reserved."
        )


def check_workspace_name(name: str) -> None:
    """3 to 33 letters, digits, dashes, underscores; the first a letter or digit."""
    if not _WORKSPACE.fullmatch(name):
        raise UserErrorException(
            f"The workspace name {name!r} is invalid: use 3 to 33 letters, digits, '-' or '_', "
            "and begin with a letter or digit."
        )


def check_environment_name(name: str) -> None:
    """Not empty, and not of the families ``Microsoft`` and ``AzureML``."""
    if not name or name.startswith(("Microsoft", "AzureML")):
        raise UserErrorException(
            f"The environment name {name!r} is invalid: it must not be empty and not begin with "
            "'Microsoft' or 'AzureML'."
        )


def string_map(value: Optional[Mapping[str, Any]], what: str) -> Optional[Dict[str, str]]:
    """Tags or properties as the wire has them: text to text. None stays None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise UserErrorException(
            f"{what} must be a dictionary such as {{'area': 'diabetes'}}, not "
            f"{type(value).__name__} ({value!r})."
        )
    return {str(key): str(entry) for key, entry in value.items()}


def parse_time(text: Optional[str]) -> Optional[datetime]:
    """ISO 8601 as the server writes it; before Python 3.11 neither 'Z' nor 7 digits were taken."""
    if not text:
        return None
    text = re.sub(r"\.(\d{1,6})\d*", lambda m: "." + m.group(1).ljust(6, "0"), text)
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
