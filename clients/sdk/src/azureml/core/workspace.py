"""Workspace, by its documented name."""

from slipway.workspace import (
    Workspace,
)

__all__ = [
    "Workspace",
]
