from slipway_runtime.http import AMLRequest, rawhttp

__all__ = ["AMLRequest", "rawhttp"]
