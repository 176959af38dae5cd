"""What one layer is in a figure: whether its tensor is drawn, and how it is written."""

from __future__ import annotations

from archdsl.analyses.depth import has_kernel
from archdsl.ir import Node
from archdsl.ir.shapes import Shape, channels, elements

NEAR = 1.5  # maps whose sides differ by less are drawn as one: a margin was added or cut off


def shown(node: Node) -> bool:
    """Whether its output is a volume of its own: it computes anew, or changes the size.

    What keeps the shape (activations, normalisations, dropout), what turns values into a vector,
    and what adds or cuts a margin belongs to the volume before.
    """
    match node.op.family:
        case "convolution" | "linear" | "attention":
            return has_kernel(node) or node.shape != node.input_shapes[0]
        case "pooling":
            return node.shape != node.input_shapes[0]
        case "join":
            return len(node.inputs) > 1
        case _:
            return not _alike(node.input_shapes[0], node.shape)


def _alike(before: Shape, after: Shape) -> bool:
    if len(after) == 1:
        return elements(before) == elements(after)
    if len(before) == len(after) == 3:
        sides = zip(before[1:], after[1:], strict=True)
        return before[0] == after[0] and all(max(a, b) < NEAR * min(a, b) for a, b in sides)
    return before == after


def share(node: Node) -> bool:
    """Whether it hands on one of the equal parts of its input."""
    return node.op.family == "join" and len(node.inputs) == 1


def groups(node: Node) -> int:
    """Into how many groups its channels are divided that do not see each other."""
    kernels = [w.shape for w in node.weights.values() if w.role == "kernel"]
    if len(kernels) != 1 or len(kernels[0]) != 4 or len(node.input_shapes[0]) != 3:
        return 1
    fan, out = kernels[0][1], kernels[0][0]
    c = channels(node.input_shapes[0])
    return c // fan if out == channels(node.shape) and c % fan == 0 else 1


def call(node: Node) -> tuple[str, ...]:
    """How it is written in a figure: its name; the kernel and the stride; the groups.

    A stride of 2 is `/2`, as in the papers; `↑2` makes the map twice as large.
    """
    words: list[str] = []
    slide = node.op.slides(node.input_shapes, node.shape)
    if slide is not None:
        words.append(_times(slide.kernel))
        if slide.stride != (1, 1):
            words.append(f"/{_pair(slide.stride)}")
        if slide.dilation != (1, 1):
            words.append(f"dil {_pair(slide.dilation)}")
    else:
        kernels = [w.shape for w in node.weights.values() if w.role == "kernel"]
        words += [_times(k[2:]) for k in kernels if len(k) == 4 and slide is None]
        if ratio := change(node.input_shapes[0], node.shape):
            words.append(ratio)
    lines = (node.op.name, " ".join(words))
    n = groups(node)
    if 1 < n < channels(node.input_shapes[0]):
        lines = (*lines, f"groups {n}")
    return tuple(line for line in lines if line)


def change(before: Shape, after: Shape) -> str:
    """By how much a map became smaller or larger: `/2`, `↑2`, or nothing."""
    if len(before) != 3 or len(after) != 3 or min(after[1:]) == 1:
        return ""
    if after[1] * NEAR < before[1]:
        return f"/{round(before[1] / after[1])}"
    return f"↑{round(after[1] / before[1])}" if before[1] * NEAR < after[1] else ""


def _times(pair: Shape) -> str:
    return "×".join(map(str, pair))


def _pair(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else _times(pair)
