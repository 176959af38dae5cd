"""A run: begun in a folder of its own, or gone on with."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import ArchError, BuildError, TrainError, WriteError, printable
from archdsl.ir import Graph
from archdsl.train import checkpoint, record
from archdsl.train.assemble import Assembly
from archdsl.train.board import Board
from archdsl.train.data import Sets
from archdsl.train.data import read as read_data
from archdsl.train.data.examples import fingerprint
from archdsl.train.data.loader import Batches, readers_watched
from archdsl.train.data.pictures import Pictures
from archdsl.train.launch import Options, checked, launched, placement
from archdsl.train.loop import Interrupted, Loop
from archdsl.train.optimize import Ema
from archdsl.train.parts import Parts
from archdsl.train.refuse import refusal
from archdsl.train.settle import arithmetic
from archdsl.train.statistics import Components, settled, wanted
from archdsl.train.watch import Row, Several, Watch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


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
    notes: tuple[str, ...] = ()
    """How it was carried out, where that is not plain: whether features were kept, the thaw."""

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
        with readers_watched():
            sets = read_data(graph)
            told = watch.note if watch is not None and fabric.global_rank == 0 else None
            graph, components = _learnt(graph, sets, told)
            run = _Run(graph, options, fabric, sets, components, watch)
        folder: Any = None
        if fabric.global_rank == 0:
            folder = record.new_folder(options.runs, options.name, graph.name)
        folder = run.into(fabric.broadcast(folder))
        try:
            with record.held(folder, fabric.global_rank == 0), readers_watched():
                if fabric.global_rank == 0:
                    about = {"examples": _counts(sets), "data": fingerprint(sets.train)}
                    here = record.environment(fabric)
                    run.record.describe(files or [], components, options, about, here)
                return run.train([])
        except ArchError:
            if fabric.global_rank == 0 and not record.is_begun(folder):
                record.discard(folder)
            raise


def resume(folder: Path, options: Options | None = None, watch: Watch | None = None) -> Outcome:
    """Go on with a run from its last whole checkpoint, from the start if it has none yet.

    Args:
        folder: the run's.
        options: on what; as when it began if left out.
        watch: who else looks on.

    Raises:
        TrainError: it is no run, none of its checkpoints is whole, or it has diverged.
    """
    graph, about = record.read(folder)
    options = options or about.options
    training = checked(graph)
    state, wrong = checkpoint.load(folder / "last")
    fabric = launched(graph, options)
    first = fabric.global_rank == 0
    with record.held(folder, first), arithmetic(training, fabric.world_size), readers_watched():
        if first:
            record.tidy(folder)
        wrong += _differences(about.environment, record.environment(fabric))
        sets = _again(graph)
        if _counts(sets) != about.examples:
            label = f"the data have {_words(_counts(sets))}"
            raise refusal("A957", f"{label}; {_words(about.examples)} when the run began")
        if about.data not in (None, fingerprint(sets.train)):
            wrong.append("the data are others than when the run began, or have been written anew")
        run = _Run(graph, options, fabric, sets, about.components, watch, state)
        run.into(folder)
        return run.train(wrong)


def _again(graph: Graph) -> Sets:
    """The data once more: `--resume` takes no others."""
    try:
        return read_data(graph)
    except TrainError as error:
        if error.diagnostics[0].code != "A952":
            raise
        help = "--resume wants them where they were, seen from the folder in which the run began"
        raise TrainError(replace(d, help=help) for d in error.diagnostics) from None


def _counts(sets: Sets) -> tuple[int, int]:
    """How many examples there are to learn from, and to validate with."""
    return len(sets.train), len(sets.valid) if sets.valid is not None else 0


def _words(counts: tuple[int, int]) -> str:
    return f"{counts[0]:,} examples to learn from and {counts[1]:,} to validate with"


def _differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is another than when the run began, so that its numbers may be too."""
    return [
        f"{key} was {then[key]} when the run began, it is {value} now: "
        "the numbers may differ in their last digits"
        for key, value in now.items()
        if key in then and then[key] != value
    ]


