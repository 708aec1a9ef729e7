"""ContainerRegistry, by its documented name."""

from slipway.environment import (
    ContainerRegistry,
)

__all__ = [
    "ContainerRegistry",
]
