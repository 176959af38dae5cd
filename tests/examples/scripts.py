"""The examples' scripts as a user runs them: `archdsl` and `python` are on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """One in which the commands are those of this checkout; `folder` is where they are put."""
    folder.mkdir(exist_ok=True)
    for name, words in {"archdsl": "-m archdsl ", "python": ""}.items():
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        command.chmod(0o755)
    paths = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    paths["PYTHONPATH"] = str(EXAMPLES.parent)
    return os.environ | paths | {"OMP_NUM_THREADS": "1"} | more


def run(
    *command: object, cwd: Path, env: dict[str, str], status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command, which must end with this status."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=env, timeout=240
    )
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    return done
