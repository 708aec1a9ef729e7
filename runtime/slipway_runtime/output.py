"""Standard output and error of a worker: each line is led by the id of its request."""

import io
import os
import sys
import threading

NO_REQUEST = "00000000-0000-0000-0000-000000000000"

_prefix = (NO_REQUEST + ",").encode()


def set_request(request_id):
    """Lines written from now on belong to this request (None: to no request)."""
    global _prefix
    _prefix = ((request_id or NO_REQUEST) + ",").encode()


def request_id():
    """The id of the request that runs now; zeros outside of one."""
    return _prefix[:-1].decode()


class TaggedLines(io.RawIOBase):
    """Writes whole lines to `fd`, each after the current request's id and a comma. Any thread."""

    def __init__(self, fd):
        super().__init__()
        self._fd = fd
        self._open_line = b""
        self._lock = threading.Lock()

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def isatty(self):
        return False

    def write(self, data):
        data = bytes(data)
        with self._lock:
            lines = (self._open_line + data).split(b"\n")
            self._open_line = lines.pop()
            self._emit(lines)
        return len(data)

    def end_line(self):
        """Writes out a line that was left without its end."""
        with self._lock:
            if self._open_line:
                lines, self._open_line = [self._open_line], b""
                self._emit(lines)

    def _emit(self, lines):
        block = b"".join(_prefix + line + b"\n" for line in lines)
        try:
            while block:
                block = block[os.write(self._fd, block) :]
        except OSError:
            pass  # a reader that has gone must not fail the request


def install():
    """Replaces sys.stdout and sys.stderr; returns a function that ends lines left open."""
    out, err = TaggedLines(1), TaggedLines(2)
    for name, raw in (("stdout", out), ("stderr", err)):
        text = io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)
        setattr(sys, name, text)
        setattr(sys, "__" + name + "__", text)

    def end_lines():
        out.end_line()
        err.end_line()

    return end_lines
