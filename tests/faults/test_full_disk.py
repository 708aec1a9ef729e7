"""A full disk: 507 with a clear text, nothing lost, and all goes on once there is room."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest
from conftest import Client, Server

SIZE = "24m"


@pytest.fixture
def small_disk() -> Iterator[pathlib.Path]:
    mount = pathlib.Path(tempfile.mkdtemp(prefix="slipway-disk-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(mount)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("mounting a tmpfs needs root")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)
        shutil.rmtree(mount, ignore_errors=True)


def test_full_disk(small_disk: pathlib.Path, tmp_path: pathlib.Path) -> None:
    server = Server(small_disk / "data").start()
    try:
        client = Client(server, tmp_path)
        small = tmp_path / "small.bin"
        small.write_bytes(b"x" * 1000)
        client.ml("model", "register", "-n", "before", "-p", str(small))
        large = tmp_path / "large.bin"
        large.write_bytes(b"y" * (40 << 20))
        refused = client.ml("model", "register", "-n", "large", "-p", str(large), check=False)
        assert refused.returncode != 0
        assert "full" in refused.stderr or "No space" in refused.stderr, refused.stderr
        ballast = small_disk / "ballast"
        fill(ballast)
        denied = client.ml("model", "register", "-n", "denied", "-p", str(small), check=False)
        assert denied.returncode != 0
        ballast.unlink()
        client.ml("model", "register", "-n", "after", "-p", str(small))
        assert {m["name"] for m in client.ml("model", "list")} == {"before", "after"}
    finally:
        server.stop()


def fill(path: pathlib.Path) -> None:
    """Writes until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"z" * 65536)
        except OSError:
            pass
