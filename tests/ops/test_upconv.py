"""Transposed convolutions: the sums that define them, PyTorch's shapes, and what each reads."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import assert_close, chain, check_onnx, random_arrays, random_weights, run_onnx

from archdsl.backends.onnx import write
from archdsl.ir import OpError
from archdsl.ops.upconv import UpConv


def transposed(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, op: UpConv
) -> np.ndarray:
    """The definition: every input adds its multiple of the kernel to the outputs it stands at."""
    count, c, h, w = x.shape
    _, share, kh, kw = weight.shape
    (sh, sw), (ph, pw), (oh, ow) = op.stride, op.pad, op.output_pad
    out, fan = share * op.groups, c // op.groups
    full = np.zeros((count, out, (h - 1) * sh + kh + oh, (w - 1) * sw + kw + ow))
    for i, j, channel in product(range(h), range(w), range(c)):
        first = channel // fan * share
        patch = full[:, first : first + share, i * sh : i * sh + kh, j * sw : j * sw + kw]
        patch += x[:, channel, i, j, None, None, None] * weight[channel]
    result = full[:, :, ph : full.shape[2] - ph, pw : full.shape[3] - pw]
    return (result + (0 if bias is None else bias[:, None, None])).astype(np.float32)


@pytest.mark.parametrize(
    "op",
    [
        UpConv(kernel=(2, 2), filters=3, stride=(2, 2)),
        UpConv(kernel=(4, 4), filters=3, stride=(2, 2), pad=(1, 1), bias=False),
        UpConv(kernel=(3, 3), filters=6, stride=(2, 2), pad=(1, 1), output_pad=(1, 1), groups=2),
        UpConv(kernel=(3, 3), groups=4),
        UpConv(kernel=(3, 2), filters=2, stride=(3, 1), pad=(1, 0), output_pad=(2, 0)),
        UpConv(kernel=(1, 5), filters=2, stride=(2, 3), pad=(0, 2)),
    ],
    ids=lambda op: op.text(),
)
def test_upconv_is_the_sum_that_defines_it(tmp_path: Path, op: UpConv) -> None:
    shape = (4, 3, 5)
    graph = chain(op, shapes=(shape,))
    weights = random_weights(graph)
    x = random_arrays((shape,), 3)[0]
    kernel, bias = weights["upconv1.weight"], weights.get("upconv1.bias")
    expected = transposed(x, kernel, bias, op)
    node = graph.nodes[0]
    assert node.shape == expected.shape[1:]
    assert node.weights["weight"].shape == (4, node.shape[0] // op.groups, *op.kernel)
    assert node.cost.macs == 3 * 5 * kernel.size
    write(graph, tmp_path / "upconv.onnx", weights)
    check_onnx(tmp_path / "upconv.onnx")
    assert_close(run_onnx(tmp_path / "upconv.onnx", [x])[0], expected)


AXES = list(product(range(1, 5), range(1, 5), range(1, 4), range(4), range(4)))


def test_the_shapes_are_exactly_pytorchs() -> None:
    """Where PyTorch refuses, archdsl does; where it does not, the shape is the same."""
    refused = 0
    for n, k, s, p, extra in AXES:
        op = UpConv(kernel=(k, 1), stride=(s, 1), pad=(p, 0), output_pad=(extra, 0))
        x, weight = torch.zeros(1, 1, n, 2), torch.zeros(1, 1, k, 1)
        try:
            y = F.conv_transpose2d(x, weight, None, (s, 1), (p, 0), (extra, 0))
        except RuntimeError:
            refused += 1
            with pytest.raises(OpError):
                op.shape(((1, n, 2),))
        else:
            assert op.shape(((1, n, 2),)) == tuple(y.shape[1:]), op.text()
    assert refused > 100


@pytest.mark.parametrize(("k", "s"), list(product(range(1, 6), range(1, 5))))
def test_each_output_reads_exactly_its_span(k: int, s: int) -> None:
    """By gradient, at positions whose span lies inside, the gaps of a small kernel included."""
    n = 9
    for p in range(k):
        op = UpConv(kernel=(1, k), filters=1, stride=(1, s), pad=(0, p), bias=False)
        shape = op.shape(((1, 1, n),))
        window = op.field(((1, 1, n),), shape).windows[1]
        x = torch.ones(1, 1, 1, n, requires_grad=True)
        y = F.conv_transpose2d(x, torch.ones(1, 1, 1, k), None, (1, s), (0, p))
        seen = 0
        for i in range(shape[2]):
            first, last = window.span(i)
            if first < 0 or last >= n:
                continue
            (gradient,) = torch.autograd.grad(y[0, 0, 0, i], x, retain_graph=True)
            assert gradient.flatten().nonzero().flatten().tolist() == [*range(first, last + 1)]
            seen += 1
        assert seen > n - 6


@pytest.mark.parametrize(
    ("op", "shape", "code"),
    [
        (UpConv(kernel=(2, 2), groups=3), (4, 5, 5), "A203"),
        (UpConv(kernel=(2, 2), filters=3, groups=2), (4, 5, 5), "A203"),
        (UpConv(kernel=(2, 2), stride=(2, 2), output_pad=(0, 2)), (4, 5, 5), "A209"),
        (UpConv(kernel=(1, 1), pad=(3, 3)), (4, 5, 5), "A209"),
        (UpConv(kernel=(2, 2)), (5, 4), "A201"),
    ],
    ids=lambda v: v.text() if isinstance(v, UpConv) else "",
)
def test_what_cannot_be_is_an_error(op: UpConv, shape: tuple[int, ...], code: str) -> None:
    with pytest.raises(OpError) as caught:
        op.shape((shape,))
    assert caught.value.code == code
    assert caught.value.help
