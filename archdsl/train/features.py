"""Features that are computed once and kept on the disk, where nothing before them changes.

A file holds the features of one set of examples: a matrix of 32-bit floats in NumPy's format, an
example a row. Its name is made of all that they depend on, and of the beginning of its SHA-256. It
is written beside its place and renamed. Runs share these files; where there are too many, those
that were not used for the longest time are removed.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.ir.cut import Part
from archdsl.quantity import show_bytes
from archdsl.resources import cache_folder
from archdsl.train import room
from archdsl.train.behind import features
from archdsl.train.data.loader import Batches

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor, dtype, nn

VERSION = 1


class Unkept(Exception):
    """Why features are not kept, in words."""


@dataclass(frozen=True)
class Wanted:
    """The features of a set of examples."""

    what: str
    """Of which set, in words."""
    batches: Batches
    """All examples in their own order; the shares of several processes make up a whole."""
    prepare: Callable[[Tensor], Tensor]
    """A batch as the network takes it."""
    crops: int
    """Rows that an example becomes."""
    width: int
    """Values of each row."""
    key: str
    """What they depend on."""

    @property
    def shape(self) -> tuple[int, ...]:
        count = len(self.batches.examples)
        return (count, self.width) if self.crops == 1 else (count, self.crops, self.width)

    @property
    def bytes(self) -> int:
        return 4 * len(self.batches.examples) * self.crops * self.width


class Kept:
    """Batches of features need no preparation."""

    def __init__(self, ten: bool) -> None:
        self.ten = ten

    def learn(self, inputs: Tensor, targets: Any) -> tuple[Tensor, list[tuple[float, Any]]]:
        """A batch to learn from, and its targets with their weights."""
        return inputs, [(1.0, targets)]

    def validate(self, inputs: Tensor) -> Tensor:
        """A batch to validate with; of ten crops, the first axis has them one after the other."""
        return inputs.flatten(0, 1) if self.ten else inputs


def folder() -> Path:
    """Where features are kept."""
    return cache_folder() / "features"


def key(first: Part, whole: nn.Module, examples: str, about: dict[str, Any]) -> str:
    """A name for features by what they depend on.

    Args:
        first: the layers that compute them.
        whole: the network, for their weights.
        examples: a name for the examples by their content.
        about: what else they depend on.
    """
    state = whole.state_dict()
    digest = sha256()
    for here, there in first.keys.items():
        value = state[there].detach().cpu().contiguous()
        digest.update(f"{here} {value.dtype} {tuple(value.shape)} ".encode())
        digest.update(value.reshape(-1).numpy().data)
    layers = [
        (n.path, n.op.name, n.op.model_dump(mode="json"), n.inputs, n.shares)
        for n in first.graph.nodes
    ]
    said = {
        "version": VERSION,
        "layers": layers,
        "gives": [output.node for output in first.graph.outputs],
        "weights": digest.hexdigest(),
        "examples": examples,
        **about,
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Store:
    """Makes features, or finds those that were made before."""

    fabric: Fabric
    first: nn.Module
    """The layers that give them, as at inference."""
    lay_out: Callable[[Tensor], Tensor]
    note: Callable[[str], None]

    def rows(self, wanted: Wanted) -> Tensor:
        """Features by the numbers of their examples, read from the disk as they are wanted.

        Raises:
            Unkept: there is no room for them, or they cannot be written.
        """
        import numpy as np
        import torch

        path = self._decided(lambda: _found(wanted))
        if path is None:
            path = self._made(wanted)
        # Copied where it is written to, which nobody does: torch warns of what may not be.
        return torch.from_numpy(np.load(path, mmap_mode="c", allow_pickle=False))

    def _decided(self, ask: Callable[[], Any]) -> Any:
        """What the first process finds; its reason against it is that of all."""
        found: Any = None
        why = ""
        if self.fabric.global_rank == 0:
            try:
                found = ask()
            except Unkept as error:
                why = str(error)
            except OSError as error:
                why = f"{folder()}: {(error.strerror or str(error)).lower()}"
        found, why = self.fabric.broadcast((found, why))
        if why:
            raise Unkept(why)
        return found

    def _made(self, wanted: Wanted) -> Path:
        temporary: Path = self._decided(lambda: _begun(wanted))
        try:
            size = f"{wanted.width:,} values each, {show_bytes(wanted.bytes)}"
            count = f"{len(wanted.batches.examples):,} examples"
            self.note(f"computing once the features of {count} {wanted.what}: {size}")
            why = ""
            try:
                self._write(wanted, temporary)
            except Unkept as error:
                why = str(error)
            except OSError as error:
                why = f"{temporary}: {(error.strerror or str(error)).lower()}"
            self._agree(why)
            return self._decided(lambda: _finished(wanted, temporary))
        finally:
            if self.fabric.global_rank == 0:
                temporary.unlink(missing_ok=True)

    def _agree(self, why: str) -> None:
        """Go on if every process has done its part; else all have the first one's reason."""
        import torch

        own = torch.tensor(bool(why), device=self.fabric.device)
        every: Any = self.fabric.all_gather(own)
        if every.any():
            raise Unkept(self.fabric.broadcast(why, src=int(every.reshape(-1).nonzero()[0])))

    def _write(self, wanted: Wanted, path: Path) -> None:
        """Compute this process's share, each batch as large as the first.

        On some processors a sum is rounded otherwise in a smaller batch.
        """
        import torch

        batches = wanted.batches
        size = min(batches.size, len(batches.examples))
        start = path.stat().st_size - wanted.bytes  # behind NumPy's header
        share = batches.share
        with path.open("r+b") as file, torch.no_grad():
            for i, batch in enumerate(batches.once()):
                if batch.broken:
                    raise Unkept(f"an image cannot be read: {batch.broken[0]}")
                if batch.inputs is None:
                    continue
                rows = self._batch(wanted, batch.inputs, size)
                number = (share.rank + i * share.world) * batches.size
                file.seek(start + 4 * number * wanted.crops * wanted.width)
                file.write(rows.numpy().data)

    def _batch(self, wanted: Wanted, inputs: Tensor, size: int) -> Tensor:
        import torch

        count = len(inputs)
        if count < size:
            more = inputs[:1].expand(size - count, *inputs.shape[1:])
            inputs = torch.cat([inputs, more])
        inputs = self.lay_out(wanted.prepare(self.fabric.to_device(inputs)))
        with self.fabric.autocast():
            rows, _ = features(self.first, inputs)
        return rows[: count * wanted.crops].cpu().contiguous()

    def types(self, inputs: Tensor) -> list[dtype]:
        """The types that features have in the network, told by this batch."""
        import torch

        with torch.no_grad(), self.fabric.autocast():
            return features(self.first, self.lay_out(inputs))[1]


