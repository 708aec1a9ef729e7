"""Exceptions, by their documented names."""

from slipway.exceptions import (
    AuthenticationException,
    AzureMLException,
    ComputeTargetException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    ProjectSystemException,
    RunEnvironmentException,
    ServiceException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
)

__all__ = [
    "AuthenticationException",
    "AzureMLException",
    "ComputeTargetException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "ProjectSystemException",
    "RunEnvironmentException",
    "ServiceException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
]
