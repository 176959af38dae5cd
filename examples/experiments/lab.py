"""What an experiment is made of, and what it may use.

An experiment is a folder `NN_name` beside this file:

    03_degradation/
        degradation.arch         the networks, and how they are trained
        degradation.py           what is run, what is compared, what is drawn
        result.json              what was measured: written by a run
        README.md, plot.svg      made from result.json alone

The Python file, which has the folder's name, begins with a docstring: the title, an empty line, and
the claim with its source. Then it has four functions:

    jobs(short)       the arguments of each call of `measure`: a list of dicts of plain values, the
                      longest jobs first; if `short`, so few and small that all take some seconds
    measure(**job)    does one job and gives what it found: a dict of anything that JSON can hold
    report(runs)      what the runs say, as a `Report`: checks, a table, a paragraph
    draw(runs)        the plot, a figure of matplotlib (see `panels`)

`measure` runs in a process with one thread, in the experiment's folder, so that "degradation.arch"
is the spec. Before each job Python's, NumPy's and torch's random states are set from its arguments;
so results do not depend on how many processes there are. Numbers are kept with six digits. An
argument `seed` is what repetitions differ in. Import torch and the like inside `measure` alone:
`report` and `draw` also run where nothing is trained.

`report` and `draw` see nothing but the runs, so no number of a page can be out of date. Each check
compares figures with those of a control; the outcome on the page follows from the checks: all of
them hold, none, or some. Write the paragraph so that it is true either way: `if`, not hope. Claims
and paragraphs may run over several lines of a string; they are filled anew on the page.

`load` and `train` read networks and train them; `runs.values` and `runs.spread` pick figures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from archdsl import Network
    from archdsl.train.watch import Row

Job = dict[str, Any]
"""The arguments of one call of `measure`."""

# Networks and their training


@dataclass(frozen=True)
class Trained:
    """What came of a training."""

    network: Network
    model: nn.Module
    """With the weights of the last epoch, set to evaluate."""
    rows: tuple[Row, ...]
    """An epoch each: `train_loss`, `train_accuracy`, `valid_loss`, `valid_accuracy`, `seconds`."""


def load(spec: str, network: str | None = None, **parameters: Any) -> Network:
    """A network of a spec, as the commands read `SPEC:NETWORK -p NAME=VALUE`.

    Parameters may be whatever the language can say: `layer="(fc init=he)"`.

    Raises:
        ArchError: there is none, or it is wrong.
    """
    from archdsl.pipeline import open_one

    return open_one(_named(spec, network), _in_the_language(parameters))


def train(
    spec: str,
    network: str | None = None,
    *,
    seed: int,
    changes: Sequence[str] = (),
    data: str | Path | None = None,
    **parameters: Any,
) -> Trained:
    """Train a network as `archdsl train SPEC:NETWORK --set 'seed SEED'` would.

    Args:
        spec: the spec's file.
        network: one of its networks, if it has several.
        seed: what starting weights, order, augmentation and dropout are drawn from.
        changes: settings that take the place of the spec's, as after `--set`: "epochs 3".
        data: where the data are read from, as after `--data`.
        parameters: the spec's `param`s, as after `-p`.

    Raises:
        ArchError: the spec or a change is wrong, or the training has diverged.
    """
    from archdsl.pipeline import open_to_train
    from archdsl.train import Options

    values, said = _in_the_language(parameters), [*changes, f"seed {seed}"]
    source = None if data is None else str(data)
    net = open_to_train(_named(spec, network), values, changes=said, data=source)
    with tempfile.TemporaryDirectory() as folder:
        outcome = net.train(Options(runs=Path(folder), device="cpu"))
        if not outcome.finished:
            raise KeyboardInterrupt
        model = net.to_torch(weights=outcome.folder / "last" / "weights.safetensors")
    return Trained(net, model.eval(), outcome.rows)


def _named(spec: str, network: str | None) -> str:
    return spec if network is None else f"{spec}:{network}"


def _in_the_language(parameters: dict[str, Any]) -> dict[str, str]:
    """Parameters as `-p` takes them."""
    return {key: str(v).lower() if isinstance(v, bool) else str(v) for key, v in parameters.items()}


# What was measured


@dataclass(frozen=True)
class Spread:
    """The mean of some values and their standard deviation (of a sample; 0 for a single one).

    >>> f"{Spread.of([0.25, 0.27]):.3f}"
    '0.260 ± 0.014'
    """

    mean: float
    deviation: float
    count: int
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if not values:
            raise ValueError("no run has such values")
        deviation = stdev(values) if len(values) > 1 else 0.0
        return cls(fmean(values), deviation, len(values), min(values), max(values))

    def __format__(self, spec: str) -> str:
        mean = format(self.mean, spec)
        return f"{mean} ± {format(self.deviation, spec)}" if self.count > 1 else mean


@dataclass(frozen=True)
class Run:
    """A job and what it found."""

    job: Job
    found: dict[str, Any]


class Runs(Sequence[Run]):
    """The runs of an experiment, or some of them."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    def __getitem__(self, index: Any) -> Any:
        return self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def where(self, **job: Any) -> Runs:
        """The runs whose jobs have these arguments, in the order of the jobs."""
        chosen = (r for r in self if all(r.job.get(key) == value for key, value in job.items()))
        return Runs(tuple(chosen))

    def values(self, key: str, **job: Any) -> list[Any]:
        """What the runs with these arguments found under a key."""
        return [run.found[key] for run in self.where(**job)]

    def spread(self, key: str, **job: Any) -> Spread:
        """Mean and deviation of these values."""
        return Spread.of(self.values(key, **job))

    def one(self, key: str, **job: Any) -> Any:
        """The value of the only run with these arguments."""
        (value,) = self.values(key, **job)
        return value

    def each(self, argument: str) -> list[Any]:
        """The values that an argument of the jobs has, in their order."""
        return list(dict.fromkeys(run.job[argument] for run in self if argument in run.job))


