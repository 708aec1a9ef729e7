"""CondaDependencies: what goes in comes out."""

import sys

import pytest

from azureml.core.conda_dependencies import CondaDependencies
from slipway.conda_dependencies import package_name
from slipway.exceptions import UserErrorException


def test_create():
    made = CondaDependencies.create(
        pip_packages=["azureml-defaults", "joblib==1.4"],
        conda_packages=["scikit-learn=1.4"],
        python_version="3.10",
    )
    assert made.as_dict() == {
        "name": "project_environment",
        "channels": ["conda-forge"],
        "dependencies": [
            "python=3.10",
            {"pip": ["azureml-defaults", "joblib==1.4"]},
            "scikit-learn=1.4",
        ],
    }


def test_defaults_are_the_running_python_and_the_server_package():
    made = CondaDependencies()
    assert made.get_python_version() == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert made.pip_packages == ["azureml-defaults"]


def test_a_package_is_replaced_by_its_name():
    made = CondaDependencies.create(pip_packages=["Scikit_Learn==0.22"], conda_packages=["numpy"])
    made.add_pip_package("scikit-learn>=1")
    made.add_conda_package("numpy=1.26")
    made.set_python_version("3.9")
    made.set_python_version("3.11.4")
    assert made.pip_packages == ["scikit-learn>=1"]
    assert made.conda_packages == ["python=3.11.4", "numpy=1.26"]
    assert made.get_python_version() == "3.11.4"


def test_options_are_not_packages():
    made = CondaDependencies.create(pip_packages=["a"], pip_indexurl="https://one.example/simple")
    made.set_pip_index_url("https://two.example/simple")
    assert made.pip_options == ["--index-url https://two.example/simple"]
    assert made.pip_packages == ["a"]
    made.remove_pip_option("--index-url")
    assert made.pip_options == []


def test_file_round_trip(tmp_path):
    first = CondaDependencies.create(pip_packages=["é==1"], conda_packages=["numpy"])
    first.add_channel("defaults")
    first.save_to_file(tmp_path, "env.yml")
    second = CondaDependencies(tmp_path / "env.yml")
    assert second.as_dict() == first.as_dict()
    assert second.serialize_to_string() == first.serialize_to_string()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "a conda specification is a mapping"),
        ("dependencies: numpy\n", "a conda specification is a mapping"),
        ("dependencies:\n- numpy: 1\n- 3\n", "3 stands there"),
        ("dependencies:\n- pip: joblib\n", "stands there"),
        ("dependencies: [\n", "is not YAML"),
        ("", "a conda specification is a mapping"),
    ],
)
def test_wrong_files(tmp_path, text, message):
    (tmp_path / "env.yml").write_text(text)
    with pytest.raises(UserErrorException, match=message):
        CondaDependencies(tmp_path / "env.yml")


def test_missing_file():
    with pytest.raises(UserErrorException, match="no-such.yml"):
        CondaDependencies("no-such.yml")


@pytest.mark.parametrize(
    ("specification", "name"),
    [
        ("numpy", "numpy"),
        ("numpy=1.2=py38_0", "numpy"),
        ("conda-forge::lightgbm>=3", "lightgbm"),
        ("Foo_Bar[extra]>=1; python_version<'3.9'", "foo-bar"),
        ("--index-url x", ""),
    ],
)
def test_package_name(specification, name):
    assert package_name(specification) == name
