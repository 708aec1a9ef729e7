"""`slipway up`, `down`, `status`, `env`: safe from the first start, clear when it cannot start."""

from __future__ import annotations

import os
import pathlib
import socket
import sqlite3
import ssl
import stat
import subprocess

import pytest
import requests
from conftest import Server, program


def up(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(program()), "up", "--listen", "127.0.0.1:0", "--scoring-listen", "127.0.0.1:0"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30)


def test_first_start_is_safe(fresh_server: Server) -> None:
    data = fresh_server.data_dir
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for secret in ("owner.token", "slipway.key", "run/daemon.json"):
        assert stat.S_IMODE((data / secret).stat().st_mode) == 0o600, secret
    for url in (fresh_server.url, fresh_server.scoring):
        assert url.startswith("https://127.0.0.1:")
    listing = f"{fresh_server.url}/subscriptions?api-version=2022-12-01"
    assert requests.get(listing, verify=fresh_server.ca, timeout=10).status_code == 401
    headers = {"Authorization": f"Bearer {fresh_server.token}"}
    assert requests.get(listing, headers=headers, verify=fresh_server.ca, timeout=10).ok
    stored = b"".join(p.read_bytes() for p in data.glob("slipway.db*"))
    assert fresh_server.token.encode() not in stored
    assert b"PRIVATE KEY" not in stored


def test_certificates_satisfy_strict_verification(fresh_server: Server) -> None:
    context = ssl.create_default_context(cafile=str(fresh_server.data_dir / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = int(fresh_server.url.rsplit(":", 1)[1])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.version() == "TLSv1.3"


def test_state_survives_a_restart(fresh_server: Server) -> None:
    token, ca = fresh_server.token, (fresh_server.data_dir / "ca.pem").read_text()
    assert fresh_server.stop() == 0
    fresh_server.start()
    assert fresh_server.token == token
    assert (fresh_server.data_dir / "ca.pem").read_text() == ca


def test_second_daemon_is_refused_by_name_of_the_first(fresh_server: Server) -> None:
    assert fresh_server.process is not None
    done = up("--data-dir", str(fresh_server.data_dir))
    assert done.returncode == 1
    assert str(fresh_server.process.pid) in done.stderr, done.stderr


def test_port_in_use(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    address = fresh_server.url.removeprefix("https://")
    done = up("--data-dir", str(tmp_path / "other"), "--listen", address)
    assert done.returncode == 1
    assert address.rsplit(":", 1)[1] in done.stderr and "in use" in done.stderr, done.stderr


def test_data_of_a_newer_version_is_refused(fresh_server: Server) -> None:
    fresh_server.stop()
    with sqlite3.connect(fresh_server.data_dir / "slipway.db") as database:
        database.execute("PRAGMA user_version = 9999")
    done = up("--data-dir", str(fresh_server.data_dir))
    assert done.returncode == 1
    assert "newer" in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_data_directory_without_permission(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o500)
    done = up("--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


def test_data_directory_is_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    done = up("--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert str(tmp_path / "data") in done.stderr, done.stderr


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "127.0.0.1:", "::1:80"])
def test_listen_that_is_no_address(tmp_path: pathlib.Path, listen: str) -> None:
    done = up("--data-dir", str(tmp_path / "data"), "--listen", listen)
    assert done.returncode == 1
    assert listen in done.stderr


def test_background_down_and_status(tmp_path: pathlib.Path) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    done = up("--background", *data)
    assert done.returncode == 0 and "is up" in done.stdout, done.stderr

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(program()), *arguments, *data], capture_output=True, text=True)

    try:
        status = run("status")
        assert status.returncode == 0 and "https://127.0.0.1:" in status.stdout, status.stderr
        assert '"version"' in run("status", "-o", "json").stdout
    finally:
        stopped = run("down")
    assert stopped.returncode == 0 and "has stopped" in stopped.stdout
    assert run("status").returncode == 3
    assert run("down").returncode == 0
    assert run("env").returncode == 1


@pytest.mark.parametrize("command", ["", "up", "down", "status", "env", "model-server", "ml"])
def test_help_is_there(command: str) -> None:
    words = [command] if command else []
    done = subprocess.run([str(program()), *words, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "sage" in done.stdout or "slipway" in done.stdout


def test_openapi_is_valid(slipway: Server) -> None:
    from openapi_spec_validator import validate

    document = requests.get(f"{slipway.url}/openapi.json", verify=slipway.ca, timeout=10).json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    operations = [
        o["operationId"]
        for p in document["paths"].values()
        for o in p.values()
        if "operationId" in o
    ]
    assert len(operations) == len(set(operations)) > 20
