#!/usr/bin/env python3
"""Check that includes follow the plan of the house (docs/ARCHITECTURE.md).

A room may include only the rooms named beside it, and from outside only a room's face
(<room>/<room>.h, or the further public headers listed here). Third-party headers that would
spread (SQL, TLS, ONNX Runtime, archives) are fenced to the rooms that own them.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# From the ground up: a room can only name rooms above its own line, so the plan cannot cycle.
PLAN: dict[str, set[str]] = {
    "base": set(),
    "http": {"base"},
    "auth": {"base"},
    "resources": {"base"},
    "store": {"base", "resources"},
    "artifacts": {"base", "resources"},
    "compute": {"base", "http", "resources"},
    "control": {"base", "resources", "store", "artifacts", "compute"},
    "api": {"base", "http", "auth", "resources", "store", "artifacts"},
    "router": {"base", "http", "auth", "resources"},
    "modelserver": {"base", "http"},
    "cli": {"base", "http", "resources"},
    "apps": {
        "base",
        "http",
        "auth",
        "resources",
        "store",
        "artifacts",
        "compute",
        "control",
        "api",
        "router",
        "modelserver",
        "cli",
    },
}
FOLDERS = {room: SRC / room for room in PLAN} | {"cli": SRC / "apps" / "cli"}

# Headers beside the face that other rooms may include: vocabulary that must stay light to compile.
PUBLIC: dict[str, set[str]] = {
    "base": {"*"},
    "http": {"message.h"},
    "auth": {"roles.h"},
}

FENCES: list[tuple[str, set[str]]] = [
    (r"sqlite3\.h", {"store"}),
    (r"openssl/", {"base", "http", "auth"}),
    (
        r"boost/(asio|beast)",
        {"base", "http", "router", "modelserver", "compute", "control", "apps"},
    ),
    (r"onnxruntime", {"modelserver"}),
    (r"archive(_entry)?\.h", {"artifacts", "cli", "modelserver"}),
    (r"yaml-cpp/", {"cli"}),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def check_plan() -> list[str]:
    seen: set[str] = set()
    faults = []
    for room, allowed in PLAN.items():
        for other in allowed - seen:
            faults.append(f"tools/layers.py: {room} names {other}, which does not stand above it")
        seen.add(room)
    return faults


def check_include(room: str, file: pathlib.Path, quote: str, target: str) -> str | None:
    where = file.relative_to(ROOT)
    for pattern, rooms in FENCES:
        if re.match(pattern, target) and room not in rooms:
            return f"{where}: <{target}> belongs to {', '.join(sorted(rooms))} only"
    if quote == "<" or "/" not in target:
        return None
    other, header = (
        target.removeprefix("apps/").split("/", 1)
        if target.startswith("apps/cli/")
        else target.split("/", 1)
    )
    if other not in PLAN or other == room:
        return None
    if other not in PLAN[room]:
        return (
            f"{where}: {room} may not include {other} ({target}); it may include "
            f"{', '.join(sorted(PLAN[room])) or 'nothing'}"
        )
    public = PUBLIC.get(other, set())
    if header != f"{other}.h" and header not in public and "*" not in public:
        return f"{where}: include {other}/{other}.h, the face of {other}, not {target}"
    return None


def files_of(room: str) -> list[pathlib.Path]:
    files = [f for f in FOLDERS[room].rglob("*") if f.suffix in {".h", ".cc"}]
    if room == "apps":
        files = [f for f in files if (SRC / "apps" / "cli") not in f.parents]
    return files


def main() -> int:
    faults = check_plan()
    for room in PLAN:
        for file in files_of(room):
            for quote, target in INCLUDE.findall(file.read_text()):
                fault = check_include(room, file, quote, target)
                if fault:
                    faults.append(fault)
    print("\n".join(faults) if faults else f"layers: {len(PLAN)} rooms, all includes point down")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
