"""Environment, by its documented name."""

from slipway.environment import (
    DockerSection,
    Environment,
    PythonSection,
)

__all__ = [
    "DockerSection",
    "Environment",
    "PythonSection",
]
