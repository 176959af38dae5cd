"""Pages whose commands are run: each `$ archdsl …` in a console block has its output below it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from pathlib import Path

from archdsl.cli import run

ROOT = Path(__file__).parent.parent
PAGES = ("lessons", "costs", "memory", "drawing", "volumes", "report")
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.S | re.M)
_COMMAND = re.compile(r"^\$ archdsl (.*)$", re.M)


def read(name: str) -> str:
    """A page of docs/ as it is."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def current(name: str) -> str:
    """The page with the outputs that its commands have now."""
    return _BLOCK.sub(_current, read(name))


def commands(name: str) -> list[str]:
    """What the page runs, in order."""
    return _COMMAND.findall(read(name))


def _current(block: re.Match[str]) -> str:
    shown = [f"$ archdsl {line}\n{output(line)}" for line in _COMMAND.findall(block.group(1))]
    return "```console\n" + "\n".join(shown) + "```"


def output(line: str) -> str:
    """What a command prints to a file; paths are those from the root of the checkout."""
    text = io.StringIO()
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(text):
            status = run(shlex.split(line))
    finally:
        os.chdir(before)
    if status:
        raise ValueError(f"archdsl {line} exits with {status}")
    return text.getvalue()
