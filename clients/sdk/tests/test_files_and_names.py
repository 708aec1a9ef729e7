"""Local files, addresses, names, the workspace's config.json, and where models lie."""

import json
import socket
from pathlib import Path

import pytest

from azureml.core.model import Model
from azureml.exceptions import ModelNotFoundException, UserErrorException, WebserviceException
from slipway._artifacts import below, local_files, without_userinfo
from slipway._deploy import Request, check
from slipway._names import check_model_name, check_service_name
from slipway.exceptions import ServiceException
from slipway.model import filter_text
from slipway.resource_configuration import ResourceConfiguration
from slipway.workspace import find_config, read_config


def test_a_file_and_a_folder(tmp_path, monkeypatch):
    (tmp_path / "m" / "sub").mkdir(parents=True)
    (tmp_path / "m" / "b").write_text("")
    (tmp_path / "m" / "sub" / "a").write_text("")
    assert list(local_files(tmp_path / "m" / "b")) == ["b"]
    assert list(local_files(tmp_path / "m")) == ["m/b", "m/sub/a"]
    monkeypatch.chdir(tmp_path / "m")
    assert list(local_files(Path("."))) == ["m/b", "m/sub/a"]


def test_what_can_not_be_uploaded(tmp_path):
    with pytest.raises(UserErrorException, match="does not exist"):
        local_files(tmp_path / "no")
    with pytest.raises(UserErrorException, match="is empty"):
        local_files(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(UserErrorException, match="neither a file nor a folder"):
            local_files(tmp_path / "s")
        with pytest.raises(UserErrorException, match="no regular file"):
            local_files(tmp_path)


def test_the_hint_in_an_upload_address_is_removed():
    given = "https://amlstore.blob.x@127.0.0.1:9/azureml/ab?sv=1&sig=a%2Fb"
    assert without_userinfo(given) == "https://127.0.0.1:9/azureml/ab?sv=1&sig=a%2Fb"


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "."])
def test_downloads_stay_in_their_folder(tmp_path, path):
    with pytest.raises(ServiceException, match="outside"):
        below(tmp_path, path)
    assert below(tmp_path, "a/b") == tmp_path.resolve() / "a" / "b"


@pytest.mark.parametrize("name", ["", "-a", "a b", "a" * 256, "a\n"])
def test_model_names(name):
    check_model_name("Diabetes.v2_x-1")
    with pytest.raises(WebserviceException, match="model name"):
        check_model_name(name)


@pytest.mark.parametrize("name", ["ab", "Abc", "1bc", "abc-", "a" * 33, "a_b", "abc\n"])
def test_service_names(name):
    check_service_name("my-service-1")
    with pytest.raises(WebserviceException, match="provided service name is invalid"):
        check_service_name(name)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, None),
        (["a", ["b", "c"]], "a,b=c"),
        ({"a": "b"}, "a=b"),
        ("a", "a"),
    ],
)
def test_filters(given, text):
    assert filter_text(given) == text


@pytest.mark.parametrize(
    "config",
    [
        {"subscription_id": "s", "resource_group": "g", "workspace_name": "w"},
        {
            "Id": None,
            "Scope": "/subscriptions/s/resourceGroups/g/providers/M/workspaces/w",
        },
    ],
)
@pytest.mark.parametrize("place", [".azureml", "aml_config", "."])
def test_config_files(tmp_path, config, place):
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "config.json").write_text(json.dumps(config))
    (tmp_path / "deep" / "down").mkdir(parents=True)
    file = find_config(tmp_path / "deep" / "down")
    assert read_config(file) == ("s", "g", "w")
    assert find_config(file) == file


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Scope": "/subscriptions"}'])
def test_wrong_config_files(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserErrorException, match="names no workspace"):
        read_config(tmp_path / "config.json")


def test_model_path_in_a_service(tmp_path, monkeypatch):
    monkeypatch.setenv("AML_APP_ROOT", str(tmp_path))
    for version in ("2", "10"):
        (tmp_path / "azureml-models" / "m" / version).mkdir(parents=True)
        (tmp_path / "azureml-models" / "m" / version / "m.pkl").write_text("")
    assert Model.get_model_path("m").endswith("m/10/m.pkl")
    assert Model.get_model_path("m", 2).endswith("m/2/m.pkl")
    with pytest.raises(ModelNotFoundException, match="version 3"):
        Model.get_model_path("m", 3)


@pytest.mark.parametrize("options", [{"cpu": 0}, {"memory_in_gb": -1}, {"gpu": 0.5}])
def test_resource_configuration(options):
    with pytest.raises(UserErrorException, match=next(iter(options))):
        ResourceConfiguration(**options)


class _Model:
    id = "m:1"

    def __init__(self, framework=None):
        self.model_framework = framework


class _Target:
    name = "myaks"


@pytest.mark.parametrize(
    ("models", "config", "target", "message"),
    [
        (["m:1"], None, _Target(), "models must be registered models"),
        ([_Model("Onnx")], {"cpu": 1}, _Target(), "must come from AksWebservice"),
        ([_Model("Onnx")], None, None, "no compute target"),
        ([_Model()], None, _Target(), "has the framework None"),
        ([_Model("Onnx")] * 2, None, _Target(), "exactly one model"),
    ],
)
def test_what_deploy_refuses(models, config, target, message):
    with pytest.raises(WebserviceException, match=message):
        check(Request(None, "myservice", models, None, config, target))


def test_a_model_that_runs_by_itself_needs_no_script():
    check(Request(None, "myservice", [_Model("Onnx")], None, None, _Target()))
