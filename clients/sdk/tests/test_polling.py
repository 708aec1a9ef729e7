"""Waiting: the pauses, Retry-After, the time-out."""

import pytest

from slipway._polling import Backoff, wait_until
from slipway.exceptions import WebserviceException


def test_pauses_grow_to_a_second():
    backoff = Backoff()
    pauses = [backoff.pause() for _ in range(9)]
    assert pauses[:3] == pytest.approx([0.1, 0.15, 0.225])
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0


@pytest.mark.parametrize(("asked", "pause"), [(None, 0.1), (0.0, 0.1), (1.0, 0.1), (5.0, 5.0)])
def test_retry_after(asked, pause):
    assert Backoff().pause(asked) == pause


class Time:
    def __init__(self):
        self.now = 100.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


def test_it_ends_when_the_look_ends():
    time = Time()
    wait_until(
        lambda: iter([None, 7.0]),
        what="It",
        error=WebserviceException,
        sleep=time.sleep,
        clock=time.clock,
    )
    assert time.slept == [0.1, 7.0]


def test_the_time_out_is_kept_to_the_moment():
    def forever():
        while True:
            yield 10.0

    time = Time()
    with pytest.raises(WebserviceException, match="It took longer than 25 s"):
        wait_until(
            forever,
            timeout_s=25,
            what="It",
            error=WebserviceException,
            sleep=time.sleep,
            clock=time.clock,
        )
    assert time.slept == [10.0, 10.0, 5.0]
