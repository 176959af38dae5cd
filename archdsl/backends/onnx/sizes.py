"""Whether a network takes maps of any size, found out by working its shapes out anew for others.

A layer does if for a map of another size it has the same weights and is said in the same way. No
layer has to state that; it follows from its shape rule, its weights and its lowering.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph, Node, OpError
from archdsl.ir.records import OnnxLowering
from archdsl.ir.shapes import Shape, show

Dims = tuple[int | str, ...]

STEPS = (1, 2, 4, 8, 16, 32, 64)
"""By how much sizes may differ: an encoder that halves five times may ask for multiples of 32."""

# Rows and columns more than the spec's, in steps. Every power of two up to 32 is there for both
# axes, as what halves a map k times tells sizes apart by the last k bits.
MORE = (
    *((1, 2), (2, 1), (3, 4), (4, 3), (5, 8), (8, 5), (7, 6), (6, 7)),
    *((16, 15), (15, 16), (32, 31), (31, 32)),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sides of every input and layer, where maps of any size come in."""

    step: int
    """Sizes differ from the spec's by multiples of this, and are no smaller."""
    dims: Mapping[str, Dims]
    """By the name of an input or the path of a layer; a side that varies has a name, or `""`."""


class _Fixed(Exception):
    """A layer that belongs to the spec's size."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(why)
        self.node = node
        self.why = why


def any_size(graph: Graph, opset: int) -> Sizes:
    """How the sides of all tensors follow those of the inputs, whose maps may have any size.

    Raises:
        BuildError: a layer forbids it, which is named.
    """
    if not any(len(i.shape) == 3 for i in graph.inputs):
        label = "no input is a map CxHxW, so there is no size that could vary"
        raise BuildError(Diagnostic("A706", None, label))
    refused: _Fixed | None = None
    for step in STEPS:
        try:
            found = [_shapes(graph, opset, h * step, w * step) for h, w in MORE]
        except _Fixed as error:
            refused = error
            continue
        return Sizes(step, _named(graph, found))
    assert refused is not None
    node = refused.node
    label = f"{node.path} ({node.place}), `{node.op.text()}`: {refused.why}"
    help = "let `gap` take the place of what fixes the size, or export it for one size"
    raise BuildError(Diagnostic("A706", None, label, help=help))


def _shapes(graph: Graph, opset: int, rows: int, columns: int) -> dict[str, Shape]:
    """All shapes where the maps that come in have so many rows and columns more."""
    found: dict[str, Shape] = {}
    for given in graph.inputs:
        sides = given.shape
        if len(sides) == 3:
            sides = (sides[0], sides[1] + rows, sides[2] + columns)
        found[given.name] = sides
    for node in graph.at_inference:
        inputs = tuple(found[source] for source in node.inputs)
        found[node.path] = _shape(node, inputs, opset)
    return found


def _shape(node: Node, inputs: tuple[Shape, ...], opset: int) -> Shape:
    """What a layer gives for these inputs.

    Raises:
        _Fixed: it is another layer for them.
    """
    if inputs == node.input_shapes:
        return node.shape
    comes = ", ".join(map(show, inputs))
    try:
        output = node.op.shape(inputs)
        weights = node.op.weights(inputs, output)
        lowering = node.op.onnx(inputs, output)
    except OpError as error:
        raise _Fixed(node, error.label) from None
    if weights != node.weights:
        raise _Fixed(node, f"its weights would be others where {comes} comes in")
    if _said(lowering, opset) != _said(node.onnx, opset):
        raise _Fixed(node, f"it has numbers in it that are others where {comes} comes in")
    return output


def _said(lowering: OnnxLowering, opset: int) -> OnnxLowering | None:
    return (lowering.any_size or lowering).at(opset)


def _named(graph: Graph, probes: list[dict[str, Shape]]) -> dict[str, Dims]:
    """Sides by name: those of an input, and all that always equal one of these."""
    names: dict[tuple[int, ...], str] = {}
    for given in graph.inputs:
        for axis, word in ((1, "height"), (2, "width")) if len(given.shape) == 3 else ():
            series = _series(given.name, axis, given.shape, probes)
            count = sum(name.startswith(word) for name in names.values())
            names.setdefault(series, f"{word}_{count + 1}" if count else word)
    return {key: tuple(_dims(key, shape, probes, names)) for key, shape in graph.shapes.items()}


def _dims(
    key: str, shape: Shape, probes: list[dict[str, Shape]], names: dict[tuple[int, ...], str]
) -> Iterator[int | str]:
    for axis, side in enumerate(shape):
        if key not in probes[0]:  # of an auxiliary head
            yield side
            continue
        series = _series(key, axis, shape, probes)
        yield side if len(set(series)) == 1 else names.get(series, "")


def _series(key: str, axis: int, shape: Shape, probes: list[dict[str, Shape]]) -> tuple[int, ...]:
    return (shape[axis], *(probe[key][axis] for probe in probes))
