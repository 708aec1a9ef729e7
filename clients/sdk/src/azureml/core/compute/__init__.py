"""Compute targets, by their documented names."""

from slipway.compute import (
    AksCompute,
    ComputeTarget,
)

__all__ = [
    "AksCompute",
    "ComputeTarget",
]
