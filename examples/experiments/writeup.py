"""The pages of experiments, made from what was measured: README.md of each, and of all."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lab import Report, Runs

INDEX = """\
# The history's lessons as experiments

What the history of image networks teaches, tried out: each experiment trains small networks that
specs describe, compares them with a control, several seeds each, and says what came out, also where
that is not what was expected. Everything is offline; the data come with scikit-learn and
scikit-image.

    make experiments                              # all of them
    make experiments ARGS=degradation             # one, by its name or number
    make experiments ARGS="degradation --short"   # in seconds, into build/experiments

The outcome follows from the checks on the experiment's page: all of them hold, none, or some.
Seconds are of processor time, over all processes; how to add an experiment is said in
[lab.py](lab.py).
"""


@dataclass(frozen=True)
class Entry:
    """A row of the index."""

    folder: str
    module: ModuleType
    outcome: str
    seconds: float | None
    """Of processor time; nothing where it has not been run."""


def words(module: ModuleType) -> tuple[str, str]:
    """The title of an experiment, and its claim."""
    title, _, claim = inspect.cleandoc(module.__doc__ or "").partition("\n\n")
    return title.rstrip("."), claim


def page(
    folder: Path, module: ModuleType, report: Report, runs: Runs, result: dict[str, Any]
) -> str:
    """README.md of an experiment."""
    title, claim = words(module)
    name = module.__name__
    specs = [f"[{spec.name}]({spec.name})" for spec in sorted(folder.glob("*.arch"))]
    flag = " --short" if result["short"] else ""
    command = f'ARGS="{name}{flag}"' if flag else f"ARGS={name}"
    parts = [
        f"# {title}",
        claim,
        f"    make experiments {command}",
        f"Networks and training: {', '.join(specs)}. What is compared: [{name}.py]({name}.py).",
        f"## Outcome: {report.outcome}",
        _table([("what should be so", "found", "")] + [
            (_line(check.claim), check.found, "yes" if check.holds else "**no**")
            for check in report.checks
        ]),
        "## Measured",
        _table(report.table),
        f"![{title}](plot.svg)",
        _paragraph(report.text),
        _paragraph(_conditions(runs, result)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _conditions(runs: Runs, result: dict[str, Any]) -> str:
    """How it was measured."""
    seeds = runs.each("seed")
    parts = [f"{len(runs)} runs"]
    if seeds:
        parts[0] += f", seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    if len(seeds) > 1:
        parts.append("a figure with a ± is the mean over the seeds and its standard deviation")
    kind = "a short version, in " if result["short"] else ""
    parts.append(f"{kind}{result['seconds']:.0f} s of processor time")
    environment = dict(result["environment"])
    processor = environment.pop("processor")
    versions = ", ".join(f"{name} {version}" for name, version in environment.items())
    return f"*{'; '.join(parts)}. {processor}; {versions}.*"


def _line(text: str) -> str:
    """A text that is written over several lines, as one."""
    return " ".join(text.split())


def _paragraph(text: str) -> str:
    return textwrap.fill(_line(text), 100, break_long_words=False, break_on_hyphens=False)


def index(entries: Sequence[Entry]) -> str:
    """README.md of all experiments."""
    rows: list[Sequence[str]] = [("", "lesson", "outcome", "seconds")]
    for entry in entries:
        title, _ = words(entry.module)
        number = str(int(entry.folder.partition("_")[0]))
        measured = entry.seconds is not None
        link = f"[{title}]({entry.folder}/{'README.md' if measured else ''})"
        seconds = f"{entry.seconds:.0f}" if measured else ""
        rows.append((number, link, entry.outcome, seconds))
    total = sum(entry.seconds or 0 for entry in entries)
    return f"{INDEX}\n{_table(rows)}\n\nTogether {total:,.0f} seconds.\n"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; the first row is the head."""
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def json_text(result: dict[str, Any]) -> str:
    """result.json: a line for each run."""
    head = {key: value for key, value in result.items() if key != "runs"}
    text = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    runs = ",\n".join(json.dumps(run, ensure_ascii=False) for run in result["runs"])
    return f'{text},\n "runs": [\n{runs}\n ]\n}}\n'
