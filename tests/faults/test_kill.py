"""`kill -9` of the daemon and of replicas: nothing acknowledged is lost, nothing is orphaned."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
import time
from typing import Any

import pytest
from conftest import IRIS_ROW, Client, eventually, replica_processes


@pytest.mark.parametrize("delay_ms", [0, 5, 15, 30, 60, 120, 250])
def test_daemon_killed_during_a_deploy(
    fresh_client: Client, onnx_model: pathlib.Path, delay_ms: int
) -> None:
    client, server = fresh_client, fresh_client.server
    client.create_target()
    client.register_onnx(onnx_model)
    client.deploy("iris-service", "-m", "iris:1", "--no-wait")
    time.sleep(
        delay_ms / 1000
    )  # where in the deploy the kill falls; every case must come out alike
    server.kill()
    eventually("no replica outlives its daemon", lambda: not replica_processes(server), 10)
    server.start()
    eventually(
        "the deploy completes after the restart",
        lambda: client.service("iris-service")["state"] == "Healthy",
    )
    assert client.score("iris-service", IRIS_ROW).json()["label"] == [0]


def test_a_killed_replica_comes_back(fresh_client: Client, onnx_model: pathlib.Path) -> None:
    client, server = fresh_client, fresh_client.server
    client.create_target()
    client.register_onnx(onnx_model)
    client.deploy("iris-service", "-m", "iris:1", numReplicas=2)
    key = client.key("iris-service")
    statuses: list[int] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            statuses.append(client.score("iris-service", IRIS_ROW, key).status_code)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        eventually("requests flow", lambda: len(statuses) > 20, 20)
        victim = replica_processes(server)[0]
        os.kill(victim, signal.SIGKILL)
        before = len(statuses)
        eventually("requests go on", lambda: len(statuses) > before + 50, 20)
        eventually(
            "the replica is replaced",
            lambda: client.service("iris-service")["deploymentStatus"]["availableReplicas"] == 2,
            30,
        )
    finally:
        stop.set()
        thread.join()
    bad = [status for status in statuses if status != 200]
    assert len(bad) <= 2 and set(bad) <= {502, 503}, (
        f"only what the dead replica held may fail: {bad}"
    )


def test_acknowledged_writes_survive(fresh_client: Client, onnx_model: pathlib.Path) -> None:
    client, server = fresh_client, fresh_client.server
    acknowledged: list[str] = []

    def register(index: int) -> None:
        done: Any = client.ml(
            "model", "register", "-n", f"m{index}", "-p", str(onnx_model), check=False
        )
        if done.returncode == 0:
            acknowledged.append(f"m{index}:1")

    threads = [threading.Thread(target=register, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    server.kill()
    for thread in threads:
        thread.join()
    server.start()
    listed = {model["id"] for model in client.ml("model", "list")}
    assert set(acknowledged) <= listed
