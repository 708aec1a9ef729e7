"""How objects look: one line in a console, a small table in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any, Dict


class Shown:
    """Base of everything that has a ``_summary``: a short, ordered dictionary."""

    def _summary(self) -> Dict[str, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self._summary().items())
        return f"{type(self).__name__}({inside})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(key)}</th>"
            f"<td style='text-align:left'>{_cell(value)}</td></tr>"
            for key, value in self._summary().items()
        )
        return f"<table><caption><b>{escape(type(self).__name__)}</b></caption>{rows}</table>"


def _cell(value: Any) -> str:
    text = "" if value is None else escape(str(value))
    if text.startswith(("https://", "http://")):
        return f"<a href='{escape(text, quote=True)}'>{text}</a>"
    return text
