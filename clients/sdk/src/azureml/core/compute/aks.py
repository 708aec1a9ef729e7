"""AksCompute, by its documented name."""

from slipway._aks_cluster import (
    AksAttachConfiguration,
    AksProvisioningConfiguration,
    AksUpdateConfiguration,
    SslConfiguration,
)
from slipway.compute import AksCompute

__all__ = [
    "AksAttachConfiguration",
    "AksCompute",
    "AksProvisioningConfiguration",
    "AksUpdateConfiguration",
    "SslConfiguration",
]
