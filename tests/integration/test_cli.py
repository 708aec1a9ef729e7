"""The command line as its users drive it: formats, files, exit codes, the `az` link."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest
from conftest import IRIS_ROW, Client


@pytest.fixture(scope="module", autouse=True)
def target(slipway, onnx_model: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    client = Client(slipway, tmp_path_factory.mktemp("cli"))
    client.create_target("cliaks")
    client.register_onnx(onnx_model, "climodel")
    return client


def test_register_download_round_trip(client: Client, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "folder"
    (source / "sub").mkdir(parents=True)
    (source / "a b.txt").write_text("first")
    (source / "sub" / "big.bin").write_bytes(os.urandom(70 << 20))  # above one PUT: blocks
    metadata = tmp_path / "model.json"
    words = ("model", "register", "-n", "folder", "-p", str(source), "-t", str(metadata))
    model = client.ml(*words, "--tag", "stage=test", "--property", "origin=here")
    assert model["id"] == json.loads(metadata.read_text())["modelId"]
    assert model["tags"] == {"stage": "test"} and model["properties"] == {"origin": "here"}
    client.ml("model", "download", "-i", model["id"], "-t", str(tmp_path / "back"))
    for name in ("a b.txt", "sub/big.bin"):
        assert (tmp_path / "back/folder" / name).read_bytes() == (source / name).read_bytes()
    again = client.ml(
        "model", "download", "-i", model["id"], "-t", str(tmp_path / "back"), check=False
    )
    assert again.returncode == 1 and "--overwrite" in again.stderr


def test_update_and_list_a_model(client: Client) -> None:
    model = client.ml("model", "update", "-i", "climodel:1", "--add-tag", "a=1", "b=2")
    assert model["tags"] == {"a": "1", "b": "2"}
    model = client.ml("model", "update", "-i", "climodel:1", "--remove-tag", "a")
    assert model["tags"] == {"b": "2"}
    assert client.ml("model", "list", "-n", "climodel", "--query", "[0].id") == "climodel:1"


def test_deploy_run_update_delete(client: Client) -> None:
    words = ("model", "deploy", "-ct", "cliaks", "-m", "climodel:1", "-n", "clisvc")
    service = client.ml(*words, "--nr", "1", "--cc", "0.1", "--gb", "0.25")
    assert service["state"] == "Healthy", service
    answer = client.ml("service", "run", "-n", "clisvc", "-d", json.dumps(IRIS_ROW))
    assert answer["label"] == [0]
    keys = client.ml("service", "get-keys", "-n", "clisvc")
    changed = client.ml("service", "regen-key", "-n", "clisvc", "-k", "primary")
    assert changed["primaryKey"] != keys["primaryKey"]
    assert changed["secondaryKey"] == keys["secondaryKey"]
    updated = client.ml("service", "update", "-n", "clisvc", "--add-tag", "x=y", "-v")
    assert updated["kvTags"] == {"x": "y"}
    assert client.ml("service", "delete", "-n", "clisvc") == {"name": "clisvc"}
    assert client.ml("service", "show", "-n", "clisvc", check=False).returncode == 3


def test_environment_round_trip(client: Client, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "env"
    client.ml("environment", "scaffold", "-n", "clienv", "-d", str(folder))
    made = client.ml("environment", "register", "-d", str(folder))
    assert made["name"] == "clienv"
    assert client.ml("environment", "register", "-d", str(folder))["version"] == made["version"]
    client.ml("environment", "download", "-n", "clienv", "-d", str(tmp_path / "copy"))
    assert "azureml-defaults" in (tmp_path / "copy/conda_dependencies.yml").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("model", "shw"), 2, "did you mean 'show'"),
        (("model", "show", "-i", "nosuch:1"), 3, "nosuch"),
        (("model", "list", "--query", "[?"), 2, "--query"),
        (("computetarget", "create", "aks", "-n", "cliaks"), 1, "cliaks"),
    ],
)
def test_exit_codes(client: Client, words: tuple[str, ...], code: int, said: str) -> None:
    done = client.ml(*words, check=False)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not done.stdout


def test_formats(client: Client) -> None:
    words = ("ml", "computetarget", "list", "--query", "[].name")
    assert "cliaks" in client.server.cli(*words, "-o", "tsv").stdout.split("\n")
    assert "Result" in client.server.cli(*words, "-o", "table").stdout
    assert "- cliaks" in client.server.cli(*words, "-o", "yaml").stdout


def test_az_link(client: Client, tmp_path: pathlib.Path) -> None:
    client.server.cli("install-az-shim", str(tmp_path))

    def az(*words: str) -> str:
        command = [str(tmp_path / "az"), *words]
        return subprocess.run(
            command, env=client.server.env, check=True, capture_output=True, text=True
        ).stdout

    subscription = json.loads(az("account", "show"))["id"]
    az("account", "set", "-s", subscription)
    workspace = json.loads(az("ml", "workspace", "show"))
    group = f"group={workspace['resourceGroup']}"
    az("configure", "--defaults", group, f"workspace_name={workspace['name']}")
    assert json.loads(az("ml", "computetarget", "show", "-n", "cliaks"))["name"] == "cliaks"


def test_folder_attach(client: Client, tmp_path: pathlib.Path) -> None:
    client.ml("folder", "attach", "--path", str(tmp_path))
    assert "Scope" in json.loads((tmp_path / ".azureml/config.json").read_text())
    assert isinstance(client.ml("model", "list", "--path", str(tmp_path / ".azureml")), list)


def test_no_server_names_the_remedy(slipway, tmp_path: pathlib.Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    command = [slipway.bin, "ml", "model", "list"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and "slipway up" in done.stderr, done.stderr
