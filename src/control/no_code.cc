#include "control/no_code.h"

namespace slipway::control {

std::string no_code_script() {
  return R"PY("""Serves one pickled scikit-learn model: made for deployments without an entry script."""

import json
import os

import joblib


def init():
    global model
    root = os.environ["AZUREML_MODEL_DIR"]
    files = [os.path.join(at, name) for at, _, names in os.walk(root) for name in names]
    pickles = [f for f in files if f.endswith((".pkl", ".pickle", ".joblib", ".sav"))] or files
    if len(pickles) != 1:
        raise RuntimeError("expected one pickled model below %s, found: %s" % (root, files))
    model = joblib.load(pickles[0])


def run(raw_data):
    body = json.loads(raw_data)
    data = body.get("data", body.get("input"))
    if data is None:
        raise ValueError('the body needs a "data" (or "input") array of rows')
    default = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    method = body.get("method", default)
    if method not in ("predict", "predict_proba") or not hasattr(model, method):
        raise ValueError("this model has no method %r" % method)
    return getattr(model, method)(data).tolist()
)PY";
}

json::object no_code_environment(const std::string& framework_version) {
  const std::string scikit =
      framework_version.empty() ? "scikit-learn" : "scikit-learn==" + framework_version;
  json::array pip{"azureml-defaults", json::string(scikit), "numpy", "joblib"};
  json::array dependencies{json::object{{"pip", std::move(pip)}}};
  return {{"name", "slipway-scikit-learn"},
          {"python", json::object{{"condaDependencies",
                                   json::object{{"dependencies", std::move(dependencies)}}}}}};
}

}  // namespace slipway::control
