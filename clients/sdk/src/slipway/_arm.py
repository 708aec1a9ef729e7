"""Operations of the resource manager: workspaces and compute targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional, Type

import requests

from slipway._polling import wait_until
from slipway._progress import Progress
from slipway._wire import Connection, error_text, retry_after
from slipway.authentication import cloud
from slipway.exceptions import AzureMLException

FINAL = ("Succeeded", "Failed", "Canceled", "Cancelled")


def resource_manager() -> str:
    """Base address of the resource manager, without a slash at its end."""
    return str(cloud()["resourceManager"]).rstrip("/")


def wait_for_arm(
    connection: Connection,
    accepted: requests.Response,
    progress: Progress,
    error: Type[AzureMLException],
    timeout_s: Optional[float] = None,
) -> None:
    """Follow the Azure-AsyncOperation of an accepted request to its end.

    Raises:
        error: The operation failed, was cancelled or outlived `timeout_s` (seconds).
    """
    url = accepted.headers.get("Azure-AsyncOperation")
    if url:
        follow(connection, url, progress, error, timeout_s)


def follow(
    connection: Connection,
    url: str,
    progress: Progress,
    error: Type[AzureMLException],
    timeout_s: Optional[float] = None,
) -> None:
    """Follow the operation at `url` to its end."""

    def look() -> Iterator[Optional[float]]:
        while True:
            answer = connection.call("GET", url, what="Reading the operation", error=error)
            body = answer.json()
            status = str(body.get("status"))
            if status == "Succeeded":
                progress.done(status)
                return
            if status in FINAL:
                progress.done(status)
                code, message = error_text(body)
                raise error(f"The operation ended as {status}: {message}", code)
            progress.state(status)
            yield retry_after(answer)

    wait_until(look, timeout_s=timeout_s, what="The operation", error=error)
