"""The peer: azureml-inference-server-http with the same score.py, in its own environment."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

VERSION = "1.5.1"
HERE = pathlib.Path(__file__).resolve().parent
VENV = HERE.parent / "build" / "bench-venv"


def install(uv: str, packages: list[str]) -> None:
    """Made once; a finished one is left as it is."""
    if (VENV / "bin" / "azmlinfsrv").exists():
        return
    python = str(VENV / "bin" / "python")
    subprocess.run([uv, "venv", "-q", "--python", "3.11", str(VENV)], check=True)
    wanted = [f"azureml-inference-server-http=={VERSION}", *packages]
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *wanted], check=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(url: str, body: str, headers: dict[str, str] | None = None) -> int:
    """The status, or 0 when nobody answers."""
    all_headers = {"Content-Type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, body.encode(), all_headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for_200(url: str, body: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while post(url, body) != 200:
        if time.monotonic() > end:
            raise SystemExit(f"{url} gave no 200 within {seconds} s")
        time.sleep(0.005)


def start(model_dir: pathlib.Path, body: str) -> tuple[subprocess.Popen[bytes], str, float]:
    """The process, its scoring URL, and the seconds to its first 200."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/score"
    words = [str(VENV / "bin" / "azmlinfsrv"), "--entry_script", str(HERE / "score.py")]
    words += ["--model_dir", str(model_dir), "--port", str(port), "--worker_count", "1"]
    env = dict(os.environ, AZUREML_MODEL_DIR=str(model_dir))
    env["PATH"] = f"{VENV / 'bin'}:{env['PATH']}"
    began = time.monotonic()
    with open(model_dir.parent / "peer.log", "wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=env)
    wait_for_200(url, body)
    return process, url, time.monotonic() - began
