"""Model data collection into CSV files below $SLIPWAY_DATA_COLLECTION_DIR."""

import csv
import datetime
import os
import sys
import uuid

from slipway_runtime import output

CORRELATIONS = (
    "$aml_dc_correlation_id",
    "$aml_dc_scoring_timestamp",
    "$aml_dc_boundary",
    "$aml_workspace",
    "$aml_service_name",
    "$aml_model_name",
    "$aml_model_version",
    "$aml_request_id",
)


def _rows(data):
    """Rows and, where the data has them, column names. Lists, numpy and pandas."""
    columns = [str(name) for name in getattr(data, "columns", ())]
    values = getattr(data, "values", data)
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    return [row if isinstance(row, list) else [row] for row in values], columns


class ModelDataCollector:
    """Writes nothing unless collection is on for the service (AML_MODEL_DC_STORAGE_ENABLED)."""

    def __init__(
        self,
        model_name,
        designation="default",
        feature_names=None,
        workspace=None,
        webservice_name=None,
        model_version=None,
        collection_name=None,
    ):
        environment = os.environ
        self.model_name = model_name
        self.designation = designation
        self.feature_names = list(feature_names or ())
        self.workspace = workspace or environment.get("WORKSPACE_NAME", "default")
        self.webservice_name = webservice_name or environment.get("SERVICE_NAME", "default")
        self.model_version = str(model_version or "default")
        self.collection_name = collection_name or designation
        self._root = environment.get("SLIPWAY_DATA_COLLECTION_DIR", "")
        self._debug = environment.get("AML_MODEL_DC_DEBUG", "").lower() == "true"
        self._enabled = environment.get("AML_MODEL_DC_STORAGE_ENABLED", "").lower() == "true"

    def collect(self, data, user_correlation_id=""):
        """Keeps `data` and returns its correlation columns, for add_correlations()."""
        now = datetime.datetime.utcnow()
        correlation = (user_correlation_id + "-" if user_correlation_id else "") + str(uuid.uuid4())
        hourly = os.environ.get("AML_MODEL_DC_BOUNDARY", "") == "hour"
        values = (
            correlation,
            now.isoformat(),
            "60" if hourly else "1440",
            self.workspace,
            self.webservice_name,
            self.model_name,
            self.model_version,
            output.request_id(),
        )
        correlations = dict(zip(CORRELATIONS, values))
        rows, columns = _rows(data)
        names = (
            columns
            or self.feature_names
            or [str(i) for i in range(max((len(row) for row in rows), default=0))]
        )
        self._write(now, names, [list(row) + list(values) for row in rows])
        return correlations

    def add_correlations(self, data, correlations):
        """`data` as rows with the columns of `correlations` at the end of each."""
        values = [correlations[name] for name in CORRELATIONS]
        if hasattr(data, "assign"):
            return data.assign(**correlations)
        return [list(row) + values for row in _rows(data)[0]]

    def _write(self, now, names, rows):
        if self._debug:
            csv.writer(sys.stdout).writerows(rows)
        if not (self._enabled and self._root):
            return
        environment = os.environ
        parts = (
            environment.get("SUBSCRIPTION_ID", "local"),
            environment.get("RESOURCE_GROUP", "local"),
            self.workspace,
            self.webservice_name,
            self.model_name,
            self.model_version,
            self.designation,
            now.strftime("%Y"),
            now.strftime("%m"),
            now.strftime("%d"),
        )
        safe = [part.lower().replace("/", "_").replace("..", "_") for part in parts]
        folder = os.path.join(self._root, "modeldata", *safe)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, self.collection_name.lower().replace("/", "_") + ".csv")
        fresh = not os.path.exists(path)
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(list(names) + list(CORRELATIONS))
            writer.writerows(rows)
