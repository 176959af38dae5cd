"""What `bench.py` and its processes measure with: a figure, a process, a stopwatch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number; `target` bounds it from above, or from below if `at_least`."""

    what: str
    value: float
    target: float
    unit: str = ""
    at_least: bool = False
    detail: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        bound = f"{'at least' if self.at_least else 'at most'} {self.target:g}{self.unit}"
        verdict = "met" if self.met else "MISSED"
        value = f"{self.value:.2f}{self.unit}"
        return f"{self.what:<52}{value:>9}   {bound:<15}{verdict:<8}{self.detail}"


def python(*arguments: object) -> str:
    """The output of a Python process, which may keep its byte code as a user's does."""
    command = [sys.executable, *map(str, arguments)]
    kept = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=kept).stdout


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
