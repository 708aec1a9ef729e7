"""Model and InferenceConfig, by their documented names."""

from slipway.model import (
    InferenceConfig,
    Model,
)

__all__ = [
    "InferenceConfig",
    "Model",
]
