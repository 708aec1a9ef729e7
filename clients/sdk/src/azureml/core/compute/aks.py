"""AksCompute, by its documented name."""

from slipway.compute import (
    AksAttachConfiguration,
    AksCompute,
    AksProvisioningConfiguration,
    AksUpdateConfiguration,
    SslConfiguration,
)

__all__ = [
    "AksAttachConfiguration",
    "AksCompute",
    "AksProvisioningConfiguration",
    "AksUpdateConfiguration",
    "SslConfiguration",
]
