"""Images that are read one by one: a dataset of torch's, for processes that read ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import ModelError
from archdsl.ir import Graph, preprocess
from archdsl.ir.preprocess import KINDS, MAX_SIDE, Channels, Preprocess
from archdsl.ir.shapes import channels, show
from archdsl.ir.training.images import TenCrop
from archdsl.train.data.pack import Pack, Unpacked, packed
from archdsl.train.refuse import refusal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor


@dataclass(frozen=True)
class Broken:
    """An image that could not be read, and why, in words."""

    why: str


@dataclass
class Pictures:
    """Images (channels, rows, columns) in bytes, read when they are wanted."""

    source: Callable[[int], Any]
    """An image of Pillow's, or a path, by number."""
    names: Callable[[int], str]
    labels: Sequence[int]
    channels: Channels
    size: int | None = None
    """What the shorter side is brought to."""
    how: Preprocess | None = None
    """Instead, how an image is brought to the network's own size to validate with."""
    ten: bool = False
    """Whether ten crops are cut out of it then."""
    cache: str = "none"
    kept: list[NDArray[np.uint8] | Broken] | Pack | None = field(default=None, repr=False)
    content: str = ""
    """A name for all of them by what they are, where they are no files."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor | Broken, int]:
        import torch

        found = self.kept[index] if self.kept is not None else self._read(index)
        if isinstance(found, str):
            found = Broken(found)
        if isinstance(found, Broken):
            return found, self.labels[index]
        return torch.from_numpy(found), self.labels[index]

    def keep(self, note: Callable[[str], None] | None = None) -> None:
        """Decode all images into memory or onto the disk, if that is asked for and not yet done.

        Args:
            note: is told that it is done now, or why it cannot be.
        """
        note = note or (lambda text: None)
        if self.cache == "none" or self.kept is not None:
            return
        if self.cache == "memory":
            with ThreadPoolExecutor() as pool:  # Pillow decodes without holding Python's lock
                self.kept = list(pool.map(self._read, range(len(self))))
            return
        try:
            self.kept = self._packed(note)
        except Unpacked as why:
            note(f"every epoch decodes the images anew: {why}")
            self.cache = "none"

    def _packed(self, note: Callable[[str], None]) -> Pack:
        name = self.fingerprint()
        if name is None:
            raise Unpacked("they may be others each time")

        def decode(index: int) -> NDArray[np.uint8] | str:
            found = self._read(index)
            return found.why if isinstance(found, Broken) else found

        return packed(name, len(self), decode, note)

    def _read(self, index: int) -> NDArray[np.uint8] | Broken:
        try:
            return self._decoded(index)
        except ModelError as error:
            return Broken(error.diagnostics[0].label)

    def _decoded(self, index: int) -> NDArray[np.uint8]:
        """The image in bytes: channels, rows, columns; to validate with, perhaps ten of them."""
        import numpy as np

        from archdsl.serve.pictures import pixels, read
        from archdsl.serve.preprocess import cut

        picture = read(self.source(index), self.names(index), self.channels)
        if self.how is not None:
            crops = np.moveaxis(cut(picture, self.how, self.ten), 3, 1)
            return np.ascontiguousarray(crops if self.ten else crops[0])
        # A copy, for Pillow's own bytes cannot be written to, of which torch warns.
        return np.moveaxis(pixels(self._resized(picture)), 2, 0).copy(order="C")

    def _resized(self, picture: Image) -> Image:
        from PIL import Image

        if self.size is None:
            return picture
        short = min(picture.size)
        width, height = (max(1, round(n * self.size / short)) for n in picture.size)
        return picture.resize((width, height), Image.Resampling.BILINEAR)

    def _stamp(self, index: int) -> tuple[Path, int, int, int] | None:
        """What changes when an image's file does; None if it is none, or is not there.

        The time of the last change to the file itself is the system's own: an archive that is
        unpacked sets the other one.
        """
        source = self.source(index)
        if not isinstance(source, Path):
            return None
        try:
            stat = source.stat()
        except OSError:
            return None
        return source.resolve(), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def _way(self) -> tuple[Any, ...]:
        """How a decoded image depends on the settings."""
        return self.channels, self.size, self.how, self.ten

    def fingerprint(self) -> str | None:
        """A name for all images by their content; None where they may change unseen."""
        digest = sha256(repr((len(self), *self._way(), self.content)).encode())
        for index in range(0 if self.content else len(self)):
            stamp = self._stamp(index)
            if stamp is None:
                return None
            digest.update(repr(stamp).encode())
        return digest.hexdigest()


def both(
    graph: Graph, make: Callable[..., Pictures], train: Any, valid: Any
) -> tuple[Pictures, Pictures | None]:
    """The pictures to learn from and those to validate with, as the settings prepare them.

    Raises:
        TrainError: the network takes no pictures, or it is not said how they come to one size.
    """
    training = graph.training
    assert training is not None
    shape = graph.inputs[0].shape
    if len(shape) != 3 or channels(shape) not in KINDS:
        label = f"the data are pictures, and the network takes {show(shape)}"
        raise refusal("A954", label, "an input of 1xHxW or 3xHxW takes pictures")
    kind = KINDS[channels(shape)]
    first = make(train, kind)
    if not any(step.crops for step in training.augment):
        size = show(shape[1:])
        label = f"images may differ in size, and no crop brings them to the network's {size}"
        help = (
            f"`augment random_resized_crop {size}`; where all have that size, "
            f"`augment center_crop {size}; eval center_crop {size}`"
        )
        raise refusal("A954", label, help)
    if valid is None:
        return first, None
    return first, make(valid, kind, how=evaluated(graph), ten=isinstance(training.eval, TenCrop))


def evaluated(graph: Graph) -> Preprocess:
    """How an image comes to the network's size to validate with, as `predict` does it too.

    Raises:
        TrainError: `eval` cuts out another size than the network's, or one out of proportion.
    """
    training = graph.training
    assert training is not None
    shape = graph.inputs[0].shape
    if training.eval is None:
        label = "images may differ in size, and it is not said how they come to one to validate"
        raise refusal("A954", label, f"`eval center_crop {shape[1]}x{shape[2]}`")
    if training.eval.size != shape[1:]:
        label = f"`{training.eval.text()}` does not give {show(shape)}, the network's input"
        raise refusal("A954", label)
    plain = training.model_copy(update={"normalize": _unchanged()})
    how = preprocess.of(graph.model_copy(update={"training": plain}))
    if how is None:
        label = f"pictures to validate with have at most {MAX_SIDE:,} rows and columns"
        raise refusal("A954", label, "a smaller `size=` or `resize=`")
    return how


def _unchanged() -> Any:
    from archdsl.ir.training.images import AsIs

    return AsIs.model_validate({})
