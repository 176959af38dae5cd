"""Expected texts in tests/golden, which people read and review like code.

`make golden` writes them anew. A test whose file that changed fails in the same run, which so lists
what changed; the next run passes. A test checks one file, or the run would stop at its first.
"""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"
UPDATING = os.environ.get("ARCHDSL_GOLDEN") == "update"


def check_golden(name: str, actual: str) -> None:
    """A text equals the file tests/golden/NAME."""
    path = FOLDER / name
    expected = path.read_text(encoding="utf-8") if path.exists() else None
    if actual == expected:
        return
    if UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, encoding="utf-8", newline="\n")
        pytest.fail(f"{_difference(expected, actual)}: {path}", pytrace=False)
    assert expected is not None, f"{path} is missing; `make golden` writes it"
    assert actual == expected


def _difference(before: str | None, after: str) -> str:
    """How much changed, in lines."""
    if before is None:
        return f"new, {len(after.splitlines())} lines"
    changed = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    more, less = (sum(line.startswith(sign) for line in changed) for sign in "+-")
    return f"changed, +{more} -{less} lines"
