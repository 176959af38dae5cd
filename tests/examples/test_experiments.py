"""The experiments: short versions against controls, and pages that say what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from goldens import check_golden

FOLDER = Path(__file__).parents[2] / "examples" / "experiments"
sys.path.insert(0, str(FOLDER))

import runner  # noqa: E402
from lab import Check, Report, Runs, Spread  # noqa: E402

if extras := runner.missing():
    pytest.skip(f"this needs archdsl[{extras}]", allow_module_level=True)

EXPERIMENTS = runner.find()
MEASURED = [e for e in EXPERIMENTS if runner.read(e.folder)]
each = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
each_measured = pytest.mark.parametrize("experiment", MEASURED, ids=lambda e: e.name)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with runner.processes(2) as found:
        yield found


def short(name: str, pool: ProcessPoolExecutor, out: Path) -> tuple[Runs, Report]:
    """The runs of a short version, and what they are said to show."""
    (experiment,) = runner.find([name])
    outcome = runner.run(experiment, True, pool, out)
    result = runner.read(out)
    assert result is not None and result["short"]
    assert (out / "README.md").read_text() == runner.page(experiment, result)
    assert (out / "plot.svg").read_text().startswith("<?xml")
    runs = runner.runs_of(result)
    report = experiment.module.report(runs)
    assert report.outcome == outcome
    return runs, report


# The experiments, in seconds


def test_linear(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    runs, report = short("linear", pool, tmp_path)
    assert report.checks[0].holds, "the product of the matrices does what the two layers do"
    assert runs.one("error", task="xor", net="line") > 0.25  # three of four quadrants at best
    assert runs.one("error", task="xor", net="relu") < 0.05
    assert runs.one("error", task="xor", net="two") > 0.4


# What is committed


@each_measured
def test_golden_pages(experiment: runner.Experiment) -> None:
    result = runner.read(experiment.folder)
    assert result is not None and not result["short"]
    name = f"../../examples/experiments/{experiment.folder.name}/README.md"
    check_golden(name, runner.page(experiment, result))


def test_golden_index() -> None:
    check_golden("../../examples/experiments/README.md", runner.index())


@each_measured
def test_files_are_small(experiment: runner.Experiment) -> None:
    sizes = {path.name: path.stat().st_size for path in experiment.folder.iterdir()}
    assert all(size < 100_000 for size in sizes.values()), sizes


@each
def test_specs_are_clean(experiment: runner.Experiment) -> None:
    import archdsl
    from archdsl.pipeline import load_all

    specs = sorted(experiment.folder.glob("*.arch"))
    assert specs
    for spec in specs:
        networks: list[archdsl.Network] = load_all(spec)
        assert not [f for network in networks for f in network.lint(level="warning")]


@each
def test_short_jobs_are_some_of_the_same_kind(experiment: runner.Experiment) -> None:
    """Jobs are plain values, and each is there once."""
    for few in (True, False):
        jobs = experiment.module.jobs(few)
        texts = [json.dumps(job, sort_keys=True) for job in jobs]
        assert jobs == json.loads(json.dumps(jobs))
        assert len(set(texts)) == len(texts) > 0


# The frame


def test_results_do_not_depend_on_the_number_of_processes(
    pool: ProcessPoolExecutor, tmp_path: Path
) -> None:
    (experiment,) = runner.find(["linear"])
    with runner.processes(1) as single:
        runner.run(experiment, True, single, tmp_path / "one")
    runner.run(experiment, True, pool, tmp_path / "two")

    def found(name: str) -> list[Any]:
        result = runner.read(tmp_path / name)
        assert result is not None
        return [(run["job"], run["found"]) for run in result["runs"]]

    assert found("one") == found("two")
    plots = {(tmp_path / name / "plot.svg").read_bytes() for name in ("one", "two")}
    assert len(plots) == 1


def command(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(FOLDER), *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, timeout=120)


def test_an_unknown_experiment_is_told() -> None:
    done = command("nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("no experiment is called nothing; there are linear")
    assert done.stderr.count("\n") == 1


def test_missing_packages_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(runner.PACKAGES, "no_such_package", "experiments")
    assert runner.main(["linear"]) == 2
    assert "pip install 'archdsl[experiments]'" in capsys.readouterr().err


def test_outcomes_follow_from_the_checks() -> None:
    held, failed = Check("", "", True), Check("", "", False)
    outcomes = [Report(c, [], "").outcome for c in ([held, held], [failed], [held, failed])]
    assert outcomes == ["reproduced", "not reproduced", "in part"]


def test_spread() -> None:
    assert f"{Spread.of([0.25, 0.27]):.3f}" == "0.260 ± 0.014"
    assert f"{Spread.of([0.25]):.1%}" == "25.0%"
