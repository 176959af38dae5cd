"""Learn the digits 0 to 4, then go on to 5 to 9 in three ways, and from scratch.

    python examples/finetune/finetune.py [FOLDER] [EPOCHS]

What each way says beside digits.arch is in `WAYS`. On the command line it is the same:

    archdsl train digits.arch --data known.npz --name known
    archdsl train digits.arch -p classes=10 --data new.npz --from runs/known

with `--freeze 'all except fc'` for the first. The head has another number of classes, so it starts
fresh. What is printed is what was measured: on tasks as small as these, it may gain to start with
what was learnt, or not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from archdsl.pipeline import open_to_train
from archdsl.train import Options, Outcome

SPEC = Path(__file__).with_name("digits.arch")
WAYS = {
    "features, frozen": ["freeze all except fc"],
    "the head first": ["freeze all except fc epochs={third}", "lr stem=0.1x body=0.1x"],
    "everything": ["tune everything"],
}


def main(folder: Path, epochs: int) -> None:
    """Train five times; print a line each."""
    folder.mkdir(parents=True, exist_ok=True)
    write_digits(folder)
    known = train(folder, "known", [f"epochs {epochs}"])
    tell("0 to 4", known)
    start = [f"epochs {epochs}", f'from "{known.best}"']
    for way, said in WAYS.items():
        changes = [change.format(third=max(1, epochs // 3)) for change in said]
        tell(f"5 to 9, {way}", train(folder, "new", [*start, *changes], way))
    tell("5 to 9, from scratch", train(folder, "new", [f"epochs {epochs}"], "scratch"))


def write_digits(folder: Path) -> None:
    """known.npz has the digits 0 to 4, new.npz 30 of each from 5 to 9."""
    digits = load_digits()
    images, labels = (digits.images[:, None] / 16).astype(np.float32), digits.target
    few = [np.flatnonzero(labels == label)[:30] for label in range(5, 10)]
    for name, numbers in (("known", labels < 5), ("new", np.concatenate(few))):
        np.savez(folder / f"{name}.npz", x=images[numbers], y=labels[numbers])


def train(folder: Path, digits: str, changes: list[str], name: str = "") -> Outcome:
    """A run, in the folder `runs`."""
    classes = {} if digits == "known" else {"classes": "10"}
    data = str(folder / f"{digits}.npz")
    network = open_to_train(str(SPEC), classes, changes=changes, data=data)
    options = Options(runs=folder / "runs", name=(name or digits).replace(", ", " "), device="cpu")
    return network.train(options)


def tell(what: str, outcome: Outcome) -> None:
    """The best accuracy of the validation, and how the run was carried out."""
    best = max(row.valid_accuracy for row in outcome.rows)
    print(f"{what:<26} {best:6.1%} of the validation")
    for note in outcome.notes:
        print(f"    {note}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", default=Path("finetune"))
    parser.add_argument("epochs", type=int, nargs="?", default=12)
    given = parser.parse_args()
    if (given.folder / "runs").exists():
        sys.exit(f"{given.folder / 'runs'} is there from before; remove it or name another folder")
    main(given.folder, given.epochs)
