"""The main job, for real: train two models, register, deploy and score them over HTTPS.

Starts a server in a temporary directory, creates the compute target `myaks`, deploys a ridge
regression with a score.py and a digits classifier as ONNX without one, and compares each answer
with the model's own prediction in this process. `KEEP=1` leaves the server running.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "clients/sdk/src"))

STAGES: list[tuple[str, float]] = []


def stage(name: str, work: Callable[[], Any]) -> Any:
    """Runs one stage, says so while it runs, and remembers how long it took."""
    print(f"… {name}", flush=True)
    began = time.monotonic()
    result = work()
    STAGES.append((name, time.monotonic() - began))
    return result


def start_server(binary: str, data_dir: pathlib.Path) -> None:
    listen = ["--listen", "127.0.0.1:0", "--scoring-listen", "127.0.0.1:0"]
    subprocess.run(
        [binary, "up", "--background", "--data-dir", str(data_dir), *listen],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    exports = subprocess.run(
        [binary, "env", "--data-dir", str(data_dir)], check=True, capture_output=True, text=True
    ).stdout
    for line in exports.splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        os.environ[name] = shlex.split(value)[0]


def train_ridge(folder: pathlib.Path) -> Any:
    import joblib
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    features, target = load_diabetes(return_X_y=True)
    model = Ridge(alpha=0.03).fit(features, target)
    joblib.dump(model, folder / "sklearn_regression_model.pkl")
    return model


def train_digits(folder: pathlib.Path) -> Any:
    from skl2onnx import to_onnx
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    images, labels = load_digits(return_X_y=True)
    model = MLPClassifier((32,), max_iter=60, random_state=0).fit(images / 16, labels)
    onnx = to_onnx(model, images[:1].astype("float32"), options={"zipmap": False})
    (folder / "digits.onnx").write_bytes(onnx.SerializeToString())
    return model


def ridge_environment() -> Any:
    import sklearn
    from slipway import CondaDependencies, Environment

    environment = Environment("diabetes")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = [f"scikit-learn=={sklearn.__version__}", "joblib", "numpy", "azureml-defaults"]
    environment.python.conda_dependencies = CondaDependencies.create(
        python_version=version, pip_packages=packages
    )
    return environment


def score(service: Any, payload: dict[str, Any]) -> Any:
    import requests

    key, _ = service.get_keys()
    answer = requests.post(
        service.scoring_uri, json=payload, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )
    answer.raise_for_status()
    return answer.json()


def check_ridge(service: Any, model: Any) -> None:
    from sklearn.datasets import load_diabetes

    rows = load_diabetes(return_X_y=True)[0][:8]
    got = score(service, {"data": rows.tolist()})
    want = model.predict(rows).tolist()
    worst = max(abs(a - b) for a, b in zip(got, want, strict=True))
    assert worst < 1e-9, f"the service and the model differ by {worst}: {got} {want}"


def check_digits(service: Any, model: Any) -> None:
    from sklearn.datasets import load_digits

    images = load_digits(return_X_y=True)[0][:8] / 16
    answer = score(service, {"X": images.astype("float32").tolist()})
    got = answer["label"] if "label" in answer else answer["output_label"]
    want = model.predict(images).tolist()
    assert list(got) == want, f"the service says {got}, the model {want}"


def run(folder: pathlib.Path) -> list[Any]:
    from slipway import Workspace
    from slipway.compute import AksCompute, ComputeTarget
    from slipway.model import InferenceConfig, Model
    from slipway.webservice import AksWebservice

    ridge = stage("train ridge regression on diabetes", lambda: train_ridge(folder))
    digits = stage("train a digits classifier, export to ONNX", lambda: train_digits(folder))
    ws = stage("open the workspace", lambda: next(iter(Workspace.list().values()))[0])

    def create_target() -> Any:
        purpose = AksCompute.ClusterPurpose.DEV_TEST
        config = AksCompute.provisioning_configuration(cluster_purpose=purpose)
        target = ComputeTarget.create(ws, "myaks", config)
        target.wait_for_completion()
        return target

    target = stage("create compute target myaks", create_target)
    ridge_path = str(folder / "sklearn_regression_model.pkl")
    ridge_model = stage("register ridge", lambda: Model.register(ws, ridge_path, "ridge"))
    digits_model = stage(
        "register digits",
        lambda: Model.register(
            ws, str(folder / "digits.onnx"), "digits", model_framework=Model.Framework.ONNX
        ),
    )
    deployment = AksWebservice.deploy_configuration(cpu_cores=0.5, memory_gb=1, num_replicas=1)

    def deploy(name: str, model: Any, inference: Any) -> Any:
        service = Model.deploy(ws, name, [model], inference, deployment, target)
        service.wait_for_deployment(show_output=os.environ.get("VERBOSE") == "1")
        assert service.state == "Healthy", service.state
        return service

    inference = InferenceConfig(
        entry_script="score.py", source_directory=str(HERE), environment=ridge_environment()
    )
    onnx = stage(
        "deploy digits (ONNX, no entry script)", lambda: deploy("digits", digits_model, None)
    )
    python = stage(
        "deploy ridge (builds its environment once)",
        lambda: deploy("ridge", ridge_model, inference),
    )
    stage("score digits, compare with the model", lambda: check_digits(onnx, digits))
    stage("score ridge, compare with the model", lambda: check_ridge(python, ridge))
    return [python, onnx]


def report(services: list[Any], binary: str, data_dir: pathlib.Path, keep: bool) -> None:
    width = max(len(name) for name, _ in STAGES)
    print(f"\n{'stage':<{width}}  seconds")
    for name, seconds in STAGES:
        print(f"{name:<{width}}  {seconds:7.2f}")
    print("\nBoth services answered as their models do.")
    for service in services:
        print(f"  {service.name:<8} {service.scoring_uri}")
    if keep:
        print(
            f"\nThe server goes on. Go on with:\n"
            f'  eval "$({binary} env --data-dir {data_dir})"\n'
            f"  {binary} ml service list -o table\n"
            f"  {binary} ml service run -n ridge -d '{{\"data\": [[0.1,0,0,0,0,0,0,0,0,0]]}}'\n"
            f"  {binary} down --data-dir {data_dir}"
        )
    else:
        print("\nKEEP=1 make demo leaves the server running. Next: docs/quickstart.md")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="the slipway program")
    binary = str(pathlib.Path(parser.parse_args().bin).resolve())
    keep = os.environ.get("KEEP") == "1"
    root = pathlib.Path(tempfile.mkdtemp(prefix="slipway-demo-"))
    data_dir = root / "data"
    try:
        stage("start the server", lambda: start_server(binary, data_dir))
        report(run(root), binary, data_dir, keep)
    finally:
        if not keep:
            subprocess.run([binary, "down", "--data-dir", str(data_dir)], stdout=subprocess.DEVNULL)
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
