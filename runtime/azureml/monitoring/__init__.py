"""ModelDataCollector: keeps inputs and predictions of a service as CSV files."""

from slipway_runtime.collector import ModelDataCollector

__all__ = ["ModelDataCollector"]
