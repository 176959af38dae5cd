"""ONNX files in 8-bit integers, held against the file that they come from.

Static: the ranges of weights and activations are measured on pictures, and both become 8-bit
integers between pairs of QuantizeLinear and DequantizeLinear, a scale for each output channel of a
weight (Jacob et al. 2017; Krishnamoorthi 2018). Dynamic: weights alone, of matrix products;
activations are scaled as they come. onnxruntime does both; here is what surrounds it.
"""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from archdsl.errors import ModelError
from archdsl.files import replacing
from archdsl.serve.model import refusal, said
from archdsl.serve.prediction import Prediction
from archdsl.serve.session import Session

Mode = Literal["static", "dynamic"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a model, measured on pictures that it was not calibrated with."""

    calibrated: int
    """Pictures that the ranges were measured on."""
    tested: int
    agreement: float
    """The share of pictures whose most probable class is the same before and after."""
    accuracy: tuple[float, float] | None
    """The share of right answers before and after, where the pictures lie in folders by class."""
    size: tuple[int, int]
    """Bytes before and after, weights beside the file included."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def quantize(
    path: str | Path,
    output: str | Path,
    pictures: Sequence[Path],
    *,
    mode: Mode = "static",
    calibrate: int = 100,
    minimum: float = 0.9,
    seed: int = 0,
) -> Report:
    """Write a model in 8-bit integers, if it still says the same.

    Args:
        path: the model.
        output: where to; an earlier file is replaced when all is well, and not before.
        pictures: what it is calibrated with and then tested on; no picture is used for both.
        mode: see above.
        calibrate: pictures to measure ranges on, at most half of them.
        minimum: the agreement below which nothing is written.
        seed: what the pictures are shuffled by.

    Raises:
        ModelError: the model cannot be read or quantized, too few pictures can be read, or the two
            do not agree.
        WriteError: the output cannot be written.
    """
    before = Session(path, device="cpu")
    shuffled = list(pictures)
    random.Random(seed).shuffle(shuffled)
    count = min(calibrate, len(shuffled) // 2) if mode == "static" else 0
    known, unseen = shuffled[:count], shuffled[count:]
    if not unseen or (mode == "static" and not known):
        raise refusal("A904", before.path, f"{len(shuffled)} pictures are too few to test it on")
    with replacing(output) as temporary:
        _write(before, temporary, known, mode)
        after = Session(temporary, device="cpu")
        report = _compare(before, after, unseen, len(known))
        if report.agreement < minimum:
            label = f"only {report.agreement:.1%} of the answers stay the same"
            help = f"{minimum:.0%} were asked for: calibrate with more pictures, or keep 16 bits"
            raise refusal("A908", before.path, label, help)
    return report


def _write(before: Session, output: Path, known: Sequence[Path], mode: Mode) -> None:
    """Let onnxruntime write the file, and give it the metadata of the one that it comes from."""
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        """Hands the pictures to onnxruntime, one at a time."""

        def __init__(self) -> None:
            self.feeds = before.feeds(known)

        def get_next(self) -> Any:
            return next(self.feeds, None)

    with tempfile.TemporaryDirectory() as folder, _quiet():
        whole, simple, small = (Path(folder) / f"{n}.onnx" for n in ("whole", "simple", "small"))
        try:
            # In one file: onnxruntime looks for weights beside the copies that it makes.
            onnx.save(onnx.load(before.path), whole)
            quant_pre_process(whole, simple, skip_symbolic_shape=True)
            if mode == "static":
                quantize_static(
                    simple,
                    small,
                    Reader(),
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                )
            else:
                quantize_dynamic(simple, small, per_channel=True, weight_type=QuantType.QInt8)
        except ModelError:
            raise
        except Exception as error:  # whatever onnxruntime makes of a model that it cannot do
            label = f"onnxruntime cannot quantize it: {said(error)}"
            raise refusal("A908", before.path, label) from error
        model = onnx.load(small)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, before.metadata)
    onnx.save(model, output)


def _compare(before: Session, after: Session, pictures: Sequence[Path], calibrated: int) -> Report:
    classes = before.classes
    same = told = 0
    right = [0, 0]
    labelled = classes is not None and all(p.parent.name in classes for p in pictures)
    for path, one, other in zip(
        pictures, before.stream(pictures), after.stream(pictures), strict=True
    ):
        if isinstance(one, Prediction) and isinstance(other, Prediction):
            answers = [int(found.probabilities.argmax()) for found in (one, other)]
            told += 1
            same += answers[0] == answers[1]
            if labelled and classes is not None:
                own = classes.index(path.parent.name)
                right = [r + (a == own) for r, a in zip(right, answers, strict=True)]
    if not told:
        raise refusal("A904", before.path, "none of the pictures to test it on can be read")
    accuracy = (right[0] / told, right[1] / told) if labelled else None
    size = (_size(before.path), _size(after.path))
    return Report(calibrated, told, same / told, accuracy, size)


def _size(path: Path) -> int:
    """Bytes of a model, with the weights that it names beside it."""
    import onnx

    proto = onnx.load(path, load_external_data=False)
    beside = {
        entry.value
        for tensor in proto.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return path.stat().st_size + sum((path.parent / name).stat().st_size for name in beside)


@contextmanager
def _quiet() -> Iterator[None]:
    """What onnxruntime's tools log on their way is not for the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
