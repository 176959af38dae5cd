"""What a file does beside its network: prepare pictures, make probabilities, pick the likeliest.

And the same in PyTorch, to verify it by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archdsl.backends.onnx.options import ExportOptions
from archdsl.backends.onnx.translate import PROBABILITIES, TOP_INDICES, TOP_VALUES
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph, preprocess
from archdsl.ir.preprocess import Preprocess
from archdsl.ir.shapes import show

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


def checked(graph: Graph, options: ExportOptions) -> Preprocess | None:
    """How the file prepares pictures, if it shall, once it is sure that the options fit.

    Raises:
        BuildError: the network takes no pictures, or does not give a score for each class.
    """
    shape = graph.main.shape
    if (options.probabilities or options.top) and len(shape) != 1:
        label = f"probabilities are of classes; the network gives {show(shape)}"
        raise _refused(label, "end in `gap; fc classes`, or leave --softmax and --top out")
    lowest, highest = graph.by_path[graph.main.node].op.bounds() if _made(graph) else (0, 2)
    if options.probabilities and (lowest, highest) == (0, 1):
        raise _refused("the output lies between 0 and 1 already", "leave --softmax out")
    if options.top > shape[-1]:
        raise _refused(f"--top {options.top}, and there are {shape[-1]} classes", "ask for fewer")
    if not options.preprocess:
        return None
    if options.dynamic_size:
        label = "pictures are brought to one size, so that no other comes to the network"
        raise _refused(label, "leave --dynamic-size or --preprocess out")
    how = options.pictures or preprocess.of(graph)
    if how is None:
        label = "what comes in is not one picture, or its mean and deviation are the data's"
        help = "--preprocess takes a single input 1xHxW or 3xHxW, and no `normalize data`"
        raise _refused(label, help)
    return how


def _made(graph: Graph) -> bool:
    return graph.main.node in graph.by_path


def _refused(label: str, help: str) -> BuildError:
    return BuildError(Diagnostic("A708", None, label, help=help))


# The same in PyTorch


def prepared(pictures: Tensor, how: Preprocess) -> Tensor:
    """Pictures (N, H, W, C), uint8, as the network takes them (N, C, rows, columns)."""
    import torch

    values = pictures.permute(0, 3, 1, 2).float()
    target = how.resized(*values.shape[2:])
    resized = torch.nn.functional.interpolate(values, target, mode="bilinear", antialias=True)
    top, left = (round((t - c) / 2) for t, c in zip(target, how.window, strict=True))
    rows, columns = how.window
    window = resized[:, :, top : top + rows, left : left + columns]
    factors, offsets = (torch.tensor(v)[:, None, None] for v in how.affine())
    return window * factors + offsets


def with_scores(
    given: Mapping[str, NDArray[Any]], main: str, options: ExportOptions
) -> dict[str, NDArray[Any]]:
    """The outputs of a network, and what the file makes of the main one."""
    import torch

    found = dict(given)
    scores = torch.from_numpy(found[main])
    if options.probabilities:
        shares = (scores - scores.amax(-1, keepdim=True)).exp()
        scores = shares / shares.sum(-1, keepdim=True)
        found[PROBABILITIES] = scores.numpy()
    if options.top:
        values, indices = scores.topk(options.top)
        found |= {TOP_VALUES: values.numpy(), TOP_INDICES: indices.numpy()}
    return found


def settled(
    actual: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]], main: str
) -> dict[str, NDArray[Any]]:
    """What is compared: instead of the numbers of the classes, the scores that these have.

    Scores that are almost equal may change places.
    """
    import numpy as np

    if TOP_INDICES not in actual:
        return actual
    scores = expected.get(PROBABILITIES, expected[main])
    picked = np.take_along_axis(scores, actual[TOP_INDICES], axis=-1)
    expected[TOP_INDICES] = np.take_along_axis(scores, expected[TOP_INDICES], axis=-1)
    return actual | {TOP_INDICES: picked}
