"""Waiting for operations: often at first, so that nobody waits for nothing, then calmly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Optional, Type

from slipway.exceptions import AzureMLException

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
GROWTH = 1.5


class Backoff:
    """The pauses between two looks: 0.1 s, each half as long again, up to 1 s.

    A Retry-After of more than a second stretches the pause to it. A shorter one is a wish to be
    asked that often at most, which the longest pause grants in the long run: the short first
    pauses stay.
    """

    def __init__(self) -> None:
        self._next = FIRST_PAUSE_S

    def pause(self, asked_s: Optional[float] = None) -> float:
        """Seconds to wait now."""
        own = self._next
        self._next = min(LONGEST_PAUSE_S, own * GROWTH)
        return asked_s if asked_s is not None and asked_s > LONGEST_PAUSE_S else own


def wait_until(
    look: Callable[[], Iterator[Optional[float]]],
    *,
    timeout_s: Optional[float] = None,
    what: str,
    error: Type[AzureMLException],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Exhaust `look()`, pausing at each item: the seconds that the server asked for, or None.

    Raises `error` after `timeout_s`; the operation itself goes on at the server.
    """
    backoff = Backoff()
    start = clock()
    for asked_s in look():
        pause = backoff.pause(asked_s)
        if timeout_s is not None:
            left = start + timeout_s - clock()
            if left <= 0:
                raise error(
                    f"{what} took longer than {timeout_s:g} s. It goes on at the server; "
                    "wait again to see its end."
                )
            pause = min(pause, left)
        sleep(pause)
