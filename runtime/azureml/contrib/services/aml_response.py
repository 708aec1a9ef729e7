from slipway_runtime.http import AMLResponse

__all__ = ["AMLResponse"]
