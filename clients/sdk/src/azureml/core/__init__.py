"""The documented names of deployment; each is Slipway's own class."""

from slipway import ComputeTarget, Environment, Model, Webservice, Workspace

__all__ = ["ComputeTarget", "Environment", "Model", "Webservice", "Workspace"]
