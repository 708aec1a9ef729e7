"""AksWebservice, by its documented name."""

from slipway._aks_configuration import AksServiceDeploymentConfiguration
from slipway.webservice import AksServiceAccessToken, AksWebservice

__all__ = [
    "AksServiceAccessToken",
    "AksServiceDeploymentConfiguration",
    "AksWebservice",
]
