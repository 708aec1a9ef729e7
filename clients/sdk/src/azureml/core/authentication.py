"""The login, by its documented names."""

from slipway.authentication import (
    AbstractAuthentication,
    InteractiveLoginAuthentication,
    MsiAuthentication,
)

__all__ = [
    "AbstractAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
]
