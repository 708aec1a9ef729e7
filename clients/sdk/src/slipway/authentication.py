"""Login from the environment that ``eval "$(slipway env)"`` sets up.

``ARM_CLOUD_METADATA_URL`` says where the server is, ``MSI_ENDPOINT`` gives tokens to the local
user, ``REQUESTS_CA_BUNDLE`` holds the authority of the server's certificate.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests

from slipway._wire import CONNECT_TIMEOUT_S, Connection, failure
from slipway.exceptions import AuthenticationException, UserErrorException

RENEW_BEFORE_EXPIRY_S = 300
_ADVICE = 'Run `eval "$(slipway env)"` in this shell first; `slipway up` starts a server.'


class AbstractAuthentication:
    """Something that gives management tokens. Pass one as ``auth=`` to a Workspace."""

    def get_token(self) -> str:
        """A bearer token that is valid for the next minutes."""
        raise NotImplementedError

    def get_authentication_header(self) -> Dict[str, str]:
        """The header of HTTP requests to the server.

        Raises:
            AuthenticationException: There is no login, or it was refused.
        """
        return {"Authorization": f"Bearer {self.get_token()}"}


class MsiAuthentication(AbstractAuthentication):
    """The local user's login, by ``POST $MSI_ENDPOINT``. Tokens are kept until 5 minutes before
    they expire.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""
        self._endpoint = ""
        self._expires = 0.0

    def get_token(self) -> str:
        """A bearer token, from the server or from memory."""
        endpoint = os.environ.get("MSI_ENDPOINT")
        if not endpoint:
            raise AuthenticationException(
                f"MSI_ENDPOINT is not set, so there is no login. {_ADVICE}"
            )
        with self._lock:
            fresh = self._expires - time.time() > RENEW_BEFORE_EXPIRY_S
            if not fresh or endpoint != self._endpoint:
                self._renew(endpoint)
            return self._token

    def _renew(self, endpoint: str) -> None:
        answer = Connection(lambda: "").send(
            "POST",
            endpoint,
            data={"resource": cloud()["authentication"]["audiences"][0]},
            headers={"Metadata": "true"},
        )
        if not answer.ok:
            raise failure(answer, "The login", AuthenticationException)
        body = answer.json()
        self._endpoint, self._token = endpoint, body["access_token"]
        self._expires = float(body.get("expires_on") or _expiry_claim(self._token))


class InteractiveLoginAuthentication(MsiAuthentication):
    """The documented default. There is nothing to click here: it is the local user's login."""

    def __init__(self, force: bool = False, tenant_id: Optional[str] = None) -> None:
        super().__init__()


_default = MsiAuthentication()


def default_authentication() -> AbstractAuthentication:
    """The login that is used when a script names none; shared, so that tokens are shared."""
    return _default


def _expiry_claim(token: str) -> float:
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError):
        return 0.0


_clouds: Dict[str, Any] = {}


def cloud() -> Dict[str, Any]:
    """The cloud description that names the server: asked once per address and process.

    Raises:
        UserErrorException: ARM_CLOUD_METADATA_URL is not set, or describes no such cloud.
    """
    url = os.environ.get("ARM_CLOUD_METADATA_URL")
    if not url:
        raise UserErrorException(
            f"ARM_CLOUD_METADATA_URL is not set, so the server is not known. {_ADVICE}"
        )
    if url not in _clouds:
        _clouds[url] = _read_metadata(url)
    name = os.environ.get("AZUREML_CURRENT_CLOUD") or "AzureCloud"
    for entry in _clouds[url]:
        if entry.get("name") == name:
            found: Dict[str, Any] = entry
            return found
    names = ", ".join(str(entry.get("name")) for entry in _clouds[url])
    raise UserErrorException(
        f"AZUREML_CURRENT_CLOUD is {name!r}, but the server at {url} describes: {names}."
    )


def _read_metadata(url: str) -> Any:
    if url.startswith("file:"):
        return json.loads(Path(url2pathname(urlsplit(url).path)).read_text(encoding="utf-8"))
    answer = Connection(lambda: "").send("GET", url, timeout=CONNECT_TIMEOUT_S)
    try:
        answer.raise_for_status()
        body = answer.json()
    except (requests.RequestException, ValueError) as problem:
        raise UserErrorException(
            f"ARM_CLOUD_METADATA_URL ({url}) does not give cloud metadata: {problem}"
        ) from problem
    return body if isinstance(body, list) else [body]
