"""What show_output=True shows: live on a terminal, plain lines in files and notebooks."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from typing import Optional, TextIO

_FRAMES = "|/-\\"
_WIDTH = 100


class Progress:
    """Prints the lines of a log, and between them a spinner with the time so far on a terminal."""

    def __init__(self, title: str, show: bool, stream: Optional[TextIO] = None) -> None:
        self._show = show
        self._title = title
        self._stream = stream or sys.stdout
        self._live = show and self._stream.isatty()
        self._start = time.monotonic()
        self._state = ""
        self._frame = 0

    def log(self, streamed: Optional[str]) -> None:
        """Show new text of an operation's log, ``yyyymmddHHMMSS|text#yyyymmddHHMMSS|text``."""
        for line in log_lines(streamed or ""):
            self.line(line)

    def state(self, state: str) -> None:
        """Show the state when it has changed."""
        if state != self._state:
            self._state = state
            if not self._live:
                self.line(f"{self._title}: {state}")
        self._spin()

    def line(self, text: str) -> None:
        """Show one line that stays."""
        if self._show:
            self._wipe()
            self._stream.write(text + "\n")
            self._stream.flush()

    def done(self, text: str) -> None:
        """Show the end, with the time that it took."""
        self.line(f"{self._title}: {text} ({time.monotonic() - self._start:.1f} s)")

    def _spin(self) -> None:
        if self._live:
            self._wipe()
            frame = _FRAMES[self._frame % len(_FRAMES)]
            seconds = time.monotonic() - self._start
            self._stream.write(f"{frame} {self._title}: {self._state} {seconds:.0f} s"[:_WIDTH])
            self._stream.flush()
            self._frame += 1

    def _wipe(self) -> None:
        if self._live:
            self._stream.write("\r\033[K")


def log_lines(streamed: str) -> list[str]:
    """Lines with local time. What has no time goes on from the line before, and stays as it is."""
    lines = []
    for part in filter(None, streamed.split("#")):
        stamp, _, text = part.partition("|")
        when = _local_time(stamp)
        lines.append(f"{when} {text}" if when else part)
    return lines


def _local_time(stamp: str) -> Optional[str]:
    try:
        utc = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return utc.astimezone().strftime("%H:%M:%S")
