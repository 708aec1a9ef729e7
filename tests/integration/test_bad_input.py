"""Bad input to the control plane: a clear refusal, and nothing is left behind."""

from __future__ import annotations

import json
import pathlib
import socket
from typing import Any

import pytest
import requests
from conftest import Client, Server

ENTRY = "def init():\n    pass\n\ndef run(data):\n    return 1\n"


@pytest.fixture(scope="module")
def prepared(
    slipway: Server, onnx_model: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Client:
    client = Client(slipway, tmp_path_factory.mktemp("bad"))
    client.create_target("badaks", agents=2)
    client.register_onnx(onnx_model, "good")
    return client


def refused(client: Client, *arguments: str) -> str:
    done = client.ml(*arguments, check=False)
    assert done.returncode != 0, done.stdout
    assert "500" not in done.stderr, done.stderr
    return str(done.stderr)


def deploy(client: Client, name: str, *arguments: str, **changes: Any) -> tuple[str, ...]:
    config = client.deployment_config(**changes)
    target = () if "--ct" in arguments else ("--ct", "badaks")
    return ("model", "deploy", "-n", name, "--dc", config, *target, *arguments)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("Upper", {}, "Upper"),
        ("a", {}, "3"),
        ("ends-", {}, "ends-"),
        ("ok-name", {"containerResourceRequirements": {"cpu": -1, "memoryInGB": 1}}, "cpu"),
        ("ok-name", {"containerResourceRequirements": {"cpu": 1e9, "memoryInGB": 1}}, "cpu"),
        ("ok-name", {"containerResourceRequirements": {"cpu": 1, "memoryInGB": 0}}, "memory"),
        ("ok-name", {"scoringTimeoutMs": 0}, "scoringTimeoutMs"),
        ("ok-name", {"scoringTimeoutMs": 10**9}, "scoringTimeoutMs"),
        ("ok-name", {"numReplicas": -2}, "eplicas"),
        ("ok-name", {"authEnabled": True, "tokenAuthEnabled": True}, "both"),
        (
            "ok-name",
            {
                "numReplicas": None,
                "autoScaler": {"autoscaleEnabled": True, "minReplicas": 5, "maxReplicas": 2},
            },
            "autoscale_min_replicas",
        ),
        ("ok-name", {"frobnicate": 1}, "frobnicate"),
    ],
)
def test_deployment_configuration(
    prepared: Client, name: str, changes: dict[str, Any], said: str
) -> None:
    assert said in refused(prepared, *deploy(prepared, name, "-m", "good:1", **changes))
    assert not [s for s in prepared.ml("service", "list") if s["name"] == name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "nosuch:1"), "nosuch"),
        (("-m", "good:99"), "99"),
        (("-m", "good:1", "--ct", "nosuchtarget"), "nosuchtarget"),
        (("-m", "good:1", "-e", "nosuchenv"), "nosuchenv"),
    ],
)
def test_unknown_parts(prepared: Client, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(prepared, *deploy(prepared, "unknown-parts", *arguments))


def test_unknown_workspace(prepared: Client) -> None:
    assert "nosuchws" in refused(prepared, "model", "list", "-w", "nosuchws", "-g", "slipway")


def test_model_paths(prepared: Client, tmp_path: pathlib.Path) -> None:
    register = ("model", "register", "-n", "badpath", "-p")
    assert "nosuch" in refused(prepared, *register, str(tmp_path / "nosuch.pkl"))
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(prepared, *register, str(tmp_path / "empty"))
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert "s.sock" in refused(prepared, *register, str(path))
    assert not [m for m in prepared.ml("model", "list") if m["name"] == "badpath"]


def test_names_of_targets_and_the_vcpu_rule(prepared: Client) -> None:
    create = ("computetarget", "create", "aks", "-n")
    assert "1bad" in refused(prepared, *create, "1bad")
    text = refused(prepared, *create, "toosmall", "-a", "2", "-s", "Standard_D3_v2")
    assert "12" in text and "8" in text, text
    assert "Standard_D3_v3x" in refused(prepared, *create, "nosize", "-s", "Standard_D3_v3x")
    assert "badaks" in refused(
        prepared, *create, "badaks", "-a", "7", "--cluster-purpose", "DevTest"
    )


def test_text_named_onnx_fails_with_its_cause(prepared: Client, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("this is no model\n")
    prepared.register_onnx(path, "text")
    text = refused(prepared, *deploy(prepared, "text-service", "-m", "text:1"))
    assert "ModelLoadFailed" in text or "onnx" in text.lower(), text
    assert prepared.service("text-service")["state"] == "Failed"


def test_broken_pickle_fails_with_its_cause(prepared: Client, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "broken.pkl"
    path.write_bytes(b"\x80\x04not a pickle")
    prepared.ml("model", "register", "-n", "broken", "-p", str(path))
    script = (
        "import os, pickle\n"
        "def init():\n"
        "    pickle.load(open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'broken.pkl'), 'rb'))\n"
        "def run(data):\n    return 1\n"
    )
    inference = prepared.inference_config(script)
    text = refused(
        prepared, *deploy(prepared, "broken-service", "-m", "broken:1", "--ic", inference)
    )
    assert "pickle" in text.lower(), text


def test_entry_script_without_run(prepared: Client) -> None:
    inference = prepared.inference_config("def init():\n    pass\n")
    assert "run" in refused(
        prepared, *deploy(prepared, "no-run", "-m", "good:1", "--ic", inference)
    )


def test_conda_line_that_cannot_be_had(prepared: Client) -> None:
    inference = prepared.inference_config(ENTRY, pip=("azureml-defaults", "six==999.1"))
    text = refused(prepared, *deploy(prepared, "no-line", "-m", "good:1", "--ic", inference))
    assert "six==999.1" in text, text


def test_name_taken_and_in_use(prepared: Client) -> None:
    prepared.ml(*deploy(prepared, "taken", "-m", "good:1"))
    assert "taken" in refused(prepared, *deploy(prepared, "taken", "-m", "good:1"))
    assert "taken" in refused(prepared, "model", "delete", "-i", "good:1")
    assert "taken" in refused(prepared, "computetarget", "delete", "-n", "badaks")
    prepared.ml("service", "delete", "-n", "taken")


def rest(client: Client, method: str, path: str, **options: Any) -> requests.Response:
    server = client.server
    workspace = client.ml("workspace", "show")
    headers = {"Authorization": f"Bearer {server.token}"} | options.pop("headers", {})
    return requests.request(
        method,
        f"{server.url}/modelmanagement/v1.0{workspace['id']}{path}",
        headers=headers,
        verify=server.ca,
        timeout=30,
        **options,
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"{}", 400),
        (b"[" * 100_000, 400),
        (
            json.dumps({"name": "x" * 5000, "url": "aml://asset/none", "mimeType": "a"}).encode(),
            400,
        ),
        (json.dumps({"name": "m", "url": "aml://asset/none", "mimeType": "a"}).encode(), 400),
        (b" " * (8 << 20), 413),
    ],
)
def test_bodies_that_are_no_model(prepared: Client, body: bytes, status: int) -> None:
    answer = rest(prepared, "POST", "/models", data=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["statusCode"] == status


def test_two_writers_of_one_resource(prepared: Client, onnx_model: pathlib.Path) -> None:
    prepared.register_onnx(onnx_model, "contended")
    etag = rest(prepared, "GET", "/models/contended:1").headers["ETag"]
    patch = [{"op": "replace", "path": "/description", "value": "first"}]
    options: dict[str, Any] = {"json": patch, "headers": {"If-Match": etag}}
    assert rest(prepared, "PATCH", "/models/contended:1", **options).status_code == 200
    assert rest(prepared, "PATCH", "/models/contended:1", **options).status_code == 412


def test_foreign_token_is_refused(prepared: Client) -> None:
    for token in ("", "nonsense", "a.b.c", prepared.server.token[:-1] + "x"):
        headers = {"Authorization": f"Bearer {token}"}
        assert rest(prepared, "GET", "/models", headers=headers).status_code == 401
