"""What the document assumes: ws, model and inference_config."""

import tempfile
from pathlib import Path

import joblib
import sklearn
from azureml.core import Environment, Model, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import InferenceConfig
from azureml.exceptions import ModelNotFoundException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

HERE = Path(__file__).parent

ws = next(iter(Workspace.list().values()))[0]

features, targets = load_diabetes(return_X_y=True)
regressor = Ridge(alpha=0.03).fit(features, targets)

try:
    model = Model(ws, "mymodel")
except ModelNotFoundException:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ridge.pkl")
        joblib.dump(regressor, path)
        model = Model.register(ws, path, "mymodel", model_framework=Model.Framework.SCIKITLEARN)

environment = Environment("diabetes")
environment.python.conda_dependencies = CondaDependencies.create(
    pip_packages=["azureml-defaults", "joblib", f"scikit-learn=={sklearn.__version__}"]
)
inference_config = InferenceConfig(HERE / "score.py", environment=environment)
