"""Exceptions that entry scripts may catch."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)


class AzureMLException(Exception):
    """Base of them all."""


class UserErrorException(AzureMLException):
    """The caller's input breaks a rule."""


class ModelNotFoundException(UserErrorException):
    """No such model or version."""
