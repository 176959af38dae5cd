"""The experiments on the history's later lessons: short versions against their controls."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from test_experiments import runner, short


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with runner.processes(2) as found:
        yield found


def test_locality(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    runs, report = short("locality", pool, tmp_path)
    assert report.checks[0].holds, "the order of the pixels is that of the first matrix's columns"
    assert all(error < 0.2 for run in runs for error in [run.found["error"]])
