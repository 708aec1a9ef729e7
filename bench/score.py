"""Classifies iris flowers: the script that is run by Slipway and by its peer alike."""

import json
import os

import joblib
import numpy


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "iris.joblib"))


def run(raw_data):
    rows = numpy.array(json.loads(raw_data)["data"])
    return model.predict(rows).tolist()
