"""The command line as a test sees it: a status and two texts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


Cli = Callable[..., Result]


def process(
    *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run archdsl with these arguments, in a process of its own."""
    command = [sys.executable, "-m", "archdsl", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=env
    )
