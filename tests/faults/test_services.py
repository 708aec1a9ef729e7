"""Services that cannot start: the cause is told, and the neighbours do not notice."""

from __future__ import annotations

import concurrent.futures
import pathlib

import pytest
from conftest import IRIS_ROW, Client

RAISES = """
def init():
    raise RuntimeError("the weights are missing")

def run(data):
    return 1
"""
HANGS = """
import time

def init():
    while True:
        time.sleep(60)

def run(data):
    return 1
"""
EATS_MEMORY = """
def init():
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))

def run(data):
    return 1
"""
NO_RUN = "def init():\n    pass\n"

# Three seconds for init(), then given up.
HURRIED = {
    "livenessProbeRequirements": {
        "initialDelaySeconds": 3,
        "periodSeconds": 1,
        "failureThreshold": 1,
        "timeoutSeconds": 1,
        "successThreshold": 1,
    }
}

CASES = {
    "raises": (RAISES, "the weights are missing", {}),
    "eats-memory": (EATS_MEMORY, "memory", {}),
    "hangs": (HANGS, "init()", HURRIED),
    "no-run": (NO_RUN, "run", {}),
}


@pytest.fixture
def neighbour(client: Client, onnx_model: pathlib.Path) -> str:
    """A healthy service beside the one that fails; made once."""
    if client.ml("computetarget", "show", "-n", "myaks", check=False).returncode != 0:
        client.create_target(agents=40)
        client.register_onnx(onnx_model)
        client.deploy("neighbour", "-m", "iris:1")
    return client.key("neighbour")


@pytest.mark.parametrize("name", CASES)
def test_a_service_that_cannot_start(client: Client, neighbour: str, name: str) -> None:
    script, cause, changes = CASES[name]
    done = client.deploy(
        name, "-m", "iris:1", "--ic", client.inference_config(script), check=False, **changes
    )
    assert done.returncode != 0
    assert cause in done.stderr, done.stderr
    if name != "no-run":  # refused before anything is stored
        service = client.service(name)
        assert service["state"] == "Failed"
        assert cause in str(service["error"])
    assert client.score("neighbour", IRIS_ROW, neighbour).json()["label"] == [0]


def test_a_hundred_concurrent_deploys(client: Client, neighbour: str) -> None:
    names = [f"burst-{index}" for index in range(100)]
    config = client.deployment_config(
        containerResourceRequirements={"cpu": 0.01, "memoryInGB": 0.05}
    )

    def deploy(name: str) -> int:
        arguments = ["-n", name, "--ct", "myaks", "-m", "iris:1", "--dc", config]
        return client.server.cli("ml", "model", "deploy", *arguments, check=False).returncode

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(deploy, names))
    assert codes == [0] * len(names)
    key = client.key("burst-99")
    assert client.score("burst-99", IRIS_ROW, key).status_code == 200
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: client.ml("service", "delete", "-n", name), names))
    assert not [s for s in client.ml("service", "list") if s["name"].startswith("burst-")]
