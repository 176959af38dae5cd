"""The short versions of the experiments, for the tests of each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "experiments"
sys.path.insert(0, str(FOLDER))

import runner  # noqa: E402
from lab import Report, Runs  # noqa: E402

ShortRun = Callable[[str], tuple[Runs, Report]]
"""Runs the short version of an experiment, by its name."""


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    if extras := runner.missing():
        pytest.skip(f"this needs archdsl[{extras}]")
    with runner.processes(2) as found:
        yield found


@pytest.fixture
def short_run(pool: ProcessPoolExecutor, tmp_path: Path) -> ShortRun:
    """What a short version finds; its page and plot are made, too."""

    def run(name: str) -> tuple[Runs, Report]:
        (experiment,) = runner.find([name])
        outcome = runner.run(experiment, True, pool, tmp_path)
        result = runner.read(tmp_path)
        assert result is not None and result["short"]
        assert (tmp_path / "README.md").read_text() == runner.page(experiment, result)
        assert (tmp_path / "plot.svg").read_text().startswith("<?xml")
        runs = runner.runs_of(result)
        report: Report = experiment.module.report(runs)
        assert report.outcome == outcome
        return runs, report

    return run
