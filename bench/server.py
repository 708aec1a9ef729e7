"""`slipway up` in a temporary folder, driven by our SDK as a user would."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import subprocess
import sys
import time
from typing import Any

import processes

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients/sdk/src"))


class Slipway:
    """One daemon; ended by stop()."""

    def __init__(self, binary: str, data_dir: pathlib.Path) -> None:
        self.binary, self.data_dir = binary, data_dir
        self.process: subprocess.Popen[bytes] | None = None
        self.start_seconds = 0.0

    def start(self) -> None:
        words = [self.binary, "up", "--data-dir", str(self.data_dir)]
        words += ["--listen", "127.0.0.1:0", "--scoring-listen", "127.0.0.1:0"]
        began = time.monotonic()
        with open(self.data_dir.parent / "slipway.log", "ab") as log:
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        first = self.process.stdout.readline().decode()
        self.start_seconds = time.monotonic() - began
        if "is up" not in first:
            raise SystemExit(f"slipway up said {first!r}; see {self.data_dir.parent}/slipway.log")
        self._take_environment()

    def _take_environment(self) -> None:
        words = [self.binary, "env", "--data-dir", str(self.data_dir)]
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        for line in text.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            os.environ[name] = shlex.split(value)[0]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)

    def file(self) -> dict[str, Any]:
        """Where it listens, as it wrote itself down."""
        return dict(json.loads((self.data_dir / "run" / "daemon.json").read_text()))

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def replica_memory_mb(self, service: str) -> float:
        """PSS of the model servers of one service and their workers."""
        servers = [p for p in processes.tree(self.pid) if p != self.pid]
        named = [p for p in servers if f"/{service}-" in processes.command_line(p)]
        if not named:
            raise SystemExit(f"no process of service {service} below {self.pid}")
        mine = {p for root in named for p in processes.tree(root)}
        return sum(processes.pss_mb(p) for p in mine)


def deploy_python(ws: Any, name: str, model_file: pathlib.Path, target: Any) -> Any:
    import joblib
    import numpy
    import sklearn
    from slipway import CondaDependencies, Environment, InferenceConfig, Model

    environment = Environment("bench")
    pins = [f"scikit-learn=={sklearn.__version__}", f"numpy=={numpy.__version__}"]
    environment.python.conda_dependencies = CondaDependencies.create(
        python_version="3.11",
        pip_packages=["azureml-defaults", f"joblib=={joblib.__version__}", *pins],
    )
    model = Model.register(ws, str(model_file), "iris")
    config = InferenceConfig(entry_script=str(HERE / "score.py"), environment=environment)
    service = Model.deploy(ws, name, [model], config, configuration(), target)
    service.wait_for_deployment()
    return service


def deploy_onnx(ws: Any, name: str, model_file: pathlib.Path, target: Any) -> Any:
    from slipway import Model

    model = Model.register(ws, str(model_file), "mlp", model_framework="Onnx")
    service = Model.deploy(ws, name, [model], None, configuration(), target)
    service.wait_for_deployment()
    return service


def configuration() -> Any:
    """One replica that takes as many requests at a time as wrk has connections."""
    from slipway import AksWebservice

    return AksWebservice.deploy_configuration(
        autoscale_enabled=False,
        num_replicas=1,
        cpu_cores=1,
        memory_gb=1,
        replica_max_concurrent_requests=8,
        max_request_wait_time=10_000,
    )
