"""examples/sweep.py: a study of few trials, gone on with, and its answer carried out."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from scripts import EXAMPLES, environment, run

pytest.importorskip("lightning_fabric")
optuna = pytest.importorskip("optuna")
SPEC = EXAMPLES.parent / "specs" / "lenet_digits.arch"


def best_of(folder: Path) -> float:
    with (folder / "metrics.csv").open() as file:
        return max(float(row["valid_accuracy"]) for row in csv.DictReader(file))


def test_a_study_goes_on_and_its_answer_can_be_run(tmp_path: Path) -> None:
    env = environment(tmp_path / "bin")

    def sweep(trials: int) -> str:
        words = (SPEC, "--trials", trials, "--epochs", 2)
        return run(sys.executable, EXAMPLES / "sweep.py", *words, cwd=tmp_path, env=env).stdout

    assert "best of 2:" in sweep(2)
    told = sweep(1)
    (best,) = re.findall(r"best of 3: .* in (trial-\d)\n", told)
    runs = sorted(path.name for path in (tmp_path / "sweep").glob("trial-*"))
    assert runs == ["trial-0", "trial-1", "trial-2"]

    found = best_of(tmp_path / "sweep" / best)
    assert found == max(best_of(tmp_path / "sweep" / name) for name in runs)
    assert f"{found:.2%}" in told
    command = told.splitlines()[-1]
    run(*shlex.split(command), "--name", "again", cwd=tmp_path, env=env)
    again = tmp_path / "runs" / "again"
    assert best_of(again) == found
    settings = [json.loads((f / "run.json").read_text())["settings"] for f in (
        again, tmp_path / "sweep" / best)]  # fmt: skip
    assert settings[0] == settings[1]


def test_a_trial_that_diverges_or_falls_behind_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import sweep

    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(lower=0.5))
    trial = study.ask()
    report = sweep.Report(trial)
    row = sweep.Row(1, 1, 0.1, 1.0, 0.9, 1.0, 0.9, 1.0, 1.0)
    report.epoch([row])
    row.epoch, row.valid_accuracy = 2, 0.1
    with pytest.raises(optuna.TrialPruned):
        report.epoch([row])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "settings", lambda _: ["optimizer sgd lr=1e30"])
    monkeypatch.setattr(sys, "argv", ["sweep.py", str(SPEC), "--trials", "1", "--epochs", "2"])
    with pytest.raises(SystemExit, match="no trial came to its end"):
        sweep.main()
    kept = optuna.load_study(study_name=str(SPEC), storage="sqlite:///sweep/study.db")
    assert [t.state.name for t in kept.trials] == ["PRUNED"]
