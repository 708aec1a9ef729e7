"""Bytes up and down: streamed, whatever their size, and put in place only when complete."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import quote, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from slipway._wire import Connection, Json, failure
from slipway.exceptions import ServiceException, UserErrorException

if TYPE_CHECKING:
    from slipway.workspace import Workspace

ORIGIN = "LocalUpload"
BATCH = 50
BLOCK_BYTES = 4 * 1024 * 1024
SINGLE_PUT_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_BLOB_HEADERS = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"}

Files = Dict[str, Path]
"""Path on the server, '/' separated, to the local file."""


def new_container() -> str:
    """A name that no other upload has."""
    return f"{datetime.now(timezone.utc):%y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def upload(workspace: Workspace, files: Files, tell: Callable[[str], None] = lambda _: None) -> str:
    """Upload files into a fresh container; its name is returned.

    Raises:
        ServiceException: The server refused a file.
        UserErrorException: A file changed while it was read.
    """
    container = new_container()
    paths = list(files)
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        answer = workspace._connection.json(
            "POST",
            workspace._artifacts(f"/batch/metadata/{ORIGIN}/{container}"),
            json={"paths": [{"path": path} for path in batch]},
            what="Announcing an upload",
        )
        for path in batch:
            tell(f"Uploading {path}")
            uri = answer["artifactContentInformation"][path]["contentUri"]
            put_blob(workspace._connection, uri, files[path])
    return container


def put_blob(connection: Connection, content_uri: str, file: Path) -> None:
    """PUT one file, in blocks when it is larger than 64 MiB; then compare the sizes."""
    url = without_userinfo(content_uri)
    size = file.stat().st_size
    if size > SINGLE_PUT_BYTES:
        _put_blocks(connection, url, file)
    else:
        with file.open("rb") as source:

            def body() -> Any:
                source.seek(0)
                # An empty file would be sent as chunks, which blob storage does not take.
                return source if size else b""

            _send(connection, "PUT", url, data=body, headers=_BLOB_HEADERS)
    stored = int(_send(connection, "HEAD", url).headers.get("Content-Length", -1))
    if stored != size:
        raise UserErrorException(
            f"{file} changed while it was uploaded: it had {size} bytes, {stored} arrived."
        )


def _put_blocks(connection: Connection, url: str, file: Path) -> None:
    names: List[str] = []
    with file.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            name = base64.b64encode(f"{len(names):08d}".encode()).decode()
            _send(connection, "PUT", f"{url}&comp=block&blockid={quote(name)}", data=block)
            names.append(name)
    latest = "".join(f"<Latest>{escape(name)}</Latest>" for name in names)
    document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{latest}</BlockList>'
    _send(connection, "PUT", f"{url}&comp=blocklist", data=document.encode())


def _send(connection: Connection, method: str, url: str, **arguments: Any) -> Any:
    answer = connection.send(method, url, **arguments)
    if not answer.ok:
        raise failure(answer, "Storing a file", ServiceException)
    return answer


def without_userinfo(uri: str) -> str:
    """The address as it is meant: before the '@' stands a hint for older clients only."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def local_files(path: Path) -> Files:
    """The file, or all files below the folder, under names that begin with its own.

    Raises:
        UserErrorException: Not there, empty, or neither a file nor a folder.
    """
    here = path.resolve()
    if here.is_file():
        return {here.name: here}
    if not here.is_dir():
        what = "is neither a file nor a folder" if here.exists() else "does not exist"
        raise UserErrorException(f"{str(path)!r} {what}.")
    files = {f"{here.name}/{below}": file for below, file in walk(here)}
    if not files:
        raise UserErrorException(f"The folder {str(path)!r} is empty: there is nothing to upload.")
    return files


def walk(folder: Path) -> Iterator[Tuple[str, Path]]:
    """Each regular file below `folder`, in order, with its '/' separated relative path."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(root, name)
            if not file.is_file():
                raise UserErrorException(
                    f"{str(file)!r} is no regular file (a socket, a pipe or a broken link) "
                    "and can't be uploaded. Remove it."
                )
            yield file.relative_to(folder).as_posix(), file


def content_of_asset(workspace: Workspace, asset_id: str) -> Iterator[Json]:
    """``contentUri, origin, container, path`` of each file of an asset."""
    connection = workspace._connection
    what = f"Reading the asset {asset_id}"
    asset = connection.json(
        "GET", workspace._management(f"/assets/{quote(asset_id, safe='')}"), what=what
    )
    for artifact in asset["artifacts"]:
        if artifact.get("id"):
            origin, container, path = artifact["id"].split("/", 2)
            url = workspace._artifacts(f"/contentinfo/{origin}/{container}/{quote(path)}")
            yield connection.json("GET", url, what=what)
        else:
            origin, container, prefix = artifact["prefix"].split("/", 2)
            url = workspace._artifacts(f"/prefix/contentinfo/{origin}/{container}/{quote(prefix)}")
            yield from _pages(connection, url, what)


def _pages(connection: Connection, url: str, what: str) -> Iterator[Json]:
    token: Optional[str] = None
    while True:
        params = {"continuationToken": token} if token else {}
        body = connection.json("GET", url, params=params, what=what)
        yield from body["value"]
        token = body.get("continuationToken")
        if not token:
            return


def download(
    connection: Connection, contents: Iterable[Json], folder: Path, replace: bool
) -> List[Path]:
    """Fetch files into `folder` under their paths; returns where they are.

    Raises:
        UserErrorException: A file is there already and `replace` is False; none is fetched then.
    """
    targets = [(item["contentUri"], below(folder, item["path"])) for item in contents]
    for _, target in targets:
        if target.exists() and not replace:
            raise UserErrorException(f"{target} exists already. Use exist_ok=True to replace it.")
    for uri, target in targets:
        _fetch(connection, without_userinfo(uri), target)
    return [target for _, target in targets]


def below(folder: Path, path: str) -> Path:
    """`path` in `folder`; a path that would leave it is refused."""
    root = folder.resolve()
    target = (root / path).resolve()
    if root not in target.parents:
        raise ServiceException(f"The server names a file outside of the target folder: {path!r}.")
    return target


def _fetch(connection: Connection, url: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        with connection.send("GET", url, stream=True) as answer, part.open("wb") as sink:
            if not answer.ok:
                raise failure(answer, f"Downloading {target.name}", ServiceException)
            for chunk in answer.iter_content(_CHUNK_BYTES):
                sink.write(chunk)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
