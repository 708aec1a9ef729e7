"""Errors in the server's words, and how a token's time is read."""

import base64
import json

import pytest
import requests

from slipway._wire import _worth_repeating, error_of, failure, retry_after
from slipway.authentication import _expiry_claim
from slipway.exceptions import AuthenticationException, UserErrorException, WebserviceException


def answer(status, body, **headers):
    made = requests.Response()
    made.status_code = status
    made._content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    made.headers.update(headers)
    return made


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"code": "BadRequest", "statusCode": 400, "message": "m"}, "BadRequest", "m"),
        ({"error": {"code": "C", "message": "m"}}, "C", "m"),
        ({"error": {"error": {"statusCode": 400, "message": "m"}}}, None, "m"),
        (
            {"code": "A", "message": "m", "details": [{"code": "B", "message": "n"}]},
            "A",
            "m\nB: n",
        ),
        ({"code": "A", "message": "m n", "details": [{"message": "n"}]}, "A", "m n"),
        ("<html>", None, "<html>"),
        ("[1]", None, "[1]"),
        ({}, None, "no further information"),
    ],
)
def test_error_bodies(body, code, message):
    assert error_of(answer(400, body)) == (code, message)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, WebserviceException), (401, AuthenticationException), (403, UserErrorException)],
)
def test_failure(status, kind):
    made = failure(answer(status, {"code": "C", "message": "m"}), "Doing it", WebserviceException)
    assert type(made) is kind
    assert made.message == f"Doing it was refused with HTTP {status} (C): m"
    assert (made.code, made.status) == ("C", status)


@pytest.mark.parametrize(
    ("method", "status", "again"),
    [
        ("GET", 500, True),
        ("POST", 500, False),
        ("POST", 503, True),
        ("PATCH", 504, False),
        ("DELETE", 502, True),
        ("GET", 404, False),
        ("GET", 409, False),
    ],
)
def test_what_is_sent_again(method, status, again):
    assert _worth_repeating(method, status) is again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"Retry-After": "2"}, 2.0), ({"Retry-After": "Wed, 21 Oct 2015"}, None)],
)
def test_retry_after(headers, seconds):
    assert retry_after(answer(200, "", **headers)) == seconds


def test_expiry_of_a_token():
    claims = base64.urlsafe_b64encode(b'{"exp": 1700000000}').decode().rstrip("=")
    assert _expiry_claim(f"h.{claims}.s") == 1700000000
    assert _expiry_claim("opaque") == 0.0