# What is told


@dataclass(frozen=True)
class Check:
    """A comparison with a control."""

    claim: str
    """What should be so, with the bound: "in every seed less than half of plain-56's error"."""
    found: str
    """The figures that were compared."""
    holds: bool


@dataclass(frozen=True)
class Report:
    """What an experiment says."""

    checks: Sequence[Check]
    table: Sequence[Sequence[str]]
    """Rows of texts; the first is the head."""
    text: str
    """An honest paragraph."""

    @property
    def outcome(self) -> str:
        """What the checks come to."""
        if not self.checks:
            raise ValueError("there is no check to judge by")
        held = sum(check.holds for check in self.checks)
        if held == len(self.checks):
            return "reproduced"
        return "in part" if held else "not reproduced"


# Plots: the colours of Okabe & Ito (2008), which the colour-blind tell apart

BLACK, BLUE, ORANGE, GREEN = "#000000", "#0072b2", "#e69f00", "#009e73"
RED, SKY, PURPLE, GREY = "#d55e00", "#56b4e9", "#cc79a7", "#808080"
COLORS = (BLUE, RED, GREEN, ORANGE, SKY, PURPLE, BLACK)

STYLE: Any = {  # of matplotlib
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "grid.alpha": 0.3,
    "image.interpolation": "none",  # pixels as they are, which keeps files small
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "savefig.dpi": 150,
    "svg.hashsalt": "archdsl",  # the same ids in every run
}


def panels(
    columns: int = 1, rows: int = 1, width: float = 7.0, height: float = 3.0, **options: Any
) -> tuple[Figure, Any]:
    """A figure of `width` x `height` inches, and its axes as `subplots` gives them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def pictures(axes: Sequence[Any], draw: Callable[[Any, int], None]) -> None:
    """Call `draw(axis, i)` for each axis, which then has neither ticks nor grid, but a frame."""
    for i, axis in enumerate(axes):
        draw(axis, i)
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        axis.spines[:].set_visible(True)
