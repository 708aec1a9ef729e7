"""The runtime as a worker sees it: its own folder first on the path, nothing else of ours."""

import csv
import json
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

RUNTIME = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = [
    "$aml_dc_correlation_id",
    "$aml_dc_scoring_timestamp",
    "$aml_dc_boundary",
    "$aml_workspace",
    "$aml_service_name",
    "$aml_model_name",
    "$aml_model_version",
    "$aml_request_id",
]


def run(code: str, cwd: pathlib.Path, **env: str) -> str:
    """Standard output of `code` in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={"PYTHONPATH": str(RUNTIME), "PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("files", "call", "path"),
    [
        (["m/1/model.pkl"], "'m'", "m/1/model.pkl"),
        (["m/1/a.pkl", "m/2/b.pkl", "m/10/c.pkl"], "'m'", "m/10/c.pkl"),
        (["m/1/a.pkl", "m/2/b.pkl"], "'m', 1", "m/1/a.pkl"),
        (["m/1/a.bin", "m/1/b.bin"], "'m'", "m/1"),
    ],
)
def test_get_model_path(tmp_path: pathlib.Path, files: list[str], call: str, path: str) -> None:
    for name in files:
        file = tmp_path / "azureml-models" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    code = f"from azureml.core.model import Model; print(Model.get_model_path({call}))"
    assert run(code, tmp_path, AML_APP_ROOT=str(tmp_path)).endswith("azureml-models/" + path)


def test_get_model_path_of_an_unknown_model_names_those_deployed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "azureml-models/other/1").mkdir(parents=True)
    code = (
        "from azureml.core import Model\n"
        "from azureml.exceptions import ModelNotFoundException\n"
        "try:\n    Model.get_model_path('nosuch')\n"
        "except ModelNotFoundException as problem:\n    print(problem)"
    )
    assert "other" in run(code, tmp_path, AML_APP_ROOT=str(tmp_path))


@pytest.mark.parametrize(
    "module",
    [
        "azureml.contrib.services.aml_request",
        "azureml.contrib.services.aml_response",
        "azureml_inference_server_http.api.aml_request",
        "azureml_inference_server_http.api.aml_response",
    ],
)
def test_documented_modules_are_there(tmp_path: pathlib.Path, module: str) -> None:
    names = "AMLResponse" if module.endswith("response") else "AMLRequest, rawhttp"
    assert run(f"from {module} import {names}; print('ok')", tmp_path) == "ok"


def test_collected_data_lie_in_csv_files_with_the_documented_columns(
    tmp_path: pathlib.Path,
) -> None:
    code = (
        "from azureml.monitoring import ModelDataCollector\n"
        "c = ModelDataCollector('m', designation='inputs', feature_names=['a', 'b'])\n"
        "c.collect([[1, 2], [3, 4]])\n"
    )
    run(
        code,
        tmp_path,
        SLIPWAY_DATA_COLLECTION_DIR=str(tmp_path),
        AML_MODEL_DC_STORAGE_ENABLED="true",
        SERVICE_NAME="svc",
    )
    (file,) = tmp_path.rglob("*.csv")
    head, *rows = csv.reader(file.open())
    assert head == ["a", "b", *COLUMNS]
    assert [row[:2] for row in rows] == [["1", "2"], ["3", "4"]]


def test_frames_survive_being_cut_anywhere() -> None:
    sys.path.insert(0, str(RUNTIME))
    from slipway_runtime.protocol import READY, Channel

    near, far = socket.socketpair()
    writer, reader = Channel(near), Channel(far)
    value = {"text": "ü" * 200_000}
    thread = threading.Thread(target=writer.send_json, args=(READY, value))
    thread.start()
    kind, payload = reader.receive()
    thread.join()
    assert kind == READY
    assert json.loads(bytes(payload)) == value
    near.close()
    assert reader.receive() is None
    far.close()
