"""`slipway up` with 1,000 services in its store: start, list, one durable create.

One service is deployed for real; its row is copied while the server is down. The copies ask for
more CPUs than their target has, so that they are looked after and need no thousand processes.
"""

from __future__ import annotations

import json
import pathlib
import sqlite3
import statistics
import time
from typing import Any

import server

COUNT = 1_000
TRIES = 7
TOO_MANY_CPUS = 1_000


def copy_service(database: pathlib.Path, name: str) -> None:
    """999 more of the service `name`, in its workspace."""
    with sqlite3.connect(database) as db:
        columns = "scope, generation, desired, created_ms, updated_ms"
        query = f"SELECT {columns} FROM resource WHERE kind = 'service' AND name = ?"
        scope, generation, desired, created, updated = db.execute(query, (name,)).fetchone()
        for number in range(1, COUNT):
            copy = json.loads(desired)
            copy["name"] = copy["route"] = f"copy-{number}"
            copy["spec"]["resources"]["cpu"] = TOO_MANY_CPUS
            observed = json.dumps({"state": "Unschedulable"})
            row = (scope, copy["name"], generation, json.dumps(copy), observed, created, updated)
            db.execute(
                "INSERT INTO resource (kind, scope, name, generation, observed_generation, desired,"
                " observed, created_ms, updated_ms) VALUES ('service', ?, ?, ?, 0, ?, ?, ?, ?)",
                row,
            )
    db.close()


def median_seconds(work: Any) -> float:
    times = []
    for number in range(TRIES):
        began = time.monotonic()
        work(number)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def measure(daemon: server.Slipway, ws: Any, name: str) -> dict[str, float]:
    """Stops and starts `daemon`, on which the ONNX service `name` of model mlp:1 is deployed."""
    import requests

    daemon.stop()
    copy_service(daemon.data_dir / "slipway.db", name)
    daemon.start()
    found = {"start_1000_s": daemon.start_seconds}
    session = requests.Session()
    session.verify = daemon.file()["ca_bundle"]
    token = (daemon.data_dir / "owner.token").read_text().strip()
    session.headers["Authorization"] = f"Bearer {token}"
    url = (
        f"{daemon.file()['management']}/modelmanagement/v1.0/subscriptions/{ws.subscription_id}"
        f"/resourceGroups/{ws.resource_group}/providers/Microsoft.MachineLearningServices"
        f"/workspaces/{ws.name}/services"
    )

    def list_all(_: int) -> None:
        count, page = 0, f"{url}?expand=true"
        while page:
            answer = session.get(page)
            answer.raise_for_status()
            count += len(answer.json()["value"])
            page = answer.json().get("nextLink")
        assert count >= COUNT, count

    def create(number: int) -> None:
        payload = {
            "name": f"new-{number}",
            "computeType": "AKS",
            "computeName": "myaks",
            "environmentImageRequest": {"modelIds": ["mlp:1"]},
            "numReplicas": 1,
        }
        session.post(url, json=payload).raise_for_status()

    list_all(0)
    found["list_1000_s"] = median_seconds(list_all)
    found["create_1000_s"] = median_seconds(create)
    return found
