"""Everything that this package raises on purpose.

The names and the ancestry are the documented ones, so that ``except WebserviceException`` of an
existing script keeps working. Each exception carries what the server said.
"""

from __future__ import annotations

from typing import Optional


class AzureMLException(Exception):
    """The root of all.

    Attributes:
        message: The whole text for the person.
        code: The server's error code, such as ``WebserviceNotFound``; None for our own checks.
        status: The HTTP status of the answer; None when there was none.
    """

    def __init__(
        self, exception_message: str, code: Optional[str] = None, status: Optional[int] = None
    ) -> None:
        super().__init__(exception_message)
        self.message = exception_message
        self.code = code
        self.status = status


class UserErrorException(AzureMLException):
    """Something that you can put right: an argument, a file, a permission."""


class AuthenticationException(UserErrorException):
    """No login, or one that the server refused (HTTP 401)."""


class ServiceException(AzureMLException):
    """The server refused or failed, and no more specific exception fits."""


class ProjectSystemException(AzureMLException):
    """A workspace or its configuration file is missing or wrong."""


class WorkspaceException(ProjectSystemException):
    """A workspace can't be found, made or deleted."""


class WebserviceException(AzureMLException):
    """A model or a web service: wrong configuration, refused request, failed deployment."""


class ModelNotFoundException(WebserviceException):
    """The workspace has no such model."""


class ModelPathNotFoundException(UserErrorException):
    """The file or folder of a model does not exist."""


class ComputeTargetException(AzureMLException):
    """A compute target: not found, refused, failed."""


class RunEnvironmentException(AzureMLException):
    """An environment: not found, refused, build failed."""
