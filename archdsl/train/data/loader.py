"""The order of the examples, their batches, and what each process reads of them."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.errors import Diagnostic, TrainError
from archdsl.train.data import user
from archdsl.train.data.examples import Arrays, Examples, Inputs, length, over
from archdsl.train.data.pictures import Broken, Pictures
from archdsl.train.draws import generator, mixed
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Share:
    """Which of several processes this is, of how many."""

    rank: int = 0
    world: int = 1


@dataclass(frozen=True)
class Batch:
    """What one process has of a batch."""

    inputs: Inputs | None
    targets: Any
    broken: tuple[str, ...] = ()
    """Images that could not be read, in words."""

    @property
    def count(self) -> int:
        return 0 if self.inputs is None else length(self.inputs)

    def pin_memory(self) -> Batch:
        """The batch where a GPU copies it from by itself: torch's loader asks for it."""
        if self.inputs is None:
            return self
        inputs, targets = (over(v, lambda t: t.pin_memory()) for v in (self.inputs, self.targets))
        return replace(self, inputs=inputs, targets=targets)


def order(count: int, seed: int, epoch: int, labels: Tensor | None = None) -> Tensor:
    """The examples of an epoch in their order: each of them once.

    With `labels`, as many as there are are drawn, every class equally often; some come twice.
    """
    import torch

    draw = generator(seed, "order", epoch)
    if labels is None:
        return torch.randperm(count, generator=draw)
    _, which, counts = labels.unique(return_inverse=True, return_counts=True)
    weights = 1 / counts.double()
    return torch.multinomial(weights[which], count, replacement=True, generator=draw)


