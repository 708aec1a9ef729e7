"""Entry script of the demo's ridge regression: what a data scientist writes."""

import json
import os

import joblib
import numpy as np


def init():
    global model
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_regression_model.pkl")
    model = joblib.load(path)


def run(raw_data):
    data = np.array(json.loads(raw_data)["data"])
    return model.predict(data).tolist()
