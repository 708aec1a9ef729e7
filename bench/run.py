"""`make bench`: Slipway, its peer and the floor, in one interleaved run.

CPU microseconds per request of the whole process tree, the load generator aside, are the primary
figure. A table goes to standard output and build/bench/bench.txt, everything to bench.json.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

import load
import peer
import server
import thousand

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
IRIS = json.dumps({"data": [[5.1, 3.5, 1.4, 0.2]]})
MLP = json.dumps({"X": [[5.1, 3.5, 1.4, 0.2]]})


def train(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The iris classifier for score.py, and a small MLP as ONNX."""
    import joblib
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    rows, labels = load_iris(return_X_y=True)
    (folder / "python").mkdir()
    (folder / "onnx").mkdir()
    script = folder / "python" / "iris.joblib"
    joblib.dump(LogisticRegression(max_iter=500).fit(rows, labels), script)
    mlp = MLPClassifier((32, 32), max_iter=2_000, random_state=0).fit(rows, labels)
    onnx = folder / "onnx" / "mlp.onnx"
    text = to_onnx(mlp, rows[:1].astype("float32"), options={"zipmap": False})
    onnx.write_bytes(text.SerializeToString())
    return script, onnx


def start_floor() -> tuple[subprocess.Popen[bytes], str]:
    program = BUILD / "bench" / "floor"
    compiler = shutil.which("clang++-19") or "c++"
    words = [compiler, "-std=c++20", "-O2", "-o", str(program), str(HERE / "floor.cc")]
    subprocess.run(words, check=True)
    process = subprocess.Popen([str(program)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}/score"


def start_model_server(binary: str, model: pathlib.Path) -> tuple[subprocess.Popen[bytes], str]:
    port = peer.free_port()
    words = [binary, "model-server", "--model", str(model.parent), "--port", str(port)]
    with open(model.parent.parent / "model-server.log", "wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/score"
    peer.wait_for_200(url, MLP)
    return process, url


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    result = work()
    return result, time.monotonic() - began


def first_200(service: Any, body: str) -> dict[str, str]:
    """Scores once; the headers for more."""
    import requests

    headers = {"Authorization": f"Bearer {service.get_keys()[0]}"}
    answer = requests.post(service.scoring_uri, data=body, headers=headers, timeout=60)
    answer.raise_for_status()
    return headers


class Bench:
    """One run: what was started, and what was found."""

    def __init__(self, binary: str, folder: pathlib.Path, rounds: int) -> None:
        self.binary, self.folder, self.rounds = binary, folder, rounds
        self.found: dict[str, Any] = {"binary_mb": os.path.getsize(binary) / 2**20}
        self.subjects: list[load.Subject] = []
        self.ends: list[Callable[[], Any]] = []

    def start_peers(self, script: pathlib.Path, onnx: pathlib.Path) -> None:
        import joblib
        import numpy
        import sklearn

        floor, url = start_floor()
        self.ends.append(floor.kill)
        self.subjects.append(load.Subject("floor", url, floor.pid, MLP))
        alone, url = start_model_server(self.binary, onnx)
        self.ends.append(alone.terminate)
        self.subjects.append(load.Subject("ONNX, model server alone", url, alone.pid, MLP))
        uv = shutil.which("uv") or str(BUILD / "venv/bin/uv")
        pins = [f"scikit-learn=={sklearn.__version__}", f"numpy=={numpy.__version__}"]
        peer.install(uv, [*pins, f"joblib=={joblib.__version__}"])
        other, url, seconds = peer.start(script.parent, IRIS)
        self.ends.append(other.terminate)
        self.subjects.append(load.Subject("score.py, peer", url, other.pid, IRIS))
        self.found["peer_start_s"] = seconds
        self.peer_pid = other.pid

    def start_slipway(self, script: pathlib.Path, onnx: pathlib.Path) -> None:
        from slipway import AksCompute, ComputeTarget, Workspace

        daemon = server.Slipway(self.binary, self.folder / "data")
        daemon.start()
        self.ends.append(daemon.stop)
        [ws] = [only for (only,) in Workspace.list().values()]
        config = AksCompute.provisioning_configuration(cluster_purpose="DevTest", agent_count=3)
        target = ComputeTarget.create(ws, "myaks", config)
        target.wait_for_completion()
        server.deploy_python(ws, "warm-py", script, target).delete()
        server.deploy_onnx(ws, "warm-onnx", onnx, target).delete()
        for kind, deploy, model, body in (
            ("python", server.deploy_python, script, IRIS),
            ("onnx", server.deploy_onnx, onnx, MLP),
        ):
            began = time.monotonic()
            service = deploy(ws, f"bench-{kind}", model, target)
            headers = first_200(service, body)
            self.found[f"{kind}_deploy_s"] = time.monotonic() - began
            label = "score.py, Slipway" if kind == "python" else "ONNX, Slipway"
            uri = service.scoring_uri
            self.subjects.append(load.Subject(label, uri, daemon.pid, body, headers))
        time.sleep(1)  # idle, so that what start-up touched is settled
        for kind in ("python", "onnx"):
            self.found[f"{kind}_idle_mb"] = daemon.replica_memory_mb(f"bench-{kind}")
        self.found["daemon_idle_mb"] = server.processes.pss_mb(daemon.pid)
        mine = server.processes.tree(self.peer_pid)
        self.found["peer_idle_mb"] = sum(server.processes.pss_mb(p) for p in mine)
        self.daemon, self.ws = daemon, ws

    def measure_thousand(self) -> None:
        self.found |= thousand.measure(self.daemon, self.ws, "bench-onnx")

    def measure(self) -> None:
        for number in range(self.rounds + 1):
            for subject in self.subjects:
                load.measure(subject, self.folder)
                if number == 0:  # warm-up
                    subject.cpu_us.clear(), subject.p50_ms.clear()
                    subject.p99_ms.clear(), subject.per_second.clear()
        self.found["subjects"] = [subject.summary() for subject in self.subjects]

    def end(self) -> None:
        for end in reversed(self.ends):
            end()


def ratios(found: dict[str, Any]) -> list[str]:
    cost = {s["name"]: s["cpu_us"] for s in found["subjects"]}
    theirs = cost["score.py, peer"]
    rows = [
        ("score.py: peer / Slipway (at least 3)", theirs / cost["score.py, Slipway"]),
        ("ONNX: peer / Slipway (at least 12)", theirs / cost["ONNX, Slipway"]),
        ("ONNX, Slipway / floor", cost["ONNX, Slipway"] / cost["floor"]),
    ]
    return [f"{name:<44}{value:9.1f} ×" for name, value in rows]


def table(found: dict[str, Any]) -> str:
    lines = [f"{'CPU µs per request':<30}{'median':>9}{'min':>9}{'max':>9}{'p50 ms':>9}{'1/s':>9}"]
    for s in found["subjects"]:
        numbers = [s["cpu_us"], s["cpu_us_min"], s["cpu_us_max"], s["p50_ms"], s["per_second"]]
        lines.append(f"{s['name']:<30}" + "".join(f"{n:>9}" for n in numbers))
    lines += ["", *ratios(found), ""]
    rest = [
        ("register + deploy to first 200, score.py", "python_deploy_s", "s", 2),
        ("register + deploy to first 200, ONNX", "onnx_deploy_s", "s", 0.2),
        ("start of the peer to first 200", "peer_start_s", "s", None),
        ("idle memory of a score.py service (PSS)", "python_idle_mb", "MiB", 90),
        ("idle memory of an ONNX service (PSS)", "onnx_idle_mb", "MiB", 25),
        ("idle memory of the peer (PSS)", "peer_idle_mb", "MiB", None),
        ("idle memory of the daemon (PSS)", "daemon_idle_mb", "MiB", None),
        ("start with 1,000 services", "start_1000_s", "s", 0.3),
        ("list 1,000 services", "list_1000_s", "s", 0.05),
        ("one durable create beside 1,000", "create_1000_s", "s", 0.01),
        ("binary", "binary_mb", "MiB", 40),
    ]
    for label, key, unit, reach in rest:
        if key in found:
            aim = f"  (at most {reach})" if reach else ""
            lines.append(f"{label:<44}{found[key]:9.3f} {unit}{aim}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=str(BUILD / "release/bin/slipway"))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    bench = Bench(str(pathlib.Path(options.bin).resolve()), folder, options.rounds)
    try:
        script, onnx = train(folder)
        bench.start_peers(script, onnx)
        bench.start_slipway(script, onnx)
        bench.measure()
        bench.measure_thousand()
    finally:
        bench.end()
        shutil.rmtree(folder, ignore_errors=True)
    text = table(bench.found)
    print(text, end="")
    (BUILD / "bench" / "bench.txt").write_text(text)
    (BUILD / "bench" / "bench.json").write_text(json.dumps(bench.found, indent=2) + "\n")


if __name__ == "__main__":
    main()
