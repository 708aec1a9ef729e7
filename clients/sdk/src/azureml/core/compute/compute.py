"""ComputeTarget, by its documented name."""

from slipway.compute import (
    ComputeTarget,
)

__all__ = [
    "ComputeTarget",
]
