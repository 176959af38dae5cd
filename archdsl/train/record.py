"""A run's folder, runs/NAME.

| file | what is in it |
| --- | --- |
| `spec.arch` | the spec as it was; what it imports is in `imports` |
| `run.json` | the spec's hash, the settings in force, the environment |
| `graph.json` | the network with its training, which `--resume` reads |
| `metrics.csv` | a line for every epoch |
| `best.safetensors` | the weights of the best validation |
| `last` | checkpoints to go on from, and the weights at the end |
| `curves.svg` | loss and accuracy by epoch |
| `confusion.svg` | what the best weights take for what, of the validation |
| `filters.svg` | the first layer's kernels, of the best weights |
| `tensorboard` | the figures for TensorBoard, if asked for |
| `skipped.txt` | the images that could not be read, if they are left out |
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from archdsl.backends import features
from archdsl.backends import torch as backend
from archdsl.errors import Diagnostic, WriteError, printable
from archdsl.files import read_source, write_text
from archdsl.ir import Graph, preprocess
from archdsl.train import checkpoint, plots
from archdsl.train.launch import Options
from archdsl.train.parts import Parts
from archdsl.train.refuse import refusal
from archdsl.train.statistics import Components
from archdsl.train.summary import lines_of
from archdsl.train.validate import confused
from archdsl.train.watch import Row, Watch

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor

Files = list[tuple[str, str]]
"""The names and texts of the spec and of what it imports."""


class About(BaseModel):
    """What `--resume` wants to know of run.json."""

    options: Options
    examples: tuple[int, int]
    """To learn from, and to validate with."""
    data: str | None = None
    """A name for the examples to learn from, by their content."""
    components: Components | None
    """Of their colours."""
    environment: dict[str, Any]


def new_folder(runs: Path, name: str | None, network: str) -> Path:
    """A folder for a run: of this name, or of the network's with a number where it is taken.

    Raises:
        TrainError: a run of this name is there.
        WriteError: the folder cannot be made.
    """
    number = 1
    while True:
        tried = name or (network if number == 1 else f"{network}-{number}")
        folder = runs / tried
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if name is not None:
                help = f"another --name, or --resume {printable(str(folder))}"
                raise refusal("A958", f"{printable(str(folder))} is there", help) from None
            number += 1
        except OSError as error:
            label = f"{folder}: {(error.strerror or str(error)).lower()}"
            raise WriteError(Diagnostic("A005", None, label, help="another --runs")) from None


@contextmanager
def held(folder: Path, first: bool) -> Iterator[None]:
    """Keep other runs from a folder while it is written to; the first process does for all.

    Raises:
        TrainError: another one has it.
        WriteError: the folder may not be written to.
    """
    if not first:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        help = "wait for it, or end it; it can be resumed then"
        label = f"{printable(str(folder))}: another process is at work on this run"
        raise refusal("A958", label, help) from None
    except OSError as error:
        label = f"{folder}: {(error.strerror or str(error)).lower()}"
        raise WriteError(Diagnostic("A005", None, label)) from None
    try:
        yield
    finally:
        lock.release()


def environment(fabric: Fabric) -> dict[str, Any]:
    """What the numbers of a run may depend on, beside the spec."""
    import torch

    names = ("archdsl", "torch", "lightning-fabric", "kornia", "numpy", "safetensors")
    found: dict[str, Any] = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    found |= {"platform": platform.platform(), "processors": os.cpu_count()}
    found["threads"] = torch.get_num_threads()
    found |= {"device": fabric.device.type, "processes": fabric.world_size}
    if torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return found


class Record(Watch):
    """Writes a run's files as it goes."""

    def __init__(self, folder: Path, graph: Graph, classes: tuple[str, ...]) -> None:
        self.folder, self.graph, self.classes = folder, graph, classes
        self.named = set(lines_of(folder / "skipped.txt"))

    def describe(
        self,
        files: Files,
        components: Components | None,
        options: Options,
        data: dict[str, Any],
        here: dict[str, Any],
    ) -> None:
        """Write what is known before the first step: of the data, and of where it runs."""
        training = self.graph.training
        assert training is not None
        for _, text in files[:1]:
            write_text(self.folder / "spec.arch", text)
        for name, text in files[1:]:
            write_text(self.folder / "imports" / Path(name).name, text)
        write_text(self.folder / "graph.json", self.graph.to_json())
        about: dict[str, Any] = {
            "network": self.graph.name,
            "spec": self.graph.origin.file,
            "sha256": self.graph.origin.sha256,
            "imports": self.graph.origin.imports,
            "parameters": json.loads(self.graph.to_json())["parameters"],
            "settings": training.text().splitlines()[1:-1],
            "classes": list(self.classes),
            **data,
            "components": components and asdict(components),
            "options": options.to_dict(),
            "command": sys.argv,
            "environment": here,
        }
        about["settings"] = [line.strip() for line in about["settings"]]
        write_text(self.folder / "run.json", json.dumps(about, indent=1) + "\n")

    def epoch(self, rows: list[Row]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(Row.__dataclass_fields__)
        for row in rows:
            writer.writerow([_figure(value) for value in row.to_dict().values()])
        write_text(self.folder / "metrics.csv", text.getvalue())
        write_text(self.folder / "curves.svg", plots.curves(self.graph.name, rows))

    def best(self, weights: dict[str, Tensor]) -> None:
        self.write(weights, "best.safetensors")

    def finish(self, weights: dict[str, Tensor], parts: Parts) -> None:
        """Write what there is at the end: the last weights, and pictures of the best."""
        self.write(weights, "last/weights.safetensors")
        best = backend.read(self.folder / "best.safetensors")
        name = self.graph.name
        node = features.first_with_filters(self.graph)
        if node is not None:
            arrays = backend.arrays(self.graph, best)
            features.filters(self.graph, node.path, arrays).save(self.folder / "filters.svg")
        counts = confused(parts, best) if not parts.sharded else None  # by one process
        if counts is not None:
            text = plots.confusion(name, counts, self.classes)
            write_text(self.folder / "confusion.svg", text)

    def write(self, weights: dict[str, Tensor], name: str) -> None:
        """Weights, with what is to know of them: how inputs are normalized, names of classes."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        backend.save(self.graph, weights, self.folder / name, self.about())

    def about(self) -> dict[str, str]:
        """What goes with weights, for `export`: how inputs are prepared, the classes' names."""
        how = preprocess.of(self.graph)
        found = {} if how is None else {"preprocess": how.model_dump_json()}
        return found | ({"classes": json.dumps(self.classes)} if self.classes else {})

    def save(self, state: dict[str, Any]) -> None:
        checkpoint.save(self.folder / "last", state["progress"]["step"], state)

    def skipped(self, broken: tuple[str, ...]) -> None:
        new = set(map(printable, broken)) - self.named
        if new:
            self.named |= new
            lines = "".join(f"{each}\n" for each in sorted(self.named))
            write_text(self.folder / "skipped.txt", lines)


def _figure(value: int | float) -> str:
    """A number as a table has it; nothing where it is none."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.6g}" if value == value else ""


def is_begun(folder: Path) -> bool:
    """Whether there is something to keep of a run: a checkpoint, or the figures of an epoch."""
    return (folder / "metrics.csv").exists() or any((folder / "last").glob("step-*"))


def discard(folder: Path) -> None:
    """Remove a run that has come to nothing."""
    shutil.rmtree(folder, ignore_errors=True)


def tidy(folder: Path) -> None:
    """Remove what was being written when the run was killed."""
    for left in [*folder.glob(".*.tmp"), *(folder / "last").glob(".*.tmp")]:
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def read(folder: Path) -> tuple[Graph, About]:
    """The network of a run, and what its run.json says.

    Raises:
        TrainError: it is no run, or of another version.
        ReadError: a file of it cannot be read.
    """
    for name in ("graph.json", "run.json"):
        if not (folder / name).is_file():
            label = f"{printable(str(folder))}: it is no run of archdsl: it has no {name}"
            raise refusal("A957", label, "a run is a folder such as runs/lenet_digits")
    try:
        graph = Graph.from_json((folder / "graph.json").read_bytes())
        return graph, About.model_validate_json(read_source(folder / "run.json").text)
    except ValueError as error:
        why = str(error).partition("\n")[0]
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"].lower()]))
        label = f"{printable(str(folder))}: its graph.json or run.json is damaged, or of another "
        label += f"version ({why})"
        raise refusal("A957", label) from None
