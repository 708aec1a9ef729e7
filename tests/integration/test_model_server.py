"""`slipway model-server` alone: entry scripts, ONNX models, and what goes wrong with them."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLIPWAY = os.environ.get("SLIPWAY_BIN", str(ROOT / "build/release/bin/slipway")).split()
MODELS = ROOT / "src/modelserver/testdata"

SCRIPT = """
import json, os, sys, time
from azureml.core.model import Model
from azureml.contrib.services.aml_response import AMLResponse

def init():
    print("hello from init", os.environ["AZUREML_MODEL_DIR"])

def run(data, request_headers):
    value = json.loads(data)
    print("scoring", value)
    if value == "exit": os._exit(9)
    if value == "sleep": time.sleep(60)
    if value == "headers": return request_headers["X-Test"]
    if value == "teapot": return AMLResponse("short", 418, {"X-Mine": "a,b"})
    if value == "pid": return os.getpid()
    return {"got": value, "sum": sum(value)}
"""


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.unix_path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.unix_path)


class Server:
    """A model server on a Unix socket; `start` is what it wrote to its ready descriptor."""

    def __init__(self, folder, tmp, *options):
        self.socket = tmp / "socket"
        self.log = tmp / "log"
        read, write = os.pipe()
        environment = dict(
            os.environ, SLIPWAY_READY_FD=str(write), SLIPWAY_RUNTIME_DIR=str(tmp / "runtime")
        )
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [
                    *SLIPWAY,
                    "model-server",
                    "--model",
                    str(folder),
                    "--unix-socket",
                    str(self.socket),
                    "--python",
                    sys.executable,
                    *options,
                ],
                env=environment,
                pass_fds=[write],
                stdout=log,
                stderr=log,
            )
        os.close(write)
        with os.fdopen(read) as pipe:
            self.start = json.loads(pipe.readline())

    def request(self, method="POST", path="/score", body=None, headers=None):
        connection = Connection(self.socket)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def score(self, value, **headers):
        return self.request(body=json.dumps(value), headers=headers)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(files, *options):
        folder = tmp_path / "model"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        servers.append(Server(folder, tmp_path, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.process.kill()
        server.process.wait()


def test_script_scores_and_logs_with_the_request_id(serve):
    server = serve({"score.py": SCRIPT})
    assert server.start == {"ready": True}
    answer = server.score([1, 2], **{"x-request-id": "abc"})
    assert (answer.status, json.loads(answer.body)) == (200, {"got": [1, 2], "sum": 3})
    assert answer.headers["x-request-id"] == answer.headers["x-ms-request-id"] == "abc"
    assert answer.headers["x-ms-run-function-failed"] == "False"
    assert float(answer.headers["x-ms-run-fn-exec-ms"]) >= 0
    assert server.score("headers", **{"X-Test": "yes"}).body == b'"yes"'
    assert server.request("GET", "/").body == b"Healthy"
    assert server.request("GET", "/ready").status == 200
    assert server.stop() == 0
    log = server.log.read_text()
    assert "abc,scoring [1, 2]" in log
    assert "00000000-0000-0000-0000-000000000000,hello from init" in log
    assert "POST /score 200 " in log and "- GET / " not in log


def test_answers_of_its_own(serve):
    answer = serve({"score.py": SCRIPT}).score("teapot")
    assert (answer.status, answer.body) == (418, b"short")
    assert answer.headers.get_all("X-Mine") == ["a", "b"]


def test_an_exception_is_a_500_and_stays_out_of_the_answer(serve):
    server = serve({"score.py": SCRIPT})
    answer = server.score(7)
    assert answer.status == 500 and b"TypeError" not in answer.body
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert "TypeError" in server.log.read_text()


def test_a_crash_loses_only_its_own_request(serve):
    server = serve({"score.py": SCRIPT})
    before = server.score("pid").body
    lost = server.score("exit")
    assert lost.status == 502 and b"exit code 9" in lost.body
    assert server.score([1]).status == 200
    assert server.score("pid").body != before


def test_a_run_above_the_timeout_is_ended(serve):
    server = serve({"score.py": SCRIPT}, "--scoring-timeout-ms", "2000")
    answer = server.score("sleep")
    assert (answer.status, json.loads(answer.body)) == (
        504,
        {"message": "Scoring timeout after 2000 ms"},
    )
    assert server.score([1]).status in (200, 503)


@pytest.mark.parametrize(
    "script, reason, said",
    [
        ("import nothing_of_that_name", "UserScriptImportError", "nothing_of_that_name"),
        ("def init(): pass", "UserScriptFunctionNotFound", "run()"),
        ("def init(): 1/0\ndef run(data): pass", "UserScriptInitFailed", "ZeroDivisionError"),
        (
            "import os\ndef init(): os._exit(5)\ndef run(data): pass",
            "UserScriptInitFailed",
            "exit code 5",
        ),
        ("def init(): pass\ndef run(*data): pass", "UserScriptFunctionNotFound", "*args"),
    ],
)
def test_a_script_that_cannot_start_says_why(serve, script, reason, said):
    server = serve({"score.py": script})
    assert server.start["ready"] is False
    assert server.start["reason"] == reason
    assert said in server.start["message"]
    assert server.process.wait(30) == 3


@pytest.mark.parametrize(
    "method, path, headers, status",
    [
        ("PUT", "/score", {}, 405),
        ("POST", "/", {}, 405),
        ("GET", "/nothing", {}, 404),
        ("GET", "/swagger.json?version=9", {}, 404),
        ("OPTIONS", "/score", {}, 200),
        ("POST", "/score", {"x-request-id": "x" * 101}, 431),
        ("POST", "/score", {"x-ms-client-request-id": "x" * 101}, 431),
    ],
)
def test_documented_statuses(serve, method, path, headers, status):
    assert serve({"score.py": SCRIPT}).request(method, path, headers=headers).status == status


def test_too_large_a_body(serve):
    server = serve({"score.py": SCRIPT}, "--max-request-bytes", "1000")
    assert server.score("x" * 2000).status == 413


def test_onnx_model_without_script(serve):
    server = serve({"linear.onnx": (MODELS / "linear.onnx").read_bytes()})
    assert server.start == {"ready": True}
    assert json.loads(server.score({"x": [[1, 2, 3]]}).body) == {"y": [[4, 5]]}
    refused = server.score({"x": [[1, 2]]})
    assert refused.status == 400 and b"float32[N, 3]" in refused.body
    swagger = json.loads(server.request("GET", "/swagger.json").body)
    assert swagger["definitions"]["ServiceInput"]["properties"]["x"]["type"] == "array"
    assert server.stop() == 0


def test_a_text_file_is_no_model(serve):
    server = serve({"model.onnx": "hello\n"})
    assert server.start["reason"] == "ModelLoadFailed"
    assert server.process.wait(30) == 3


def test_workers_end_with_their_server(serve):
    server = serve({"score.py": SCRIPT})
    pid = int(server.score("pid").body)
    handle = os.pidfd_open(pid)
    server.process.kill()
    server.process.wait()
    poll = __import__("select").poll()
    poll.register(handle)
    assert poll.poll(10_000)
    os.close(handle)
