"""A Python worker: python -m slipway_runtime.worker FD SCRIPT.

FD is an inherited stream socket to the model server. Calls init() once, then run() per request,
one at a time. Ends when the server closes the socket; exit code 3 when the script cannot start.
"""

import faulthandler
import json
import os
import signal
import socket
import sys
import time
import traceback

from slipway_runtime import output, protocol, script

RUN_ERROR = (
    b'{"message": "An unexpected error occurred in scoring script. Check the logs for more info."}'
)
JSON_TYPE = b"Content-Type: application/json\n"


def _header_block(lines):
    """Header lines for the response frame; names and values that could split a line are refused."""
    block = "".join("%s: %s\n" % (name, value) for name, value in lines)
    if block.count("\n") != len(lines) or "\r" in block or "\0" in block:
        raise ValueError("a response header holds a line break or NUL")
    return block.encode("latin-1", "replace")


def _encode(result):
    """(status, failed, header block, body) of what run() returned."""
    status = getattr(result, "status_code", None)
    if status is None:
        return 200, False, JSON_TYPE, json.dumps(result).encode("utf-8")
    # AMLResponse, or a Response of Flask where the script brought Flask along.
    lines = getattr(result, "header_lines", None)
    if lines is None:
        skipped = ("content-length", "connection", "transfer-encoding")
        lines = [(k, v) for k, v in result.headers.items() if k.lower() not in skipped]
    failed = status >= 500 or getattr(result, "run_function_failed", False)
    return status, failed, _header_block(lines), result.get_data()


class Worker:
    """Owns the channel and the script; lives on the main thread."""

    def __init__(self, channel, runner, end_lines):
        self._channel = channel
        self._runner = runner
        self._end_lines = end_lines

    def serve(self):
        while True:
            frame = self._channel.receive()
            if frame is None:
                return
            request = protocol.Request(frame[1])
            output.set_request(request.request_id)
            answer = self._answer(request)
            self._end_lines()
            output.set_request(None)
            self._channel.send_response(*answer)

    def _answer(self, request):
        try:
            arguments = self._runner.prepare(request)
        except script.BadInput as error:
            body = json.dumps({"message": str(error)}).encode("utf-8")
            return error.status, 0, 0, JSON_TYPE, body
        return self._run(arguments)

    def _run(self, arguments):
        started = time.perf_counter()
        try:
            result = self._runner.run(**arguments)
            run_us = int((time.perf_counter() - started) * 1e6)
            status, failed, headers, body = _encode(result)
        except BaseException as error:
            if isinstance(error, SystemExit):
                print("run() raised SystemExit; the worker goes on", file=sys.stderr)
            print("Encountered Exception: " + script.traceback_tail(error), file=sys.stderr)
            return 500, protocol.RUN_FAILED, 0, JSON_TYPE, RUN_ERROR
        flags = protocol.RUN_CALLED | (protocol.RUN_FAILED if failed else 0)
        return status, flags, run_us, headers, body


def _start(path):
    module = script.load(path)
    runner = script.Runner(getattr(getattr(module, "driver_module", None), "run", module.run))
    script.call_init(module)
    return runner


def main():
    # The terminal's Ctrl-C goes to the whole group; the server decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    channel = protocol.Channel(socket.socket(fileno=int(sys.argv[1])))
    end_lines = output.install()
    try:
        runner = _start(os.path.abspath(sys.argv[2]))
        schemas = runner.schemas()
    except script.StartFailure as failure:
        print(failure.tail or failure.message, file=sys.stderr)
        channel.send_json(
            protocol.FAILED,
            {"reason": failure.reason, "message": failure.message, "log_tail": failure.tail},
        )
        os._exit(3)
    except BaseException as error:
        traceback.print_exc()
        channel.send_json(
            protocol.FAILED,
            {
                "reason": "UserScriptInitFailed",
                "message": "%s: %s" % (type(error).__name__, error),
                "log_tail": script.traceback_tail(error),
            },
        )
        os._exit(3)
    end_lines()
    channel.send_json(
        protocol.READY,
        {
            "wants_headers": runner.wants_headers(),
            "raw": runner.raw,
            "json_only": runner.decorated,
            "python": sys.version.split()[0],
            "schemas": json.loads(json.dumps(schemas, default=str)),
        },
    )
    Worker(channel, runner, end_lines).serve()
    os._exit(0)  # threads that a script started must not keep a worker whose server has gone


if __name__ == "__main__":
    main()
