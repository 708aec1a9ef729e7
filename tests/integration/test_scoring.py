"""Bad input to the scoring address: a documented status, a JSON body, and nothing is lost."""

from __future__ import annotations

import json
import pathlib
import socket
import ssl
import threading
import urllib.parse
from typing import Any

import pytest
import requests
from conftest import IRIS_ROW, Client, Server, eventually

LIMIT = 100 << 20  # documented: the largest request body
RAISES = """
def init():
    pass

def run(raw_data):
    raise ValueError("the model did not like " + raw_data)
"""


@pytest.fixture(scope="module")
def scoring(
    slipway: Server, onnx_model: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Client:
    """A client of one server on which the ONNX service `scored` is ready."""
    client = Client(slipway, tmp_path_factory.mktemp("scoring"))
    client.create_target()
    client.register_onnx(onnx_model, "scored")
    client.deploy("scored", "-m", "scored:1", maxConcurrentRequestsPerContainer=4)
    return client


@pytest.fixture(scope="module")
def key(scoring: Client) -> str:
    return scoring.key("scored")


def send(client: Client, method: str, path: str, **options: Any) -> requests.Response:
    url = f"{client.server.scoring}/api/v1/service/{path}"
    return requests.request(method, url, verify=client.server.ca, timeout=60, **options)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def assert_refused(answer: requests.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-ms-request-id"]
    body = answer.json()
    assert body["message"], body
    return dict(body)


def assert_serves(client: Client, key: str) -> None:
    answer = client.score("scored", IRIS_ROW, key)
    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == [0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ""),
        (b"not json", ""),
        (b'{"X": [[1, 2, 3', ""),
        (b"[" * 100_000, ""),
        (b'{"Y": [[1, 2, 3, 4]]}', "X"),
        (b'{"X": [[1, 2, 3]]}', "X"),
        (b'{"X": [["a", 2, 3, 4]]}', "X"),
        (b'{"X": [[1, 2, 3, 4], [1]]}', "X"),
        (b'{"X": null}', "X"),
        (b"[1, 2, 3]", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_body_that_does_not_fit_the_model_is_a_bad_request(
    scoring: Client, key: str, body: bytes, said: str
) -> None:
    headers = bearer(key) | {"Content-Type": "application/json"}
    answer = send(scoring, "POST", "scored/score", data=body, headers=headers)
    assert said in assert_refused(answer, 400)["message"]
    assert_serves(scoring, key)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "unknown/score", 404),
        ("POST", "scored/nothing", 404),
        ("POST", "SCORED/score", 404),
        ("POST", "scored/score/", 404),
        ("POST", "scored/../scored/score/x", 404),
        ("PUT", "scored/score", 405),
        ("DELETE", "scored/score", 405),
        ("OPTIONS", "scored/score", 405),
        ("POST", "scored/swagger.json", 405),
        ("POST", "scored/", 405),
    ],
)
def test_an_unknown_path_or_method(
    scoring: Client, key: str, method: str, path: str, status: int
) -> None:
    answer = send(scoring, method, path, headers=bearer(key), data="{}")
    assert_refused(answer, status)
    assert (status == 405) == ("allow" in answer.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
    ],
)
def test_a_missing_or_wrong_key(scoring: Client, headers: dict[str, str]) -> None:
    answer = send(scoring, "POST", "scored/score", headers=headers, json=IRIS_ROW)
    assert "Unauthorized" in assert_refused(answer, 401)["message"]
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert_refused(send(scoring, "GET", "scored/swagger.json", headers=headers), 401)


def test_an_old_key_is_refused_and_the_other_goes_on(
    scoring: Client, onnx_model: pathlib.Path
) -> None:
    scoring.deploy("rotated", "-m", "scored:1")
    keys = scoring.ml("service", "get-keys", "-n", "rotated")
    scoring.ml("service", "regen-key", "-n", "rotated", "-k", "Primary")

    def old_is_refused() -> bool:
        return bool(scoring.score("rotated", IRIS_ROW, keys["primaryKey"]).status_code == 401)

    eventually("the old primary key is refused", old_is_refused, 10)
    assert scoring.score("rotated", IRIS_ROW, keys["secondaryKey"]).status_code == 200
    assert scoring.score("rotated", IRIS_ROW).status_code == 200


def test_a_body_above_the_limit(scoring: Client, key: str) -> None:
    """Said by its length alone: nothing of it needs to be sent."""
    head = post_head(key, f"Content-Length: {LIMIT + 1}")
    status, body = talk(scoring.server, [head])
    assert status == 413, body
    assert json.loads(body)["message"]
    assert_serves(scoring, key)


