"""CondaDependencies, by its documented name."""

from slipway.conda_dependencies import (
    CondaDependencies,
)

__all__ = [
    "CondaDependencies",
]
