"""Slipway's Python SDK: register models, deploy them, score them.

The same classes are found under the documented ``azureml.core`` names.
"""

from slipway.compute import AksCompute, ComputeTarget
from slipway.conda_dependencies import CondaDependencies
from slipway.environment import Environment
from slipway.inference import InferenceConfig
from slipway.model import Model
from slipway.resource_configuration import ResourceConfiguration
from slipway.webservice import AksWebservice, Webservice
from slipway.workspace import Workspace

__all__ = [
    "AksCompute",
    "AksWebservice",
    "ComputeTarget",
    "CondaDependencies",
    "Environment",
    "InferenceConfig",
    "Model",
    "ResourceConfiguration",
    "Webservice",
    "Workspace",
]
__version__ = "0.1.0"
