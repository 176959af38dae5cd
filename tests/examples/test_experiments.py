"""The experiments' frame, the first five in short, and pages that say what was measured."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import runner
from goldens import check_golden
from lab import Check, Report, Run, Runs, Spread, load

if extras := runner.missing():
    pytest.skip(f"this needs archdsl[{extras}]", allow_module_level=True)

ShortRun = Callable[[str], tuple[Runs, Report]]
EXPERIMENTS = runner.find()
each = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
each_measured = pytest.mark.parametrize(
    "experiment", [e for e in EXPERIMENTS if runner.read(e.folder)], ids=lambda e: e.name
)

# The experiments, in seconds: what is robust, against its controls


def test_linear(short_run: ShortRun) -> None:
    runs, report = short_run("linear")
    assert report.checks[0].holds, "the product of the matrices does what the two layers do"
    assert runs.one("error", task="xor", net="line") > 0.25  # three of four quadrants at best
    assert runs.one("error", task="xor", net="relu") < 0.05
    assert runs.one("error", task="xor", net="two") > 0.4


def test_the_best_line() -> None:
    import numpy as np

    (experiment,) = runner.find(["linear"])
    best = experiment.module.best_line
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    assert best(corners, np.array([0, 1, 1, 0])) == 0.25  # XOR: three of four
    assert best(corners, np.array([0, 0, 0, 1])) == 0  # AND
    assert best(corners, np.array([1, 1, 1, 0])) == 0  # NAND
    assert best(corners, np.array([1, 1, 1, 1])) == 0


def test_gradients(short_run: ShortRun) -> None:
    runs, report = short_run("gradients")

    def kept(net: str, act: str, init: str) -> float:
        (found,) = runs.where(net=net, act=act, init=init, epochs=None).values("measured")
        return found[0]

    assert kept("plain", "sigmoid", "glorot") < 1e-9
    assert 0.1 < kept("plain", "relu", "he") < 10
    assert 0.1 < kept("plain", "tanh", "glorot") < 10
    assert 0.1 < kept("normalized", "sigmoid", "glorot") < 10
    assert 0.1 < kept("shortcuts", "sigmoid", "glorot") < 10
    (learning,) = (check for check in report.checks if "best of the rates" in check.claim)
    assert learning.holds


def test_predicted_gradients_by_hand() -> None:
    """Through a layer and a ReLU a gradient's mean square meets fan_out var(w) and 1/2."""
    (experiment,) = runner.find(["gradients"])
    spec = str(experiment.folder / "gradients.arch")
    graph = load(spec, "plain", layer="(fc init=glorot)", act="relu", depth=5).graph
    found = experiment.module.predicted(graph)
    assert len(found) == 4
    # Glorot's variance is 1/100 for 100 to 100: each unit halves the mean square.
    steps = [before / after for before, after in pairwise(found)]
    assert steps == pytest.approx([0.5**0.5] * 3, rel=0.02)  # the slope is taken on a grid


def test_degradation(short_run: ShortRun) -> None:
    runs, report = short_run("degradation")
    errors = {net: runs.one("train_error", net=net) for net in runs.each("net")}
    assert errors["plain56"] > 2 * errors["plain20"]
    assert errors["plain56"] > 1.2 * errors["resnet56"]
    assert report.checks[-1].holds, "shortcuts have no weights"


def test_gabor(short_run: ShortRun) -> None:
    runs, _ = short_run("gabor")
    for method, least in (("components", 0.6), ("network", 0.3)):
        found, control = (
            runs.one("r2", method=method, pixels=pixels) for pixels in ("photographs", "shuffled")
        )
        assert found > least
        assert control < 0.25


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_gabor_is_found_again(noise: float) -> None:
    import numpy as np

    runner.load(runner.find(["gabor"])[0].folder)
    from gabor_fit import gabor_r2

    y, x = np.mgrid[:11, :11] - 5.0
    wave = np.exp(-(x**2) / 12 - (y - 1) ** 2 / 20) * np.cos(0.8 * x + 0.5 * y + 1)
    random = np.random.default_rng(0).standard_normal(wave.shape)
    wave += noise * wave.std() * random
    blob = np.exp(-(x**2 + y**2) / 8)
    (r2, r2_blob, r2_noise), _ = gabor_r2(np.stack([wave, blob, random]))
    assert r2 > 0.98 - noise**2
    assert r2_blob > 0.98
    assert r2_noise < 0.3


def test_dropout(short_run: ShortRun) -> None:
    runs, _ = short_run("dropout")
    assert runs.one("error", way="both") < 0.8 * runs.one("error", way="neither")
    assert runs.one("train_error", way="neither") < 0.1 < runs.one("train_error", way="both")


