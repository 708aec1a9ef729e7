"""ResourceConfiguration, by its documented name."""

from slipway.resource_configuration import (
    ResourceConfiguration,
)

__all__ = [
    "ResourceConfiguration",
]
