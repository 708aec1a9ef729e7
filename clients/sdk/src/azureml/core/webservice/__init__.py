"""Web services, by their documented names."""

from slipway.webservice import (
    AksWebservice,
    Webservice,
)

__all__ = [
    "AksWebservice",
    "Webservice",
]
