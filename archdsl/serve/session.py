"""A model that is ready to classify pictures."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import ModelError
from archdsl.ir.preprocess import Preprocess
from archdsl.serve import model, ports
from archdsl.serve.devices import Device, start
from archdsl.serve.model import Model, Scale, refusal, said
from archdsl.serve.pictures import pixels, read
from archdsl.serve.prediction import Prediction, Predictions
from archdsl.serve.preprocess import cut, normalized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Picture = str | Path | Image.Image | NDArray[np.uint8]

BATCH = 8
AHEAD = 2  # batches that are read and prepared while the model runs
READERS = 4  # threads that do it, at most
NEAR = 1e-3  # how far from 1 the sum of probabilities in half precision may be


class Session:
    """An ONNX file that classifies pictures, ready to run.

        >>> session = archdsl.Session("resnet50.onnx")              # doctest: +SKIP
        >>> session(["cat.jpg", "dog.png"])[0].top(3)               # doctest: +SKIP
        [Label(index=281, name='tabby', probability=0.61), ...]

    One session may be used from many threads at a time.

    Args:
        path: the file, from `archdsl export`, `Network.to_onnx` or anybody else.
        device: "auto" takes CUDA where it is and the CPU elsewhere; "cpu", "cuda", "tensorrt".
        size: rows and columns that the network sees; one number is a square.
        resize: the length that the shorter side is brought to before the centre is cut out.
        mean: of each channel, of values in [0, 1].
        std: as `mean`, the standard deviation.

    What is not given is read from the file's metadata; where those are missing, a model that takes
    3 channels of a fixed size is taken to be normalized as for ImageNet.

    Raises:
        ModelError: the file is damaged, reads files that are not its own, does not classify
            pictures, or does not say how to prepare them; or the device is not there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        device: Device = "auto",
        size: int | tuple[int, int] | None = None,
        resize: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        square = (size, size) if isinstance(size, int) else size
        found = model.read(Path(path))
        self.path = found.path
        self.metadata = dict(found.metadata)
        """What the file says of itself: `archdsl.network`, `archdsl.license` and so on."""
        self.classes = found.classes
        """The names of the classes, where the file has them."""
        self._runner, self.device = start(self.path, device)
        self._input = ports.entrance(self.path, self._runner.get_inputs())
        asked = ports.Asked(square, resize, mean, std)
        self.preprocess: Preprocess = ports.fitted(
            self.path, self._input, ports.stated(found), asked
        )
        """How pictures are prepared."""
        count = None if self.classes is None else len(self.classes)
        self._output = ports.exit_of(found, self._runner.get_outputs(), count)
        self._bound = self.device if self.device == "cpu" else "cuda"
        self._scale: Scale = self._known_scale(found)
        self._agree()

    def __call__(
        self,
        images: Picture | Iterable[Picture],
        *,
        ten_crop: bool = False,
        batch: int = BATCH,
    ) -> Predictions:
        """Classify pictures.

        Args:
            images: paths, PIL images or uint8 arrays (rows x columns x channels; several of one
                size may be one array with an axis more); or a single one of these.
            ten_crop: average the probabilities of the four corners, the centre and their mirror
                images (Krizhevsky et al. 2012, section 4.1).
            batch: pictures that go through the model together.

        Raises:
            ModelError: pictures cannot be read, each of them told; or the model failed.
        """
        found = list(self.stream(_several(images), ten_crop=ten_crop, batch=batch))
        failed = [d for f in found if isinstance(f, ModelError) for d in f.diagnostics]
        if failed:
            raise ModelError(failed)
        return Predictions([f for f in found if isinstance(f, Prediction)])

    def stream(
        self, images: Iterable[Picture], *, ten_crop: bool = False, batch: int = BATCH
    ) -> Iterator[Prediction | ModelError]:
        """Classify pictures one batch after another, in their order; as the call otherwise.

        A picture that cannot be read is answered with its error, and the others go on. `images` is
        read as far ahead as there is work for.
        """
        if batch < 1:
            raise ValueError(f"a batch has at least one picture, not {batch}")
        if ten_crop and self.preprocess.in_graph:
            label = "it crops the pictures itself, so that it cannot be given ten crops"
            raise refusal("A904", self.path, label)
        return self._stream(enumerate(images), ten_crop, batch)

    def feeds(self, images: Iterable[Picture]) -> Iterator[dict[str, NDArray[Any]]]:
        """What the model would be given of each picture, by the name of its input.

        Pictures that cannot be read are left out.
        """
        for number, image in enumerate(images):
            try:
                yield {self._input.name: self._prepared(number, image, ten_crop=False)}
            except ModelError:
                continue

    def run(self, feed: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """The output for one of `feeds`, as the model gives it."""
        import numpy as np

        (found,) = self._runner.run([self._output.name], feed)
        return np.asarray(found)

    def _stream(
        self, images: Iterator[tuple[int, Picture]], ten_crop: bool, batch: int
    ) -> Iterator[Prediction | ModelError]:
        waiting: deque[list[Future[NDArray[Any]]]] = deque()
        pool = ThreadPoolExecutor(min(READERS, os.cpu_count() or 1))
        try:
            while group := list(islice(images, batch)):
                waiting.append([pool.submit(self._prepared, *each, ten_crop) for each in group])
                if len(waiting) > AHEAD:
                    yield from self._answers(waiting.popleft(), ten_crop)
            while waiting:
                yield from self._answers(waiting.popleft(), ten_crop)
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepared(self, number: int, source: Picture, ten_crop: bool) -> NDArray[Any]:
        """What the model takes of one picture: crops x channels x rows x columns, or its layout."""
        how = self.preprocess
        picture = read(source, _name(number, source), how.channels)
        if not how.in_graph:
            return normalized(cut(picture, how, ten_crop), how, self._input.dtype)
        whole = self._input.rows is None or self._input.columns is None
        raw = pixels(picture)[None] if whole else cut(picture, how)
        return raw if how.layout == "NHWC" else raw.transpose(0, 3, 1, 2)

    def _answers(
        self, group: list[Future[NDArray[Any]]], ten_crop: bool
    ) -> Iterator[Prediction | ModelError]:
        """The predictions of a batch; pictures of one size go through the model together."""
        import numpy as np

        answers: dict[int, Prediction | ModelError] = {}
        sizes: dict[tuple[int, ...], list[tuple[int, NDArray[Any]]]] = {}
        for number, future in enumerate(group):
            try:
                rows = future.result()
            except ModelError as error:
                answers[number] = error
            else:
                sizes.setdefault(rows.shape, []).append((number, rows))
        for shape, several in sizes.items():
            found = self._run(np.concatenate([rows for _, rows in several]))
            for at, (number, _) in enumerate(several):
                answers[number] = self._read(found[at * shape[0] : (at + 1) * shape[0]], ten_crop)
        yield from (answers[number] for number in range(len(group)))

    def _read(self, raw: NDArray[Any], ten_crop: bool) -> Prediction | ModelError:
        """A prediction from what the model gave: crops x classes."""
        import numpy as np

        logits = raw[0] if self._scale == "logits" and not ten_crop else None
        probabilities = _probabilities(raw, self._scale).mean(axis=0).astype(np.float32)
        if not np.isfinite(probabilities).all():
            return refusal("A907", self.path, "what it gives for a picture is no number")
        return Prediction(probabilities, logits, self.classes)

    # Running

    def _run(self, rows: NDArray[Any]) -> NDArray[Any]:
        """What the model gives for any number of inputs: inputs x classes, float32."""
        import numpy as np

        fixed = self._input.batch
        if fixed is None:
            return self._once(rows)
        found: list[NDArray[Any]] = []
        for begin in range(0, len(rows), fixed):
            part = rows[begin : begin + fixed]
            padding = np.repeat(part[-1:], fixed - len(part), axis=0)
            found.append(self._once(np.concatenate([part, padding]))[: len(part)])
        return np.concatenate(found)

    def _once(self, rows: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        rows = np.ascontiguousarray(rows)
        try:
            if self._bound == "cpu":
                feed = {self._input.name: rows}
                found = np.asarray(self._runner.run([self._output.name], feed)[0])
            else:
                found = np.asarray(self._through(rows, self._bound))
        except Exception as error:  # pybind's; they have no common ancestor but this one
            raise refusal("A907", self.path, f"onnxruntime stopped: {said(error)}") from None
        if found.ndim < 2 or found.shape[0] != len(rows) or found[0].size != found.shape[1]:
            shape = "x".join(map(str, found.shape))
            label = f"for {len(rows)} pictures it gives {shape}, not a value for each class"
            raise refusal("A905", self.path, label)
        return found.reshape(len(rows), -1).astype(np.float32)

    def _through(self, rows: NDArray[Any], device: str) -> Any:
        """Run with the input and the output in the memory of the device.

        A binding belongs to one run, so that threads do not meet in it.
        """
        import onnxruntime

        binding = self._runner.io_binding()
        value = onnxruntime.OrtValue.ortvalue_from_numpy(rows, device, 0)
        binding.bind_ortvalue_input(self._input.name, value)
        binding.bind_output(self._output.name, device, 0)
        self._runner.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]

    # What the output is

    def _known_scale(self, found: Model) -> Scale:
        """What the numbers are: by the operator that makes them, else by what comes out.

        Noise of three strengths gives rows that sum to 1 only if something makes them do so.
        """
        import numpy as np

        scale: Scale = model.scale(model.maker(found.proto, self._output.name))
        if scale != "unknown":
            return scale
        generator = np.random.default_rng(0)
        noise = (
            generator.normal(0, 1, (3, *self._one())) * np.array([0, 1, 10])[:, None, None, None]
        )
        if self._input.dtype == "uint8":
            noise = generator.integers(0, 256, noise.shape)
        given = self._run(noise.astype(self._input.dtype)).astype(np.float64)
        sums = given.sum(axis=1)
        simplex = (given >= 0).all() and (abs(sums - 1) < NEAR).all() and given.shape[1] > 1
        return "probabilities" if simplex else "logits"

    def _one(self) -> tuple[int, int, int]:
        rows, columns = self.preprocess.size
        depth = self._input.channels
        return (depth, rows, columns) if self._input.layout == "NCHW" else (rows, columns, depth)

    def _agree(self) -> None:
        """Whether there are classes at all, and as many as names."""
        count = self._output.shape[1]
        if not isinstance(count, int):
            return
        if count == 1 and self._scale != "probabilities":
            raise refusal("A905", self.path, "it gives one number, which is no choice of a class")
        if self.classes is not None and len(self.classes) != count:
            label = f"its metadata name {len(self.classes)} classes, and it has {count}"
            raise refusal("A904", self.path, label)


def _probabilities(raw: NDArray[Any], scale: Scale) -> NDArray[Any]:
    import numpy as np

    values = raw.astype(np.float64)
    if scale == "probabilities":
        return values
    if scale == "log probabilities":
        return np.exp(values)
    with np.errstate(all="ignore"):  # what is no number is told by whoever asked
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def _several(images: Picture | Iterable[Picture]) -> Iterable[Picture]:
    """Pictures; a single one alone."""
    import numpy as np
    from PIL import Image

    single = isinstance(images, str | Path | Image.Image)
    if isinstance(images, np.ndarray):
        single = images.ndim < 4
    return [images] if single else images  # pyright: ignore[reportReturnType]


def _name(number: int, source: Picture) -> str:
    """What messages call a picture."""
    if isinstance(source, str | Path):
        return str(source)
    return f"picture {number + 1}"
