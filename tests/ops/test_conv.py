"""Grouped, dilated, strided and padded convolutions against sums written out in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import assert_close, chain, check_onnx, random_arrays, random_weights, run_onnx

from archdsl.backends.onnx import write
from archdsl.ir import Op, OpError
from archdsl.ops.conv import Conv, DepthwiseConv


def convolve(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: tuple[int, int],
    pad: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> np.ndarray:
    """The definition: a sum over the channels of the group and the taps of the kernel."""
    out, fan, kh, kw = weight.shape
    (ph, pw), (sh, sw), (dh, dw) = pad, stride, dilation
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    height = (padded.shape[2] - dh * (kh - 1) - 1) // sh + 1
    width = (padded.shape[3] - dw * (kw - 1) - 1) // sw + 1
    found = np.zeros((len(x), out, height, width))
    for o in range(out):
        first = o // (out // groups) * fan
        for i in range(height):
            for j in range(width):
                rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
                columns = slice(j * sw, j * sw + dw * (kw - 1) + 1, dw)
                window = padded[:, first : first + fan, rows, columns]
                found[:, o, i, j] = (window * weight[o]).sum((1, 2, 3))
        if bias is not None:
            found[:, o] += bias[o]
    return found.astype(np.float32)


@pytest.mark.parametrize(
    ("op", "stride", "pad", "dilation", "groups"),
    [
        (Conv(kernel=(3, 3), filters=6), (1, 1), (1, 1), (1, 1), 1),
        (Conv(kernel=(3, 3), filters=6, groups=2), (1, 1), (1, 1), (1, 1), 2),
        (Conv(kernel=(3, 3), filters=8, groups=4, bias=False), (1, 1), (1, 1), (1, 1), 4),
        (Conv(kernel=(3, 3), filters=2, dilation=(2, 3), pad=(0, 0)), (1, 1), (0, 0), (2, 3), 1),
        (Conv(kernel=(3, 3), filters=2, dilation=(2, 2)), (1, 1), (2, 2), (2, 2), 1),
        (Conv(kernel=(5, 2), filters=3, stride=(3, 2)), (3, 2), (1, 0), (1, 1), 1),
        (Conv(kernel=(1, 7), filters=3, pad=(0, 3)), (1, 1), (0, 3), (1, 1), 1),
        (DepthwiseConv(kernel=(3, 3)), (1, 1), (1, 1), (1, 1), 4),
        (DepthwiseConv(kernel=(3, 3), multiplier=2, stride=(2, 2)), (2, 2), (1, 1), (1, 1), 4),
    ],
    ids=lambda v: v.text() if isinstance(v, Op) else "",
)
def test_convolutions_are_the_sums_that_define_them(
    tmp_path: Path,
    op: Op,
    stride: tuple[int, int],
    pad: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    shape = (4, 9, 10)
    graph = chain(op, shapes=(shape,))
    weights = random_weights(graph)
    x = random_arrays((shape,), 2)[0]
    path = f"{op.name}1"
    kernel, bias = weights[f"{path}.weight"], weights.get(f"{path}.bias")
    expected = convolve(x, kernel, bias, stride, pad, dilation, groups)
    assert graph.nodes[0].shape == expected.shape[1:]
    macs = expected[0].size * kernel[0].size
    assert graph.nodes[0].cost.macs == macs
    write(graph, tmp_path / "conv.onnx", weights)
    check_onnx(tmp_path / "conv.onnx")
    assert_close(run_onnx(tmp_path / "conv.onnx", [x])[0], expected)


@pytest.mark.parametrize(
    ("op", "shape", "code"),
    [
        (Conv(kernel=(3, 3), filters=6, groups=4), (4, 8, 8), "A203"),
        (Conv(kernel=(3, 3), filters=4, groups=3), (4, 8, 8), "A203"),
        (Conv(kernel=(9, 9), filters=4, pad=(0, 0)), (4, 8, 8), "A202"),
        (Conv(kernel=(5, 5), filters=4, pad=(0, 0), dilation=(2, 2)), (4, 8, 8), "A202"),
        (Conv(kernel=(2, 2), filters=4), (4, 8, 8), "A206"),
        (Conv(kernel=(3, 3), filters=4), (4, 8), "A201"),
        (DepthwiseConv(kernel=(3, 3)), (7,), "A201"),
    ],
)
def test_what_cannot_be_convolved_is_an_error(op: Op, shape: tuple[int, ...], code: str) -> None:
    with pytest.raises(OpError) as caught:
        op.shape((shape,))
    assert caught.value.code == code
    assert caught.value.help
