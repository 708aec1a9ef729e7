"""A real server per test session or per test, on free ports, in a temporary directory.

The program is taken from SLIPWAY_BIN, else from build/release. Nothing outside the temporary
directory is read or written, and only processes started here are ended.
"""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
READY_SECONDS = 20


def program() -> pathlib.Path:
    """The binary under test."""
    return pathlib.Path(os.environ.get("SLIPWAY_BIN", ROOT / "build/release/bin/slipway"))


@dataclass
class Server:
    """One `slipway up` and what a client needs to reach it."""

    data_dir: pathlib.Path
    process: subprocess.Popen[bytes] | None = None
    arguments: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> str:
        return str(program())

    def daemon(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "run" / "daemon.json").read_text())

    @property
    def url(self) -> str:
        return str(self.daemon()["management"])

    @property
    def scoring(self) -> str:
        return str(self.daemon()["scoring"])

    @property
    def ca(self) -> str:
        return str(self.daemon()["ca_bundle"])

    @property
    def token(self) -> str:
        return (self.data_dir / "owner.token").read_text().strip()

    def start(self, *arguments: str) -> Server:
        """Starts it and waits until it says that it is up."""
        self.arguments = list(arguments) or self.arguments
        command = [self.bin, "up", "--data-dir", str(self.data_dir), "--listen", "127.0.0.1:0"]
        command += ["--scoring-listen", "127.0.0.1:0", *self.arguments]
        with open(self.data_dir.parent / f"{self.data_dir.name}.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        first = self.process.stdout.readline().decode()
        assert "is up" in first, f"slipway up said {first!r}; log: {self.log()[-4000:]}"
        self.env = self.client_environment()
        return self

    def log(self) -> str:
        return (self.data_dir.parent / f"{self.data_dir.name}.log").read_text(errors="replace")

    def client_environment(self) -> dict[str, str]:
        """What `eval "$(slipway env)"` gives a shell, beside a clean HOME."""
        text = subprocess.run(
            [self.bin, "env", "--data-dir", str(self.data_dir)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        env = dict(os.environ, HOME=str(self.data_dir.parent / "home"))
        for line in text.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            env[name] = shlex.split(value)[0]
        pathlib.Path(env["HOME"]).mkdir(exist_ok=True)
        return env

    def kill(self) -> None:
        """`kill -9`, and nothing else is told."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM and its exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.terminate()
        return self.process.wait(timeout=60)

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `slipway ARGUMENTS` as a user of this server."""
        done = subprocess.run(
            [self.bin, *arguments], env=self.env, capture_output=True, text=True, timeout=900
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def python(
        self, script: str | pathlib.Path, cwd: pathlib.Path
    ) -> subprocess.CompletedProcess[str]:
        """Runs a script (a path, or its text) with our SDK on its path."""
        import sys

        env = dict(self.env, PYTHONPATH=str(ROOT / "clients/sdk/src"))
        source = [str(script)] if isinstance(script, pathlib.Path) else ["-c", script]
        return subprocess.run(
            [sys.executable, *source], env=env, cwd=cwd, capture_output=True, text=True, timeout=900
        )


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return os.environ.get("UV_CACHE_DIR", str(pathlib.Path.home() / ".cache/uv"))


@pytest.fixture
def fresh_server() -> Iterator[Server]:
    """A server of this test alone, started; the test may kill and start it again."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="slipway-test-"))
    server = Server(root / "data")
    try:
        yield server.start()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def slipway() -> Iterator[Server]:
    """One server for the tests that do not disturb each other."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="slipway-test-"))
    server = Server(root / "data").start()
    try:
        yield server
    finally:
        code = server.stop()
        shutil.rmtree(root, ignore_errors=True)
    assert code == 0, "slipway up did not end cleanly on SIGTERM"


def eventually(what: str, check: Any, seconds: float = 60.0) -> Any:
    """Polls `check` until it returns something true; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"after {seconds} s still not: {what}")


@pytest.fixture(scope="session")
def onnx_model(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A logistic regression on iris as ONNX: input `X` [N, 4], outputs `label`, `probabilities`."""
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, labels = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(features, labels)
    path = tmp_path_factory.mktemp("models") / "iris.onnx"
    onnx = to_onnx(model, features[:1].astype("float32"), options={"zipmap": False})
    path.write_bytes(onnx.SerializeToString())
    return path


SCORE_PY = """
def init():
    global answer
    answer = 42

def run(raw_data):
    return {"answer": answer}
"""


class Client:
    """A user of one server, by the command line and by scoring requests."""

    def __init__(self, server: Server, folder: pathlib.Path) -> None:
        self.server = server
        self.folder = folder

    def ml(self, *arguments: str, check: bool = True) -> Any:
        """The JSON answer of `slipway ml …`, or the completed process when `check` is off."""
        done = self.server.cli("ml", *arguments, "-o", "json", check=check)
        if not check:
            return done
        return json.loads(done.stdout) if done.stdout.strip() else None

    def create_target(self, name: str = "myaks", agents: int = 3) -> None:
        self.ml(
            "computetarget", "create", "aks", "-n", name, "-a", str(agents),
            "--cluster-purpose", "DevTest",
        )  # fmt: skip

    def register_onnx(self, path: pathlib.Path, name: str = "iris") -> None:
        self.ml("model", "register", "-n", name, "-p", str(path), "--model-framework", "Onnx")

    def deployment_config(self, **changes: Any) -> str:
        config = {
            "computeType": "AKS",
            "numReplicas": 1,
            "containerResourceRequirements": {"cpu": 0.1, "memoryInGB": 0.25},
        } | changes
        path = self.folder / "deploymentconfig.json"
        path.write_text(json.dumps(config))
        return str(path)

    def inference_config(self, script: str = SCORE_PY, pip: tuple[str, ...] = ()) -> str:
        (self.folder / "score.py").write_text(script)
        dependencies: list[Any] = ["python=3.11", {"pip": list(pip) or ["azureml-defaults"]}]
        config = {
            "entryScript": str(self.folder / "score.py"),
            "environment": {
                "name": "tests",
                "python": {"condaDependencies": {"dependencies": dependencies}},
            },
        }
        path = self.folder / "inferenceconfig.json"
        path.write_text(json.dumps(config))
        return str(path)

    def deploy(self, name: str, *arguments: str, check: bool = True, **changes: Any) -> Any:
        config = self.deployment_config(**changes)
        words = ["model", "deploy", "-n", name, "--ct", "myaks", "--dc", config]
        return self.ml(*words, *arguments, check=check)

    def service(self, name: str) -> dict[str, Any]:
        return self.ml("service", "show", "-n", name, "-v")

    def key(self, name: str) -> str:
        return str(self.ml("service", "get-keys", "-n", name)["primaryKey"])

    def score(self, name: str, body: Any, key: str | None = None, **options: Any) -> Any:
        import requests

        headers = {"Authorization": f"Bearer {key or self.key(name)}"}
        url = f"{self.server.scoring}/api/v1/service/{name}/score"
        return requests.post(
            url, json=body, headers=headers, verify=self.server.ca, timeout=60, **options
        )


@pytest.fixture
def client(slipway: Server, tmp_path: pathlib.Path) -> Client:
    return Client(slipway, tmp_path)


@pytest.fixture
def fresh_client(fresh_server: Server, tmp_path: pathlib.Path) -> Client:
    return Client(fresh_server, tmp_path)


IRIS_ROW = {"X": [[5.1, 3.5, 1.4, 0.2]]}


def replica_processes(server: Server) -> list[int]:
    """Processes whose command line names this server's data directory, the daemon aside."""
    found = []
    daemon = server.process.pid if server.process else -1
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (daemon, os.getpid()):
            continue
        try:
            line = (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if str(server.data_dir).encode() in line and state != "Z":
            found.append(int(entry.name))
    return found
