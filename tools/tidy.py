#!/usr/bin/env python3
"""House rules that a compiler does not check; each failure says what to use instead.

Long functions ratchet: those of 41 to 60 lines fail, so that small ones cannot creep up, while one
honest long table or switch may stay beyond it.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION_BAND = range(41, 61)
LINE_LIMIT = 100
BLOB_LIMIT = 1 << 20

# (pattern, what to use instead, files that may)
BANNED = [
    (r"\bstd::this_thread::sleep_for\b", "wait for the event, or use a Clock", r"_test\.cc$"),
    (r"\basio::detached\b", "co_spawn with a handler that owns the coroutine's end", r"$^"),
    (r"\b(rand|srand)\(", "random_bytes() of base/crypto.h", r"$^"),
    (r"\b(strcpy|strcat|sprintf|gets)\(", "std::string or fmt", r"$^"),
    (r"\bsystem\(", "posix_spawn with an argument list", r"_test\.cc$"),
    (r"\b(FIX" r"ME|X" r"XX)\b", "mend it, or say in the comment why it stays", r"$^"),
    (r"^using namespace std;", "name what you use", r"$^"),
]


def tracked(*suffixes: str) -> list[pathlib.Path]:
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = [ROOT / name for name in out.splitlines()]
    return [f for f in files if f.is_file() and (not suffixes or f.suffix in suffixes)]


def table_lines(text: str) -> set[int]:
    """Lines of tables, which are laid out by hand between clang-format off and on."""
    tables, inside = set(), False
    for number, line in enumerate(text.splitlines(), 1):
        inside = (inside or "clang-format off" in line) and "clang-format on" not in line
        if inside:
            tables.add(number)
    return tables


def check_lines(file: pathlib.Path, text: str) -> list[str]:
    where = file.relative_to(ROOT)
    faults = []
    tables = table_lines(text)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LINE_LIMIT and number not in tables:
            faults.append(f"{where}:{number}: {len(line)} columns; break it at {LINE_LIMIT}")
        for pattern, instead, allowed in BANNED:
            if re.search(pattern, line) and not re.search(allowed, file.name):
                faults.append(f"{where}:{number}: {pattern} is banned; {instead}")
    return faults


def function_lengths(text: str) -> list[tuple[int, int]]:
    """(first line, length) of every function: a brace block opened by a line that ends ') … {'."""
    lines = text.splitlines()
    found = []
    for at, line in enumerate(lines):
        if re.match(r"^( {0,2})\S.*\)[^;={]*\{$", line) and not re.match(
            r"^\s*(namespace|class|struct|TEST)", line
        ):
            indent = len(line) - len(line.lstrip())
            closing = re.compile(rf"^ {{{indent}}}\}}")
            end = next((n for n in range(at + 1, len(lines)) if closing.match(lines[n])), at)
            found.append((at + 1, end - at + 1))
    return found


def check_functions(file: pathlib.Path, text: str) -> list[str]:
    tables = table_lines(text)
    return [
        f"{file.relative_to(ROOT)}:{line}: a function of {length} lines; keep it within "
        f"{FUNCTION_BAND.start - 1}"
        for line, length in function_lengths(text)
        if length - len(tables & set(range(line, line + length))) in FUNCTION_BAND
    ]


def check_header(file: pathlib.Path, text: str) -> list[str]:
    if file.suffix != ".h":
        return []
    lines = text.splitlines()
    if lines[:1] != ["#pragma once"] or not (len(lines) > 1 and lines[1].startswith("//")):
        return [
            f"{file.relative_to(ROOT)}:1: begin with #pragma once and a comment of what it is for"
        ]
    return []


def main() -> int:
    faults = []
    for file in tracked(".h", ".cc"):
        text = file.read_text()
        faults += check_lines(file, text) + check_functions(file, text) + check_header(file, text)
    faults += [
        f"{f.relative_to(ROOT)}: {f.stat().st_size} bytes; nothing above {BLOB_LIMIT} is committed"
        for f in tracked()
        if f.stat().st_size > BLOB_LIMIT
    ]
    print("\n".join(faults) if faults else "tidy: clean")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
