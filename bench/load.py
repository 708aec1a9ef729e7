"""Load by wrk, and what it cost the server in CPU."""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
from dataclasses import dataclass, field

import processes

SECONDS = 2
CONNECTIONS = 4


@dataclass
class Subject:
    """One server under load: where it listens, whose CPU counts, what it is sent."""

    name: str
    url: str
    pid: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    cpu_us: list[float] = field(default_factory=list)  # per request, one a round
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float | str]:
        return {
            "name": self.name,
            "cpu_us": round(statistics.median(self.cpu_us), 1),
            "cpu_us_min": round(min(self.cpu_us), 1),
            "cpu_us_max": round(max(self.cpu_us), 1),
            "p50_ms": round(statistics.median(self.p50_ms), 3),
            "p99_ms": round(statistics.median(self.p99_ms), 3),
            "per_second": round(statistics.median(self.per_second)),
        }


DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"errors":%d,"us":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def script(subject: Subject, folder: pathlib.Path) -> pathlib.Path:
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(subject.body)}"]
    headers = {"Content-Type": "application/json"} | subject.headers
    lines += [f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items()]
    path = folder / f"{subject.name.replace(' ', '-').replace('/', '-')}.lua"
    path.write_text("\n".join(lines) + DONE)
    return path


def measure(subject: Subject, folder: pathlib.Path) -> None:
    """One round: every answer must be a 2xx, or the figures mean nothing."""
    path = script(subject, folder)
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(path), subject.url]
    before = processes.cpu_us(subject.pid)
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    used = processes.cpu_us(subject.pid) - before
    result = json.loads(output.strip().splitlines()[-1])
    if result["errors"] or not result["requests"]:
        raise SystemExit(f"{subject.name}: {result['errors']} failed of {result['requests']}")
    subject.cpu_us.append(used / result["requests"])
    subject.p50_ms.append(result["p50"])
    subject.p99_ms.append(result["p99"])
    subject.per_second.append(result["requests"] / result["us"] * 1e6)
