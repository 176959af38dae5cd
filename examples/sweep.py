"""Look for better settings of a training with Optuna, as `archdsl train --set …` would try them.

    pip install 'archdsl[train,experiments]'
    python examples/sweep.py specs/lenet_digits.arch --trials 20 --epochs 10

A trial that falls behind the others is ended early. The study is kept in sweep/study.db, and each
trial's run in sweep/trial-N, so the same command again adds trials to it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import optuna

from archdsl.errors import ArchError, TrainError
from archdsl.pipeline import open_to_train
from archdsl.train import Options, start
from archdsl.train.watch import Row, Watch

DIVERGED = "A956"  # the code of that error: archdsl explain A956


class Report(Watch):
    """Tells a trial how each epoch came out, and ends it where others did better."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def epoch(self, rows: list[Row]) -> None:
        """Called after every epoch, with all of them so far."""
        self.trial.report(rows[-1].valid_accuracy, rows[-1].epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def settings(trial: optuna.Trial) -> list[str]:
    """What is tried: statements of the spec's `train` section."""
    optimizer = trial.suggest_categorical("optimizer", ["sgd", "adamw"])
    least, most = (1e-2, 1.0) if optimizer == "sgd" else (1e-4, 1e-2)
    lr = trial.suggest_float(f"{optimizer}_lr", least, most, log=True)
    decay = trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True)
    momentum = " momentum=0.9 nesterov=true" if optimizer == "sgd" else ""
    return [
        f"optimizer {optimizer} lr={lr:.3g} weight_decay={decay:.3g}{momentum}",
        f"batch {trial.suggest_categorical('batch', [32, 64, 128])}",
    ]


def main() -> None:
    """Add trials to a study, and tell the best."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec", help="a spec or a network of one, as for archdsl train")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("sweep"))
    given = parser.parse_args()

    def objective(trial: optuna.Trial) -> float:
        changes = [*settings(trial), f"epochs {given.epochs}"]
        trial.set_user_attr("settings", changes)
        net = open_to_train(given.spec, changes=changes)
        options = Options(runs=given.folder, name=f"trial-{trial.number}")
        try:
            outcome = start(net.graph, options, net.files(), Report(trial))
        except TrainError as error:
            if error.diagnostics[0].code != DIVERGED:
                raise
            raise optuna.TrialPruned from None
        if not outcome.finished:  # Ctrl-C
            trial.study.stop()
            raise optuna.TrialPruned
        return max(row.valid_accuracy for row in outcome.rows)

    given.folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=given.spec,
        storage=f"sqlite:///{given.folder / 'study.db'}",
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )
    study.optimize(objective, n_trials=given.trials)

    if not study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
        sys.exit("no trial came to its end")
    # The best of many on one validation set is a little lucky: test it on data kept apart.
    best = study.best_trial
    print(f"best of {len(study.trials)}: {best.value:.2%} right, in trial-{best.number}")
    print("archdsl train", given.spec, *(f"--set '{s}'" for s in best.user_attrs["settings"]))


if __name__ == "__main__":
    try:
        main()
    except ArchError as error:  # the spec or a setting is wrong, or the folder has another's trials
        sys.exit(str(error))