@dataclass(frozen=True)
class Batches:
    """Batches of a set of examples, the same for every number of processes."""

    examples: Examples
    size: int
    """Examples of a batch, over all processes."""
    share: Share = Share()
    accumulate: int = 1
    """Batches between two changes of the weights."""
    seed: int = 0
    labels: Tensor | None = None
    """The classes, if each is to be drawn equally often."""
    workers: int = 0
    each: Callable[[Any], Any] | None = None
    """What is done to every image as it is read."""
    pin: bool = False

    def __len__(self) -> int:
        return -(-len(self.examples) // self.size)

    @property
    def steps(self) -> int:
        """Changes of the weights in an epoch."""
        return -(-len(self) // self.accumulate)

    def closes(self, number: int) -> bool:
        """Whether the weights change behind a batch."""
        return (number + 1) % self.accumulate == 0 or number + 1 == len(self)

    def window(self, number: int) -> int:
        """How many examples the change of the weights behind a batch is for."""
        first = number - number % self.accumulate
        last = min(len(self), first + self.accumulate)
        return min(len(self.examples), last * self.size) - first * self.size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """This process's part of each batch of an epoch, from the batch `start` on."""
        numbers = order(len(self.examples), self.seed, epoch, self.labels)
        parts = numbers.split(self.size)[start:]
        own = [part.tensor_split(self.share.world)[self.share.rank] for part in parts]
        return self._read(own, epoch, start)

    def once(self) -> Iterator[Batch]:
        """This process's batches of all examples in their own order, as they are to be validated.

        Each is read by one process.
        """
        import torch

        parts = torch.arange(len(self.examples)).split(self.size)
        return self._read(list(parts[self.share.rank :: self.share.world]), -1, 0)

    def _read(self, parts: Sequence[Tensor], epoch: int, start: int) -> Iterator[Batch]:
        if isinstance(self.examples, Arrays) and not self.workers and self.each is None:
            arrays = self.examples
            return (_batch(*arrays.batch(part)) for part in parts)
        return self._loaded(parts, epoch, start)

    def _loaded(self, parts: Sequence[Tensor], epoch: int, start: int) -> Iterator[Batch]:
        """Through torch's loader, whose processes read ahead."""
        from torch.utils.data import DataLoader

        with warnings.catch_warnings():  # of more processes than processors: they are asked for
            warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
            loader = DataLoader(
                _Drawn(self.examples, self.each),  # pyright: ignore[reportArgumentType]
                batch_sampler=_Keys(parts, self, epoch, start),  # pyright: ignore[reportArgumentType]
                num_workers=self.workers,
                collate_fn=_gathered,
                pin_memory=self.pin,
                generator=generator(self.seed, "workers", epoch),
                worker_init_fn=_deaf,
            )
            found = iter(loader)
        for part in parts:
            yield _checked(next(found)) if len(part) else Batch(None, None)


@dataclass(frozen=True)
class _Keys:
    """What is read for each batch that has any: of every example a seed and its number."""

    parts: Sequence[Tensor]
    batches: Batches
    epoch: int
    start: int

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        seed, rank = self.batches.seed, self.batches.share.rank
        for i, part in enumerate(self.parts, self.start):
            place = seed, "example", self.epoch, i, rank
            if len(part):
                yield [(mixed(*place, j), int(n)) for j, n in enumerate(part)]


def _deaf(worker: int) -> None:
    """Ctrl-C is for the main process, which still wants the batches of the step under way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _batch(inputs: Any, targets: Any) -> Batch:
    return Batch(inputs, targets) if length(inputs) else Batch(None, None)


@dataclass(frozen=True)
class _Drawn:
    """Examples by a seed and a number: what is drawn for one depends on its seed alone."""

    examples: Examples
    each: Callable[[Any], Any] | None

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Any, Any]:
        seed, index = key
        own = isinstance(self.examples, Arrays | Pictures)
        if self.each is not None or not own:
            user.settle(seed)
        try:
            image, target = self.examples[index]
        except Exception as error:
            if own:
                raise
            return Broken(f"example {index}: {type(error).__name__}: {error}"), 0
        if self.each is not None and not isinstance(image, Broken):
            try:
                image = self.each(image)
            except TrainError as error:
                return _Refused(error.diagnostics), 0
        return image, target


@dataclass(frozen=True)
class _Refused:
    """An error as a value: from other processes errors do not come through as they are."""

    diagnostics: tuple[Diagnostic, ...]


def _misfit(label: str, help: str) -> _Refused:
    return _Refused(refusal("A954", label, help).diagnostics)


def _gathered(items: list[tuple[Any, Any]]) -> Batch | _Refused:
    import torch
    from torch.utils.data import default_collate

    if refused := next((image for image, _ in items if isinstance(image, _Refused)), None):
        return refused
    sound = [item for item in items if not isinstance(item[0], Broken)]
    broken = tuple(item[0].why for item in items if isinstance(item[0], Broken))
    if not sound:
        return Batch(None, None, broken)
    several = isinstance(sound[0][0], tuple)
    for column in zip(*(i if several else (i,) for i, _ in sound), strict=False):
        first = column[0]
        if isinstance(first, torch.Tensor):
            odd = next((each for each in column if each.shape != first.shape), None)
            if odd is not None:
                one, other = ("x".join(map(str, shape)) for shape in (first.shape, odd.shape))
                why = f"an example is {one}, another one {other}: they make no batch"
                return _misfit(why, "a crop brings images to one size")
    try:
        inputs, targets = default_collate(sound)
    except (TypeError, RuntimeError, KeyError) as error:
        return _misfit(f"the examples make no batch: {type(error).__name__}: {error}", _WANTED)
    inputs = tuple(inputs) if several else inputs
    for each in (*(inputs if several else [inputs]), *_values(targets)):
        if not isinstance(each, torch.Tensor):
            kind = type(each).__name__
            return _misfit(f"the examples make no batch: they come to a {kind}, no tensor", _WANTED)
    return Batch(inputs, targets, broken)


_WANTED = (
    "an input is a tensor or an array of one shape, and so is a target, or a number; of several "
    "outputs a dictionary of them by the outputs' names"
)


def _values(targets: Any) -> list[Any]:
    return list(targets.values()) if isinstance(targets, dict) else [targets]


def _checked(found: Batch | _Refused) -> Batch:
    """What was gathered, if it is a batch.

    Raises:
        TrainError: it is none.
    """
    if isinstance(found, _Refused):
        raise TrainError(found.diagnostics)
    return found


@contextmanager
def readers_watched() -> Iterator[None]:
    """Tell that a process that reads ahead was ended, which torch raises wherever it hears of it.

    Raises:
        TrainError: one was.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker (pid"):  # torch has no class for it
            raise
        help = (
            "memory, or a container's shared memory, may have run out: try fewer `workers=`, or 0"
        )
        raise refusal("A955", "a process that reads ahead was ended", help) from None