def test_wrong_labels_are_as_many_as_said() -> None:
    (experiment,) = runner.find(["dropout"])
    (x, noisy), (held, _) = experiment.module.digits(400, 0.3, 0)
    (same, right), _ = experiment.module.digits(400, 0.0, 0)
    assert (x == same).all()
    assert (noisy != right).sum() == 120
    seen = {image.tobytes() for image in x}
    assert sum(image.tobytes() in seen for image in held) <= 2  # no more than the set has twice


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
def test_results_are_of_the_jobs_that_there_are(experiment: runner.Experiment) -> None:
    result = runner.read(experiment.folder)
    assert result is not None
    assert [run["job"] for run in result["runs"]] == experiment.module.jobs(False)


@each_measured
def test_files_are_small(experiment: runner.Experiment) -> None:
    files = [path for path in experiment.folder.iterdir() if path.is_file()]
    sizes = {path.name: path.stat().st_size for path in files}
    assert {"README.md", "result.json", "plot.svg"} <= sizes.keys()
    assert all(size < 100_000 for size in sizes.values()), sizes


@each
def test_specs_are_clean(experiment: runner.Experiment) -> None:
    from archdsl.pipeline import load_all

    specs = sorted(experiment.folder.glob("*.arch"))
    assert specs
    for spec in specs:
        assert not [f for network in load_all(spec) for f in network.lint(level="warning")]


@each
def test_jobs_are_plain_values_and_each_is_there_once(experiment: runner.Experiment) -> None:
    for short in (True, False):
        jobs = experiment.module.jobs(short)
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


def test_an_unknown_experiment_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["nothing"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("no experiment is called nothing; there are linear")
    assert told.count("\n") == 1


def test_missing_packages_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(runner.PACKAGES, "no_such_package", "experiments")
    assert runner.main(["linear"]) == 2
    assert "pip install 'archdsl[experiments]'" in capsys.readouterr().err


def one_job(folder: Path, body: str) -> runner.Experiment:
    """An experiment whose `measure` does something."""
    made = folder / "99_odd_one"
    made.mkdir()
    text = (
        f'"""Odd.\n\nVery."""\ndef jobs(short): return [{{"seed": 0}}]\ndef measure(seed): {body}\n'
    )
    (made / "odd_one.py").write_text(text)
    return runner.Experiment(made)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("import archdsl; archdsl.zoo('nonet')", "99_odd_one, seed=0:\n.*nonet"),
        ("import os; os._exit(3)", "odd_one: a process was ended from outside"),
    ],
)
def test_a_job_that_fails_is_told_and_nothing_is_written(
    body: str, told: str, tmp_path: Path
) -> None:
    experiment = one_job(tmp_path, body)
    with runner.processes(1) as pool, pytest.raises(runner.LabError, match=f"(?s){told}"):
        runner.run(experiment, True, pool, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no groups of processes here")
def test_ctrl_c_ends_it_at_once_with_one_line(tmp_path: Path) -> None:
    command = [sys.executable, runner.HERE, "degradation", "--short"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
        # A job in the background of a shell, as this may be, inherits that it ignores SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stderr is not None
        assert re.match(r"degradation: 3 jobs", process.stderr.readline())
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 130
    assert told == "stopped; what was under way has written nothing\n"
    assert not list(tmp_path.rglob("*.*"))


def test_outcomes_follow_from_the_checks() -> None:
    held, failed = Check("", "", True), Check("", "", False)
    outcomes = [Report(c, [], "").outcome for c in ([held, held], [failed], [held, failed])]
    assert outcomes == ["reproduced", "not reproduced", "in part"]
    with pytest.raises(ValueError, match="no check"):
        _ = Report([], [], "").outcome


def test_spread() -> None:
    assert f"{Spread.of([0.25, 0.27]):.3f}" == "0.260 ± 0.014"
    assert f"{Spread.of([0.25]):.1%}" == "25.0%"
    with pytest.raises(ValueError, match="no run"):
        Spread.of([])


def test_runs_are_picked_by_their_jobs() -> None:
    runs = Runs([Run({"net": n, "seed": s}, {"error": s / 10}) for n in "ab" for s in range(2)])
    assert runs.values("error", net="b") == [0, 0.1]
    assert runs.one("error", net="a", seed=1) == 0.1
    assert runs.each("net") == ["a", "b"]
    assert len(runs.where(seed=0)) == 2
    with pytest.raises(ValueError, match="unpack"):
        runs.one("error", net="a")


def test_numbers_are_kept_with_six_digits() -> None:
    found = runner._rounded({"a": [1 / 3, float("nan"), float("inf"), 7], "b": "x"})
    assert found == {"a": [0.333333, None, None, 7], "b": "x"}
