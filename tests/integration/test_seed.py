"""The documented scripts, run as a user runs them."""

from __future__ import annotations

import pathlib
import shutil

from conftest import ROOT, Server

SEED = ROOT / "examples/seed"


def test_scripts_run_in_order(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "seed"
    shutil.copytree(SEED, folder)
    scripts = sorted(folder.glob("[0-9][0-9]_*.py"))
    assert scripts
    for script in scripts:
        done = fresh_server.python(script, folder)
        assert done.returncode == 0, (
            f"{script.name}: {done.stdout}\n{done.stderr}\n{fresh_server.log()[-3000:]}"
        )