def _learnt(
    graph: Graph, sets: Sets, told: Callable[[str], None] | None
) -> tuple[Graph, Components | None]:
    """The graph with what is to be learnt of the data before."""
    training = checked(graph)
    size = training.batch.size
    if isinstance(sets.train, Pictures):
        if wanted(graph):
            sets.train.keep(told)
        size = 1  # images of several sizes
    elif not len(sets.train):
        raise refusal("A952", "the data have no examples")
    return settled(graph, Batches(sets.train, size, workers=sets.workers))


# The run itself


class _Run:
    """A run of this process."""

    def __init__(
        self,
        graph: Graph,
        options: Options,
        fabric: Fabric,
        sets: Sets,
        components: Components | None,
        watch: Watch | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.graph, self.options, self.watch, self.state = graph, options, watch, state
        self.training = checked(graph)
        self.classes = sets.classes
        self.first = fabric.global_rank == 0
        self.notes: list[str] = []
        """What was told of how it is carried out."""
        frozen = bool(state and state.get("frozen", False))
        with self._fitting():
            weights = state["model"] if state is not None else None
            assembly = Assembly(graph, options, fabric, sets, components, weights, self.note)
        self.assembly = assembly
        self.parts = assembly.parts(frozen if state is not None else assembly.freezes)

    def note(self, text: str) -> None:
        """Tell how it is carried out, from the first process."""
        self.notes.append(text)
        if self.first and self.watch is not None:
            self.watch.note(text)

    def into(self, folder: Path) -> Path:
        """Keep what comes of it in a folder."""
        self.folder = folder
        self.record = record.Record(folder, self.graph, self.classes)
        return folder

    def train(self, said: list[str]) -> Outcome:
        """Train to the end, or until a signal asks to stop."""
        board = Board(self.folder / "tensorboard") if self.options.tensorboard else None
        own = (self.record, board, self.watch) if self.first else ()
        watches = [each for each in own if each is not None]
        ema = Ema(self.parts.module, self.training.ema.decay) if self.training.ema else None
        due = _Due(self.options.save_every)
        loop = Loop(self.parts, Several(*watches), ema, due, self._thawed)
        if self.state is not None:
            with self._fitting():
                loop.restore(self.state)
        finished = True
        with self._writing():
            with _listening(loop):
                try:
                    loop.run()
                except Interrupted:
                    finished = False
                except KeyboardInterrupt:
                    here = shlex.quote(str(self.folder))
                    self.note(
                        "stopped at once; from the last checkpoint, this goes on: "
                        f"archdsl train --resume {here}"
                    )
                    raise
            handed = loop.handed() if finished else {}
            if finished and self.first:
                self.record.finish(handed, loop.parts)
        self.assembly.fabric.barrier()  # none ends while the first still writes
        rows = tuple(loop.progress.rows)
        notes = tuple(self.notes)
        return Outcome(self.folder, rows, finished, tuple(said), self.first, notes)

    def _thawed(self, epochs: int) -> Parts:
        """The parts that train everything, behind so many epochs."""
        self.note(f"behind epoch {epochs} all of the network is trained")
        self.parts = self.assembly.parts(freezing=False)  # those before are let go
        return self.parts

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say of a file that cannot be written, as on a full disk, how the run goes on then."""
        try:
            yield
        except WriteError as error:
            if not record.is_begun(self.folder):
                raise
            help = f"once it can be, --resume {printable(str(self.folder))} goes on"
            raise WriteError(replace(d, help=help) for d in error.diagnostics) from None

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """Tell of a checkpoint that does not fit."""
        try:
            yield
        except (KeyError, TypeError, ValueError, RuntimeError, BuildError) as error:
            if self.state is None:
                raise
            told = error.diagnostics[0].label if isinstance(error, BuildError) else str(error)
            why = told.partition("\n")[0]
            label = f"its checkpoint is of another network or version ({why})"
            raise refusal("A957", label) from None


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
