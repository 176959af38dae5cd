"""How a picture becomes what a network takes, as plain data, and as ONNX says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.ir.records import OnnxConstant, OnnxLowering, OnnxNode, Value
from archdsl.ir.shapes import channels

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

KINDS: Mapping[int, str] = {1: "L", 3: "RGB"}
"""Pictures by their number of channels: grey, or red, green and blue."""
BYTE = 1 / 255

LARGER = 256 / 224  # the shorter side over the crop's, in the evaluation of ImageNet's networks


@dataclass(frozen=True, slots=True)
class Preprocess:
    """A picture is resized, its centre is cut out, and its values are scaled and normalized.

    The shorter side becomes `resize`, or what covers the crop if that is more. Each value v from 0
    to 255 of channel c becomes (v * scale - mean[c]) / std[c].
    """

    size: tuple[int, int]
    """Rows and columns of what is cut out, which are those of the network's input."""
    resize: int | None
    channels: str
    """RGB, or L for grey."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = BYTE

    def to_json(self) -> dict[str, Any]:
        """What the metadata of an ONNX file say."""
        rows, columns = self.size
        return {
            "size": [rows, columns],
            "resize": self.resize,
            "crop": rows if rows == columns else [rows, columns],
            "interpolation": "bilinear",
            "channels": self.channels,
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
            "layout": "NCHW",
        }

    def affine(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """By channel, what a value from 0 to 255 is multiplied by, and what is added then."""
        factors = tuple(self.scale / s for s in self.std)
        return factors, tuple(-m / s for m, s in zip(self.mean, self.std, strict=True))

    def onnx(self) -> OnnxLowering:
        """Pictures of any size, uint8, rows x columns x channels, as the network takes them.

        The sizes are torchvision's, in whole numbers: the longer side is rounded down, and of an
        odd surplus the half goes to the even side. Shrinking takes means, at the borders of what
        is inside, as Pillow does.
        """
        mode: dict[str, Value] = {"mode": "linear", "antialias": 1, "exclude_outside": 1}
        mode |= {"axes": (2, 3), "coordinate_transformation_mode": "half_pixel"}
        nodes = (
            OnnxNode("Transpose", ("x0",), {"perm": (0, 3, 1, 2)}, output="planes"),
            OnnxNode("Cast", ("planes",), {"to": 1}, output="values"),
            *_target("most" if self.resize is None else "side"),
            OnnxNode("Resize", ("values", "", "", "target"), mode, output="resized"),
            *_window("resized"),
            OnnxNode("Mul", ("window", "factors"), output="scaled"),
            OnnxNode("Add", ("scaled", "offsets")),
        )
        factors, offsets = self.affine()
        depth = len(factors)
        constants = {
            "crop": OnnxConstant((2,), self.size, "int64"),
            "one": OnnxConstant((1,), (1,), "int64"),
            "half": OnnxConstant((), (0.5,)),
            "axes": OnnxConstant((2,), (2, 3), "int64"),
            "shape": OnnxConstant((4,), (0, depth, *self.size), "int64"),
            "factors": OnnxConstant((depth, 1, 1), factors),
            "offsets": OnnxConstant((depth, 1, 1), offsets),
        }
        if self.resize is not None:
            constants["resize"] = OnnxConstant((1,), (self.resize,), "int64")
        wide = tuple(replace(node, wide=True) for node in nodes)
        return OnnxLowering(wide, constants, since=18)


def _target(side: str) -> tuple[OnnxNode, ...]:
    """The size to bring a picture to: the shorter side to `resize`, or more to cover the crop."""
    largest = (OnnxNode("Max", ("most", "resize"), output="side"),) if side == "side" else ()
    return (
        OnnxNode("Shape", ("values",), {"start": 2, "end": 4}, output="sides"),
        OnnxNode("ReduceMin", ("sides",), {"keepdims": 1}, output="shorter"),
        OnnxNode("Mul", ("crop", "shorter"), output="reach"),
        OnnxNode("Add", ("reach", "sides"), output="above"),
        OnnxNode("Sub", ("above", "one"), output="within"),
        OnnxNode("Div", ("within", "sides"), output="least_side"),
        OnnxNode("ReduceMax", ("least_side",), {"keepdims": 1}, output="most"),
        *largest,
        OnnxNode("Mul", ("sides", side), output="enlarged"),
        OnnxNode("Div", ("enlarged", "shorter"), output="target"),
    )


def _window(source: str) -> tuple[OnnxNode, ...]:
    """The centre, by PyTorch's rounding; the Reshape states its size."""
    return (
        OnnxNode("Sub", ("target", "crop"), output="spare"),
        OnnxNode("Cast", ("spare",), {"to": 1}, output="spare_sides"),
        OnnxNode("Mul", ("spare_sides", "half"), output="halves"),
        OnnxNode("Round", ("halves",), output="rounded"),
        OnnxNode("Cast", ("rounded",), {"to": 7}, output="starts"),
        OnnxNode("Add", ("starts", "crop"), output="ends"),
        OnnxNode("Slice", (source, "starts", "ends", "axes"), output="centre"),
        OnnxNode("Reshape", ("centre", "shape"), output="window"),
    )


def of(graph: Graph) -> Preprocess | None:
    """How a network's pictures are prepared: as its `train` section says, else as for ImageNet.

    None if it takes no pictures, or if the section normalizes by data that only a run has seen.
    """
    if len(graph.inputs) != 1 or len(shape := graph.inputs[0].shape) != 3:
        return None
    from archdsl.ir.training.images import IMAGENET

    width, size = channels(shape), (shape[1], shape[2])
    if width not in KINDS:
        return None
    plain = (0.0,) * width, (1.0,) * width
    if graph.training is None:
        mean, std = IMAGENET if width == len(IMAGENET[0]) else plain
        return Preprocess(size, round(min(size) * LARGER), KINDS[width], mean, std)
    found = graph.training.normalize.statistics
    if found is None:
        return None
    mean, std = found if found[0] else plain
    evaluation = graph.training.eval
    resize = graph.training.data.shorter_side
    if evaluation is not None and evaluation.resize is not None:
        resize = evaluation.resize
    return Preprocess(size, resize, KINDS[width], mean, std)


# What is made of the scores


def probabilities() -> OnnxLowering:
    """The scores of classes as probabilities."""
    return OnnxLowering((OnnxNode("Softmax", ("x0",), {"axis": -1}, wide=True),))


def largest(count: int) -> OnnxLowering:
    """The classes with the largest scores: their scores, and (`indices`) which they are."""
    node = OnnxNode("TopK", ("x0", "count"), {"axis": -1}, output="y", also=("indices",), wide=True)
    return OnnxLowering((node,), {"count": OnnxConstant((1,), (count,), "int64")})
