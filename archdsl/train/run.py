"""A run: begun in a folder of its own, or gone on with."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.backends import torch as backend
from archdsl.errors import ArchError, Diagnostic, TrainError
from archdsl.ir import Graph
from archdsl.train import checkpoint, record
from archdsl.train.augment import OneByOne, Preparation, one_by_one
from archdsl.train.board import Board
from archdsl.train.data import Sets
from archdsl.train.data import read as read_data
from archdsl.train.data.loader import Batches, Share
from archdsl.train.data.pictures import Pictures
from archdsl.train.launch import Options, checked, launched, placement
from archdsl.train.loop import Interrupted, Loop
from archdsl.train.objective import Objective
from archdsl.train.optimize import Ema, optimizers
from archdsl.train.parts import Parts
from archdsl.train.recompute import recompute
from archdsl.train.refuse import refusal
from archdsl.train.settle import arithmetic
from archdsl.train.statistics import Components, settled
from archdsl.train.watch import Row, Several, Watch

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    folder: Path
    rows: tuple[Row, ...]
    finished: bool
    """Whether it came to its end, rather than being asked to stop."""
    warnings: tuple[str, ...] = ()
    first: bool = True
    """Whether this is the first of its processes, which tells of it."""

    @property
    def best(self) -> Path:
        """The weights of the best validation."""
        return self.folder / "best.safetensors"


SECONDS = 20.0  # between two checkpoints, where it is not said how many steps


def start(
    graph: Graph,
    options: Options | None = None,
    files: record.Files | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Train a network as its `train` section says, in a folder of its own.

    Args:
        graph: the network, with its training.
        options: where, and on what.
        files: the names and texts of its spec and of what that imports, to keep with the run.
        watch: who else looks on.

    Raises:
        TrainError: the training cannot begin, or has diverged.
    """
    options = options or Options()
    training = checked(graph)
    placement(graph, options)  # refused before any data are read
    fabric = launched(graph, options)
    with arithmetic(training, fabric.world_size):
        sets = read_data(graph)
        graph, components = _learnt(graph, sets)
        run = _Run(graph, options, fabric, sets, components)
        folder: Any = None
        if fabric.global_rank == 0:
            folder = record.new_folder(options.runs, options.name, graph.name)
        folder = run.into(fabric.broadcast(folder))
        if fabric.global_rank == 0:
            run.record.describe(files or [], components, options.to_dict(), _counts(sets))
        try:
            return run.train(watch, None, [])
        except ArchError:
            if fabric.global_rank == 0 and not (folder / "metrics.csv").exists():
                record.discard(folder)
            raise


def resume(folder: Path, options: Options | None = None, watch: Watch | None = None) -> Outcome:
    """Go on with a run from its last whole checkpoint, from the start if it has none yet.

    Raises:
        TrainError: it is no run, none of its checkpoints is whole, or it has diverged.
    """
    graph, about, components = record.read(folder)
    options = options or Options()
    if not options.place and options.device == "auto":
        options = replace(options, place=tuple(about["options"].get("place", ())))
    training = checked(graph)
    state, wrong = checkpoint.load(folder / "last")
    fabric = launched(graph, options)
    with arithmetic(training, fabric.world_size):
        if fabric.global_rank == 0:
            record.tidy(folder)
        wrong += _differences(about["environment"], record.environment())
        sets = read_data(graph)
        if _counts(sets) != about["examples"]:
            label = f"the data have {_counts(sets)} examples to learn from and to validate with"
            raise refusal("A957", f"{label}, they had {about['examples']} when the run began")
        run = _Run(graph, options, fabric, sets, components)
        run.into(folder)
        return run.train(watch, state, wrong)


def _counts(sets: Sets) -> list[int]:
    """How many examples there are to learn from, and to validate with."""
    return [len(sets.train), len(sets.valid) if sets.valid is not None else 0]


