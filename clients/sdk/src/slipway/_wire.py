"""One connection to the server: login, retries, and errors that say what the server said."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Dict, Optional, Tuple, Type

import requests

from slipway.exceptions import (
    AuthenticationException,
    AzureMLException,
    ServiceException,
    UserErrorException,
)

Json = Dict[str, Any]

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 300
RETRIES = 3
# A repeat of these methods does no harm, whatever became of the first try.
_REPEATABLE = ("GET", "HEAD", "PUT", "DELETE")
_TRANSIENT = (408, 429, 500, 502, 503, 504)
_NOT_ACCEPTED = (429, 503)
USER_AGENT = "slipway-sdk/0.1.0"


def retry_after(response: requests.Response) -> Optional[float]:
    """Seconds of the Retry-After header; None when absent or a date."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def error_of(response: requests.Response) -> Tuple[Optional[str], str]:
    """The server's code and message, from either documented form of error body."""
    try:
        body = response.json()
    except ValueError:
        return None, response.text.strip()[:2000] or response.reason or "no further information"
    if not isinstance(body, dict):
        return None, str(body)[:2000]
    return error_text(body)


def error_text(body: Mapping[str, Any]) -> Tuple[Optional[str], str]:
    """Code and message of ``{"error": {...}}`` or of the flat form; details are appended."""
    inner = body.get("error")
    while isinstance(inner, Mapping):
        body, inner = inner, inner.get("error")
    message = str(body.get("message") or "no further information")
    for detail in body.get("details") or []:
        text = str(detail.get("message") or "")
        if text and text not in message:
            message += f"\n{detail.get('code') or 'Detail'}: {text}"
    return body.get("code"), message


def failure(
    response: requests.Response, what: str, kind: Type[AzureMLException]
) -> AzureMLException:
    """The exception for an answer that is not what was asked for."""
    code, message = error_of(response)
    status = response.status_code
    if status == 401:
        kind = AuthenticationException
    elif status == 403:
        kind = UserErrorException
    head = f"{what} was refused with HTTP {status}"
    return kind(f"{head}{f' ({code})' if code else ''}: {message}", code, status)


class Connection:
    """Sends requests with the login's token. Owned by a Workspace; use it from one thread."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT

    def call(
        self,
        method: str,
        url: str,
        *,
        what: str,
        error: Type[AzureMLException] = ServiceException,
        allow: Tuple[int, ...] = (),
        **arguments: Any,
    ) -> requests.Response:
        """Send with the bearer token. Raises `error` unless the answer is 2xx or in `allow`."""
        headers = {"Authorization": f"Bearer {self._token()}", **arguments.pop("headers", {})}
        response = self.send(method, url, headers=headers, **arguments)
        if response.ok or response.status_code in allow:
            return response
        raise failure(response, what, error)

    def send(self, method: str, url: str, **arguments: Any) -> requests.Response:
        """Send without the token, for addresses that carry their own credential.

        A `data` that is a callable is called for each try and must give a fresh body.
        """
        body = arguments.pop("data", None)
        arguments.setdefault("timeout", (CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
        for attempt in range(RETRIES + 1):
            data = body() if callable(body) else body
            last = attempt == RETRIES
            try:
                response = self._session.request(method, url, data=data, **arguments)
            except requests.RequestException as problem:
                if (
                    last
                    or method not in _REPEATABLE
                    or isinstance(problem, requests.exceptions.SSLError)
                ):
                    raise _unreachable(url, problem) from problem
                time.sleep(_pause(attempt, None))
                continue
            if last or not _worth_repeating(method, response.status_code):
                return response
            response.close()
            time.sleep(_pause(attempt, retry_after(response)))
        raise AssertionError("unreachable")

    def json(self, method: str, url: str, *, what: str, **arguments: Any) -> Json:
        """The JSON object that the answer holds."""
        response = self.call(method, url, what=what, **arguments)
        body = response.json()
        if not isinstance(body, dict):
            raise ServiceException(f"{what}: the answer is not a JSON object: {body!r:.200}")
        return body


def _worth_repeating(method: str, status: int) -> bool:
    return status in (_TRANSIENT if method in _REPEATABLE else _NOT_ACCEPTED)


def _pause(attempt: int, asked_s: Optional[float]) -> float:
    return min(30.0, asked_s) if asked_s is not None else 0.2 * 2.0**attempt


def _unreachable(url: str, problem: requests.RequestException) -> AzureMLException:
    place = re.sub(r"^(\w+://)(?:[^/@]*@)?([^/?]*).*", r"\1\2", url)
    if isinstance(problem, requests.exceptions.SSLError):
        return ServiceException(
            f"The certificate of {place} is not trusted. Set REQUESTS_CA_BUNDLE to the server's "
            f'authority, which `eval "$(slipway env)"` does. ({problem})'
        )
    return ServiceException(
        f"The server at {place} does not answer. Is it running? `slipway status` tells, "
        f"`slipway up` starts it. ({type(problem).__name__})"
    )
