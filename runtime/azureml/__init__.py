"""The names that entry scripts import, without the retired packages behind them."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