def test_headers_above_the_limit(scoring: Client, key: str) -> None:
    long = bearer(key) | {"X-Long": "x" * 40_000}
    assert_refused_by_listener(send(scoring, "POST", "scored/score", headers=long, data="{}"), 431)
    id_too_long = bearer(key) | {"x-ms-client-request-id": "i" * 101}
    answer = send(scoring, "POST", "scored/score", headers=id_too_long, json=IRIS_ROW)
    assert_refused(answer, 431)


def assert_refused_by_listener(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "text",
    [
        "NONSENSE\r\n\r\n",
        "POST /api/v1/service/scored/score HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /api/v1/service/scored/score HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
        "Transfer-Encoding: chunked\r\n\r\n{}",
        "POST /api/v1/service/scored/score HTTP/1.1\r\nHost : a\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request(scoring: Client, key: str, text: str) -> None:
    status, body = talk(scoring.server, [text.encode()])
    assert status == 400, body
    assert json.loads(body)["message"]
    assert_serves(scoring, key)


def test_a_body_cut_short_costs_nobody_else_anything(scoring: Client, key: str) -> None:
    for _ in range(20):
        with connect(scoring.server) as stream:
            stream.sendall(post_head(key, "Content-Length: 1000") + b'{"X": [[1')
    assert_serves(scoring, key)


def test_a_head_that_comes_too_slowly(scoring: Client, key: str) -> None:
    status, body = talk(scoring.server, [b"POST /api/v1/service/scored/score HTTP/1.1\r\nHo"])
    assert status == 408, body
    assert_serves(scoring, key)


def test_a_script_that_raises_is_a_bad_gateway_and_its_neighbours_go_on(
    scoring: Client, key: str
) -> None:
    scoring.deploy("raises", "--ic", scoring.inference_config(RAISES))
    answer = scoring.score("raises", {"data": 1})
    assert answer.status_code == 502, answer.text
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert "did not like" not in answer.text, "user code's texts are for the log"
    assert_serves(scoring, key)


def test_ids_are_echoed_or_made(scoring: Client, key: str) -> None:
    given = {"x-ms-client-request-id": "mine", "x-request-id": "own"}
    answer = scoring_answer(scoring, key, given)
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-request-id"] == "own"
    made = {scoring_answer(scoring, key, {}).headers["x-ms-request-id"] for _ in range(5)}
    assert len(made) == 5


def scoring_answer(client: Client, key: str, headers: dict[str, str]) -> requests.Response:
    answer = send(client, "POST", "scored/score", headers=bearer(key) | headers, json=IRIS_ROW)
    assert answer.status_code == 200, answer.text
    return answer


def test_health_and_swagger(scoring: Client, key: str) -> None:
    health = send(scoring, "GET", "scored/")
    assert (health.status_code, health.text) == (200, "Healthy")
    swagger = send(scoring, "GET", "scored/swagger.json", headers=bearer(key))
    assert swagger.status_code == 200
    assert swagger.json()["swagger"] == "2.0"


def test_many_clients_at_once_all_get_their_answer(scoring: Client, key: str) -> None:
    statuses: list[int] = []

    def score() -> None:
        for _ in range(20):
            statuses.append(scoring.score("scored", IRIS_ROW, key).status_code)

    threads = [threading.Thread(target=score) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80


def post_head(key: str, *lines: str) -> bytes:
    first = ["POST /api/v1/service/scored/score HTTP/1.1", "Host: scoring"]
    words = [*first, f"Authorization: Bearer {key}", "Content-Type: application/json", *lines]
    return ("\r\n".join(words) + "\r\n\r\n").encode()


def connect(server: Server) -> ssl.SSLSocket:
    address = urllib.parse.urlsplit(server.scoring)
    assert address.hostname is not None
    context = ssl.create_default_context(cafile=server.ca)
    plain = socket.create_connection((address.hostname, address.port), timeout=60)
    return context.wrap_socket(plain, server_hostname=address.hostname)


def talk(server: Server, pieces: list[bytes]) -> tuple[int, str]:
    """Sends bytes as they are; the status and body of the one answer."""
    with connect(server) as stream:
        for piece in pieces:
            stream.sendall(piece)
        answer = b""
        while piece := stream.recv(65536):
            answer += piece
            head, separator, body = answer.partition(b"\r\n\r\n")
            length = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")]
            if separator and length and len(body) >= int(length[0].split(b":")[1]):
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()
