"""What show_output shows."""

import io

import pytest

from slipway._progress import Progress, log_lines


@pytest.mark.parametrize(
    ("streamed", "texts"),
    [
        ("", []),
        ("20200101000000|Building#20200101000001|Done", ["Building", "Done"]),
        ("20200101000000|Traceback:#  File 1", ["Traceback:", "  File 1"]),
        ("#20200101000000|Building#", ["Building"]),
        ("no time", ["no time"]),
    ],
)
def test_log_lines(streamed, texts):
    lines = log_lines(streamed)
    assert len(lines) == len(texts)
    assert all(line.endswith(text) for line, text in zip(lines, texts))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_output_has_no_control_characters():
    stream = io.StringIO()
    progress = Progress("Service s", True, stream)
    for state in ("Running", "Running"):
        progress.state(state)
    progress.log("20200101000000|Building")
    progress.done("Succeeded")
    first, log, last = stream.getvalue().splitlines()
    assert first == "Service s: Running"
    assert log.endswith(" Building")
    assert last.startswith("Service s: Succeeded (")
    assert "\033" not in stream.getvalue()


def test_a_terminal_gets_a_spinner_that_lines_wipe_away():
    stream = Terminal()
    progress = Progress("Service s", True, stream)
    progress.state("Running")
    progress.line("text")
    assert "| Service s: Running 0 s" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[Ktext\n")


def test_silence():
    stream = Terminal()
    progress = Progress("x", False, stream)
    progress.state("Running")
    progress.log("text")
    progress.done("Succeeded")
    assert stream.getvalue() == ""
