"""The entry script: init() once per worker, run() per request."""

import json
import os

import joblib


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "ridge.pkl"))


def run(raw_data):
    return model.predict(json.loads(raw_data)["data"]).tolist()