def _differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is another than when the run began, so that its numbers may be too."""
    return [
        f"{key} was {then.get(key)} when the run began, it is {value} now: "
        "the numbers may differ in their last digits"
        for key, value in now.items()
        if then.get(key) != value
    ]


def _learnt(graph: Graph, sets: Sets) -> tuple[Graph, Components | None]:
    """The graph with what is to be learnt of the data before."""
    training = checked(graph)
    size = training.batch.size
    each = None
    if isinstance(sets.train, Pictures):
        sets.train.keep()
        size = 1  # images of several sizes
    elif not len(sets.train):
        raise refusal("A952", "the data have no examples")
    return settled(graph, Batches(sets.train, size, workers=sets.workers, each=each))


# The run itself


class _Run:
    """The parts of a run, put together."""

    def __init__(
        self,
        graph: Graph,
        options: Options,
        fabric: Fabric,
        sets: Sets,
        components: Components | None,
    ) -> None:
        self.graph, self.options, self.fabric = graph, options, fabric
        self.training = checked(graph)
        self.placement = placement(graph, options)
        self.classes = sets.classes
        self.first = fabric.global_rank == 0
        for pictures in (sets.train, sets.valid):
            if isinstance(pictures, Pictures):
                pictures.keep()
        self.parts = self._parts(sets, components)

    def into(self, folder: Path) -> Path:
        """Keep what comes of it in a folder."""
        self.folder = folder
        self.record = record.Record(folder, self.graph, self.classes)
        return folder

    def _parts(self, sets: Sets, components: Components | None) -> Parts:
        training, fabric = self.training, self.fabric
        module = self._module()
        model, made = self._set_up(module)
        labels = sets.labels
        done = one_by_one(self.graph, sets.varied)
        each = OneByOne(training.augment[:done], components) if done else None
        share = Share(fabric.global_rank, fabric.world_size)
        pin = fabric.device.type == "cuda"
        size, seed = training.batch.size, training.seed.value
        balanced = labels if getattr(training.data, "balance", False) else None
        if getattr(training.data, "balance", False) and labels is None:
            label = "`balance=true` needs the class of every example, and these have none"
            raise refusal("A954", label)
        batches = Batches(
            sets.train, size, share, training.accumulate.batches, seed, balanced, sets.workers,
            each, pin,
        )  # fmt: skip
        valid = None
        if sets.valid is not None and len(sets.valid):
            valid = Batches(sets.valid, size, share, seed=seed, workers=sets.workers, pin=pin)
        return Parts(
            graph=self.graph,
            fabric=fabric,
            module=module,
            model=model,
            optimizers=made,
            objective=Objective(self.graph, labels, fabric.device),
            preparation=Preparation(self.graph, components, done, sets.ready),
            batches=batches,
            valid=valid,
            sharded=self.options.strategy == "fsdp",
            skip_broken=getattr(training.data, "broken", "fail") == "skip",
        )

    def _module(self) -> nn.Module:
        """The network with its starting weights."""
        import torch

        training = self.training
        start = training.start.path if training.start is not None else None
        module = backend.build(self.graph, start, training.seed.value, placement=self.placement)
        if training.checkpoint is not None:
            recompute(module, training.checkpoint.paths)
        if training.channels_last.on:
            module = module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return module

    def _set_up(self, module: nn.Module) -> tuple[nn.Module, list[Any]]:
        """The network and its optimizers as Fabric runs them."""
        if self.options.strategy == "fsdp":
            model = self.fabric.setup_module(module)
            return model, list(map(self.fabric.setup_optimizers, optimizers(self.graph, module)))
        made = optimizers(self.graph, module)
        training = self.training
        runs: Any = module
        if training.compile.on:
            import torch

            mode = training.compile.mode.replace("_", "-")
            runs = torch.compile(module, mode=None if mode == "default" else mode)
        # Fabric would compile once more, for strategies that wrap the network: none here needs it.
        here = self.placement is None
        model, *ready = self.fabric.setup(runs, *made, move_to_device=here, _reapply_compile=False)
        return model, ready

    def train(self, watch: Watch | None, state: dict[str, Any] | None, said: list[str]) -> Outcome:
        """Train to the end, or until a signal asks to stop."""
        board = Board(self.folder / "tensorboard") if self.options.tensorboard else None
        own = (self.record, board, watch) if self.first else ()
        watches = [each for each in own if each is not None]
        ema = Ema(self.parts.module, self.training.ema.decay) if self.training.ema else None
        loop = Loop(self.parts, Several(*watches), ema, _Due(self.options.save_every))
        if state is not None:
            self._restore(loop, state)
        finished = True
        with _listening(loop):
            try:
                loop.run()
            except Interrupted:
                finished = False
        handed = loop.handed() if finished else {}
        if finished and self.first:
            self.record.finish(handed, self.parts)
        return Outcome(self.folder, tuple(loop.progress.rows), finished, tuple(said), self.first)

    def _restore(self, loop: Loop, state: dict[str, Any]) -> None:
        try:
            loop.restore(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            why = str(error).partition("\n")[0]
            label = f"{self.folder}: its checkpoint is of another network or version ({why})"
            raise TrainError(Diagnostic("A957", None, label)) from None


class _Due:
    """When a checkpoint is due: every so many steps, or every so many seconds."""

    def __init__(self, steps: int | None) -> None:
        self.steps = steps
        self.last = time.monotonic()

    def __call__(self, step: int) -> bool:
        if self.steps is not None:
            return step % self.steps == 0
        if time.monotonic() - self.last < SECONDS:
            return False
        self.last = time.monotonic()
        return True


@contextmanager
def _listening(loop: Loop) -> Iterator[None]:
    """Let the first Ctrl-C, or a polite request to end, stop the loop behind its step."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: object) -> None:
        if loop.stop:
            raise KeyboardInterrupt  # the second time: at once
        loop.stop = True

    before = {s: signal.signal(s, heard) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
