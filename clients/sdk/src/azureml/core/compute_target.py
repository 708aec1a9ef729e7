"""ComputeTargetException, by its documented name."""

from slipway.exceptions import (
    ComputeTargetException,
)

__all__ = [
    "ComputeTargetException",
]
