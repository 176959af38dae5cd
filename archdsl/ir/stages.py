"""Stages of a file around its network, as ONNX says them: pictures, probabilities, the best."""

from __future__ import annotations

from dataclasses import replace

from archdsl.ir.preprocess import Preprocess
from archdsl.ir.records import OnnxConstant, OnnxLowering, OnnxNode, Value


def prepare(how: Preprocess) -> OnnxLowering:
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
        *_target("most" if how.resize is None else "side"),
        OnnxNode("Resize", ("values", "", "", "target"), mode, output="resized"),
        *_window("resized"),
        OnnxNode("Mul", ("window", "factors"), output="scaled"),
        OnnxNode("Add", ("scaled", "offsets")),
    )
    factors, offsets = how.affine()
    depth = len(factors)
    constants = {
        "crop": OnnxConstant((2,), how.window, "int64"),
        "one": OnnxConstant((1,), (1,), "int64"),
        "half": OnnxConstant((), (0.5,)),
        "axes": OnnxConstant((2,), (2, 3), "int64"),
        "shape": OnnxConstant((4,), (0, depth, *how.window), "int64"),
        "factors": OnnxConstant((depth, 1, 1), factors),
        "offsets": OnnxConstant((depth, 1, 1), offsets),
    }
    if isinstance(how.resize, int):
        constants["resize"] = OnnxConstant((1,), (how.resize,), "int64")
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


def probabilities() -> OnnxLowering:
    """The scores of classes as probabilities."""
    return OnnxLowering((OnnxNode("Softmax", ("x0",), {"axis": -1}, wide=True),))


def largest(count: int) -> OnnxLowering:
    """The classes with the largest scores: their scores, and (`indices`) which they are."""
    node = OnnxNode("TopK", ("x0", "count"), {"axis": -1}, output="y", also=("indices",), wide=True)
    return OnnxLowering((node,), {"count": OnnxConstant((1,), (count,), "int64")})
