"""Environment: definitions to and from the wire and files."""

import pytest

from azureml.core import Environment
from azureml.core.container_registry import ContainerRegistry
from slipway.environment import requirement_lines
from slipway.exceptions import UserErrorException


def make():
    made = Environment("diabetes")
    made.environment_variables["A"] = "1"
    made.python.conda_dependencies.set_python_version("3.10")
    made.docker.base_image = "example/base:1"
    made.docker.base_image_registry = ContainerRegistry("example", "user", "secret")
    return made


def test_definition():
    definition = make()._to_payload()
    assert definition["name"] == "diabetes"
    assert definition["environmentVariables"] == {"A": "1"}
    assert definition["python"]["condaDependencies"]["dependencies"][0] == "python=3.10"
    assert definition["docker"]["baseImageRegistry"] == {
        "address": "example",
        "username": "user",
        "password": "secret",
    }


def test_definition_round_trip():
    definition = make()._to_payload()
    assert Environment._from_payload(definition)._to_payload() == definition


def test_directory_round_trip(tmp_path):
    make().save_to_directory(tmp_path / "e")
    assert Environment.load_from_directory(tmp_path / "e")._to_payload() == make()._to_payload()
    with pytest.raises(UserErrorException, match="exists already"):
        make().save_to_directory(tmp_path / "e")


def test_a_sparse_answer_is_enough():
    made = Environment._from_payload({"name": "AzureML-Minimal", "python": None})
    assert made.name == "AzureML-Minimal"
    assert not made.python.user_managed_dependencies


def test_requirements_file(tmp_path):
    (tmp_path / "more.txt").write_text("joblib # fast\n")
    main = tmp_path / "requirements.txt"
    main.write_text("# all\nnumpy==1.26\n\n-r more.txt\npandas \\\n >= 2\n")
    assert list(requirement_lines(main)) == ["numpy==1.26", "joblib", "pandas   >= 2"]
    made = Environment.from_pip_requirements("e", main)
    assert "joblib" in made.python.conda_dependencies.pip_packages


def test_requirements_files_that_include_each_other(tmp_path):
    (tmp_path / "a.txt").write_text("-r a.txt\n")
    with pytest.raises(UserErrorException, match="include each other"):
        Environment.from_pip_requirements("e", tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["", "AzureML-mine", "Microsoft-mine"])
def test_names(name):
    with pytest.raises(UserErrorException, match="must not be empty and not begin"):
        Environment(name)


def test_clone_is_deep():
    first = make()
    second = first.clone("other")
    second.environment_variables["A"] = "2"
    assert (first.name, first.environment_variables["A"]) == ("diabetes", "1")
    assert second.version is None