def _found(wanted: Wanted) -> Path | None:
    """The file of these features, if it is there and whole."""
    for path in folder().glob(f"{wanted.key}-*.npy"):
        if not path.is_file():
            continue  # a pipe, a device, a folder
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()[:16]
        if path.stem.endswith(digest) and _fits(path, wanted):
            with suppress(OSError):
                os.utime(path)  # it was used
            return path
        path.unlink(missing_ok=True)
    return None


def _fits(path: Path, wanted: Wanted) -> bool:
    """Whether a file holds a matrix of the right size."""
    import numpy as np

    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return found.shape == wanted.shape and found.dtype == np.float32


def _begun(wanted: Wanted) -> Path:
    """An empty file for these features, once it is sure that there is room for them.

    Raises:
        Unkept: there is none.
    """
    import numpy as np

    home = folder()
    home.mkdir(parents=True, exist_ok=True)
    room.tidy(home)
    if why := room.lacking(home, "*.npy", wanted.bytes):
        raise Unkept(f"the features {wanted.what} would take {show_bytes(wanted.bytes)}; {why}")
    handle, name = tempfile.mkstemp(prefix=f".{wanted.key}.", suffix=".tmp", dir=home)
    header = {"descr": "<f4", "fortran_order": False, "shape": wanted.shape}
    with os.fdopen(handle, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + wanted.bytes)
    return Path(name)


def _finished(wanted: Wanted, temporary: Path) -> Path:
    """The file in its place, when all of it is written."""
    with temporary.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()[:16]
        os.fsync(file.fileno())
    path = folder() / f"{wanted.key}-{digest}.npy"
    temporary.replace(path)
    return path
