from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from azureml.core.model import Model

__all__ = ["Model"]
