"""Images that are read one by one: a dataset of torch's, for processes that read ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import ModelError
from archdsl.files import replacing
from archdsl.ir import Graph, preprocess
from archdsl.ir.preprocess import KINDS, Channels, Preprocess
from archdsl.ir.shapes import channels, show
from archdsl.ir.training.images import TenCrop
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
    kept: list[NDArray[np.uint8] | Broken] | None = field(default=None, repr=False)
    content: str = ""
    """A name for all of them by what they are, where they are no files."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor | Broken, int]:
        import torch

        found = self.kept[index] if self.kept is not None else self._read(index)
        if isinstance(found, Broken):
            return found, self.labels[index]
        return torch.from_numpy(found), self.labels[index]

    def keep(self) -> None:
        """Read all images into memory, if that is asked for."""
        if self.cache == "memory" and self.kept is None:
            with ThreadPoolExecutor() as pool:  # Pillow decodes without holding Python's lock
                self.kept = list(pool.map(self._read, range(len(self))))

    def _read(self, index: int) -> NDArray[np.uint8] | Broken:
        import numpy as np

        path = self._cached(index)
        if path is not None and path.is_file():
            try:
                return np.load(path, allow_pickle=False)
            except (OSError, ValueError, EOFError):
                pass  # cut off by a full disk: read it again
        try:
            found = self._decoded(index)
        except ModelError as error:
            return Broken(error.diagnostics[0].label)
        if path is not None:
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, found)
        return found

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

    def _cached(self, index: int) -> Path | None:
        """Where the decoded image lies on the disk; another one if the file changes."""
        if self.cache != "disk":
            return None
        about = self._stamp(index)
        if about is None:
            return None
        key = sha256(repr((*about, *self._way())).encode()).hexdigest()
        home = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Path(home) / "archdsl" / "images" / key[:2] / f"{key}.npy"

    def _stamp(self, index: int) -> tuple[Path, int, int] | None:
        """What changes when an image's file does; None if it is none, or is not there."""
        source = self.source(index)
        if not isinstance(source, Path):
            return None
        try:
            stat = source.stat()
        except OSError:
            return None
        return source.resolve(), stat.st_mtime_ns, stat.st_size

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
        crop = f"augment random_resized_crop {shape[1]}x{shape[2]}"
        raise refusal("A954", "the images differ in size, and no crop brings them to one", crop)
    if valid is None:
        return first, None
    return first, make(valid, kind, how=evaluated(graph), ten=isinstance(training.eval, TenCrop))


def evaluated(graph: Graph) -> Preprocess:
    """How an image comes to the network's size to validate with, as `predict` does it too.

    Raises:
        TrainError: `eval` cuts out another size than the network's.
    """
    training = graph.training
    assert training is not None
    shape = graph.inputs[0].shape
    if training.eval is None:
        label = "the images differ in size, and it is not said how they come to one to validate"
        raise refusal("A954", label, f"eval center_crop {shape[1]}x{shape[2]}")
    if training.eval.size != shape[1:]:
        label = f"`{training.eval.text()}` does not give {show(shape)}, the network's input"
        raise refusal("A954", label)
    plain = training.model_copy(update={"normalize": _unchanged()})
    how = preprocess.of(graph.model_copy(update={"training": plain}))
    assert how is not None
    return how


def _unchanged() -> Any:
    from archdsl.ir.training.images import AsIs

    return AsIs.model_validate({})
