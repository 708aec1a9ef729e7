"""InferenceConfig: checks, the driver program, the source archive, the image request."""

import importlib.util
import tarfile

import pytest

from azureml.core import Environment
from azureml.core.model import InferenceConfig
from slipway import _artifacts
from slipway.exceptions import UserErrorException
from slipway.inference import driver_source, pack

SCRIPT = "def init():\n    pass\ndef run(data):\n    return data + '!'\n"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "code"
    (made / "sub" / "__pycache__").mkdir(parents=True)
    (made / "score.py").write_text(SCRIPT)
    (made / "sub" / "helper.py").write_text("")
    (made / "sub" / "__pycache__" / "helper.pyc").write_text("")
    return made


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("score.txt", SCRIPT, "must end in .py"),
        ("my-score.py", SCRIPT, "must end in .py"),
        ("class.py", SCRIPT, "must end in .py"),
        ("score.py", "def init(:\n", "not valid Python.*line 1"),
        ("score.py", None, "does not exist"),
    ],
)
def test_entry_script_rules(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserErrorException, match=message):
        InferenceConfig(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environment": Environment("e"), "runtime": "python"}, "excludes runtime"),
        ({"environment": Environment("e"), "base_image": "x"}, "excludes base_image"),
        ({"runtime": "perl"}, "runtime 'perl' is unknown"),
        ({"cuda_version": "8.0"}, "cuda_version '8.0' is unknown"),
        ({"enable_gpu": True}, "enable_gpu is no longer supported"),
        ({"extra_docker_file_steps": "x"}, "extra_docker_file_steps is no longer supported"),
        ({"conda_file": "no.yml"}, "conda_file 'no.yml' does not exist"),
        ({"source_directory": "nowhere"}, "source_directory .* does not exist"),
    ],
)
def test_options_that_exclude_each_other(folder, options, message):
    options = {"source_directory": folder, **options}
    with pytest.raises(UserErrorException, match=message):
        InferenceConfig("score.py", **options)


def test_an_old_runtime_becomes_an_environment(folder):
    (folder / "env.yml").write_text("dependencies:\n- python=3.8\n")
    config = InferenceConfig(
        "score.py", source_directory=folder, runtime="python", conda_file="env.yml"
    )
    made = config.environment_for("myservice")
    assert made.name == "myservice-env"
    assert made.python.conda_dependencies.get_python_version() == "3.8"


@pytest.mark.parametrize(
    ("script", "headers", "answer"),
    [
        (SCRIPT, {"a": "b"}, "hi!"),
        (
            "def init(): pass\ndef run(data, request_headers):\n"
            "    return data + request_headers['a']\n",
            {"a": "b"},
            "hib",
        ),
    ],
)
def test_the_driver_hands_calls_on(tmp_path, script, headers, answer):
    (tmp_path / "score.py").write_text(script)
    driver = tmp_path / "driver_1.py"
    driver.write_text(driver_source("score.py"))
    spec = importlib.util.spec_from_file_location("driver_1", driver)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.init()
    assert module.run("hi", headers) == answer


def test_pack_leaves_caches_out_and_is_reproducible(folder, tmp_path):
    first, second = pack(folder, tmp_path), pack(folder, tmp_path)
    with tarfile.open(first) as tar:
        assert tar.getnames() == ["code/score.py", "code/sub/helper.py"]
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("with_directory", [True, False])
def test_image_request(folder, monkeypatch, with_directory):
    uploaded = []

    def upload(workspace, files, tell=None):
        uploaded.append({path: file.read_bytes() for path, file in files.items()})
        return f"c{len(uploaded)}"

    monkeypatch.setattr(_artifacts, "upload", upload)
    environment = Environment("e")
    environment.environment_variables["MINE"] = "1"
    if with_directory:
        config = InferenceConfig("score.py", source_directory=folder, environment=environment)
    else:
        config = InferenceConfig(folder / "score.py", environment=environment)
    request = config._image_request(None, "svc", ["m:1", "n:2"])

    driver, code = request["assets"]
    assert request["driverProgram"] == driver["id"]
    assert driver["url"] == f"aml://artifact/LocalUpload/c1/{driver['id']}"
    assert driver["mimeType"] == "application/x-python"
    assert code["url"] == f"aml://artifact/LocalUpload/c2/{code['id']}"
    assert code["mimeType"] == "application/octet-stream"
    assert code.get("unpack") == (True if with_directory else None)
    assert request["modelIds"] == ["m:1", "n:2"]
    expected = {"MINE": "1", "AZUREML_ENTRY_SCRIPT": "score.py"}
    if with_directory:
        expected["AZUREML_ENTRY_SCRIPT"] = "code/score.py"
        expected["AZUREML_SOURCE_DIRECTORY"] = "code"
    assert request["environment"]["environmentVariables"] == expected
    assert environment.environment_variables == {"MINE": "1"}
    assert list(uploaded[1]) == [code["id"]]


def test_a_missing_server_package_is_warned_of(folder):
    environment = Environment("e")
    environment.python.conda_dependencies.remove_pip_package("azureml-defaults")
    with pytest.warns(UserWarning, match="does not list azureml-defaults"):
        InferenceConfig(folder / "score.py", environment=environment)
