"""Frames between the model server and a worker; PROTOCOL.md of the model server describes them."""

import json
import struct

REQUEST, READY, FAILED, RESPONSE = 1, 2, 3, 4
METHODS = ("GET", "POST", "OPTIONS")

PREFIX = struct.Struct("<IB")  # length of what follows the length itself, kind
REQUEST_HEAD = struct.Struct("<BHHI")  # method, lengths of request id, target, header block
RESPONSE_HEAD = struct.Struct("<HBII")  # status, flags, microseconds in run(), header block
RUN_FAILED, RUN_CALLED = 1, 2

_RECEIVE_BYTES = 64 * 1024


class Channel:
    """One end of the socket pair. Holds no more than one frame: the server sends the next request
    only after the answer to the last."""

    def __init__(self, sock):
        self._sock = sock

    def receive(self):
        """The next frame as (kind, payload), or None when the server has gone."""
        data = self._sock.recv(_RECEIVE_BYTES)
        while data and len(data) < PREFIX.size:
            more = self._sock.recv(_RECEIVE_BYTES)
            data = data + more if more else b""
        if not data:
            return None
        length, kind = PREFIX.unpack_from(data)
        total = length + 4
        if len(data) < total:
            data = self._rest(data, total)
        return None if data is None else (kind, memoryview(data)[PREFIX.size : total])

    def _rest(self, start, total):
        whole = bytearray(total)
        whole[: len(start)] = start
        view, at = memoryview(whole), len(start)
        while at < total:
            count = self._sock.recv_into(view[at:])
            if count == 0:
                return None
            at += count
        return whole

    def send(self, kind, *parts):
        payload = b"".join(parts)
        self._sock.sendall(PREFIX.pack(len(payload) + 1, kind) + payload)

    def send_json(self, kind, value):
        self.send(kind, json.dumps(value).encode("utf-8"))

    def send_response(self, status, flags, run_us, headers, body):
        head = RESPONSE_HEAD.pack(status, flags, min(run_us, 0xFFFFFFFF), len(headers))
        self.send(RESPONSE, head, headers, body)


class Request:
    """A decoded request. `body` and `header_block` are views into the frame."""

    __slots__ = ("body", "header_block", "method", "request_id", "target")

    def __init__(self, payload):
        method, id_size, target_size, headers_size = REQUEST_HEAD.unpack_from(payload)
        at = REQUEST_HEAD.size
        self.method = METHODS[method]
        self.request_id = str(payload[at : at + id_size], "utf-8")
        at += id_size
        self.target = str(payload[at : at + target_size], "utf-8")
        at += target_size
        self.header_block = payload[at : at + headers_size]
        self.body = payload[at + headers_size :]

    def headers(self):
        """Header lines in order, as (name, value)."""
        text = str(self.header_block, "latin-1")
        return [tuple(line.split(": ", 1)) for line in text.split("\n") if line]
