"""Webservice, by its documented name."""

from slipway.webservice import (
    Webservice,
)

__all__ = [
    "Webservice",
]
