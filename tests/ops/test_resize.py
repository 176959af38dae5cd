"""Maps made larger and smaller: against PyTorch's interpolate and numpy, and what each reads."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from support import assert_close, chain, check_onnx, random_arrays, run_onnx

import archdsl
from archdsl import ArchError
from archdsl.backends.onnx import write
from archdsl.ir import Op
from archdsl.ops.margin import Crop, Pad
from archdsl.ops.resize import Subsample, Upsample


def in_onnx(op: Op, x: np.ndarray, tmp_path: Path) -> np.ndarray:
    graph = chain(op, shapes=(x.shape[1:],))
    assert not graph.state()
    write(graph, tmp_path / "net.onnx", {})
    check_onnx(tmp_path / "net.onnx")
    return run_onnx(tmp_path / "net.onnx", [x])[0]


# Upsampling. Where 41 times 1/41 is less than 1 in float32, PyTorch picks the input before.
NEAREST = [(2, 4), (3, 7), (5, 3), (4, 4), (1, 6), (6, 1), (7, 33), (2, 82), (3, 123), (13, 17)]


@pytest.mark.parametrize(("n", "m"), NEAREST)
def test_nearest_values_are_the_very_ones_that_pytorch_picks(
    tmp_path: Path, n: int, m: int
) -> None:
    x = random_arrays(((2, n, 3),), 2)[0]
    expected = F.interpolate(torch.from_numpy(x), size=(m, 6), mode="nearest").numpy()
    np.testing.assert_array_equal(in_onnx(Upsample(size=(m, 6)), x, tmp_path), expected)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("n", "m"), [(3, 6), (4, 7), (5, 3), (4, 4), (1, 6), (6, 1), (7, 33)])
def test_bilinear_values_are_pytorchs(tmp_path: Path, n: int, m: int, align: bool) -> None:
    x = random_arrays(((2, n, 3),), 2)[0]
    expected = F.interpolate(
        torch.from_numpy(x), size=(m, 5), mode="bilinear", align_corners=align
    ).numpy()
    op = Upsample(size=(m, 5), mode="bilinear", align_corners=align)
    assert_close(in_onnx(op, x, tmp_path), expected)


@pytest.mark.parametrize("factor", [(2, 2), (3, 1), (41, 2)])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_factor_is_pytorchs_scale(tmp_path: Path, factor: tuple[int, int], mode: str) -> None:
    x = random_arrays(((2, 2, 4),), 2)[0]
    floats = (float(factor[0]), float(factor[1]))
    expected = F.interpolate(torch.from_numpy(x), scale_factor=floats, mode=mode).numpy()
    op = Upsample.model_validate({"factor": factor, "mode": mode})
    assert op.shape((x.shape[1:],)) == expected.shape[1:]
    assert_close(in_onnx(op, x, tmp_path), expected)


def weights_of(n: int, m: int, mode: str, align: bool) -> np.ndarray:
    """The matrix that takes n values to m, from PyTorch, in double precision."""
    unit = torch.eye(n, dtype=torch.float64)[:, None, :, None]
    corners = {"align_corners": align} if mode == "bilinear" else {}
    return F.interpolate(unit, size=(m, 1), mode=mode, **corners)[:, 0, :, 0].T.numpy()


SIDES = [(n, m) for n, m in product(range(1, 9), range(1, 20)) if m <= 3 * n]


@pytest.mark.parametrize(
    ("mode", "align"), [("nearest", False), ("bilinear", False), ("bilinear", True)]
)
def test_each_output_reads_exactly_its_span(mode: str, align: bool) -> None:
    """At every position, for every pair of small sides; past the rim the edge stands in."""
    for n, m in SIDES:
        op = Upsample.model_validate({"size": (m, 1), "mode": mode, "align_corners": align})
        window = op.field(((1, n, 1),), (1, m, 1)).windows[0]
        matrix = weights_of(n, m, mode, align)
        for i in range(m):
            first, last = window.span(i)
            expected = sorted({min(max(j, 0), n - 1) for j in range(first, last + 1)})
            read = np.flatnonzero(abs(matrix[i]) > 1e-9).tolist()
            assert read == expected, (n, m, i)


# The others


@pytest.mark.parametrize("step", [(2, 2), (3, 1), (9, 9)])
def test_subsampling_keeps_the_first(tmp_path: Path, step: tuple[int, int]) -> None:
    x = random_arrays(((2, 7, 6),), 2)[0]
    y = in_onnx(Subsample(step=step), x, tmp_path)
    np.testing.assert_array_equal(y, x[:, :, :: step[0], :: step[1]])


@pytest.mark.parametrize(
    ("op", "widths"),
    [
        (Pad(margin=(1, 2)), [(0, 0), (1, 1), (2, 2)]),
        (Pad(margin=(1, 2), side="after"), [(0, 0), (0, 1), (0, 2)]),
        (Pad(margin=(1, 2), side="before"), [(0, 0), (1, 0), (2, 0)]),
        (Pad(channels=7), [(2, 2), (0, 0), (0, 0)]),
        (Pad(channels=6), [(1, 2), (0, 0), (0, 0)]),
        (Pad(channels=6, side="after"), [(0, 3), (0, 0), (0, 0)]),
        (Pad(channels=6, side="before", margin=(1, 0)), [(3, 0), (1, 0), (0, 0)]),
    ],
    ids=lambda v: v.text() if isinstance(v, Op) else "",
)
def test_padding_is_numpys(tmp_path: Path, op: Pad, widths: list[tuple[int, int]]) -> None:
    x = random_arrays(((3, 4, 5),), 2)[0]
    expected = np.pad(x, [(0, 0), *widths])
    assert op.shape((x.shape[1:],)) == expected.shape[1:]
    np.testing.assert_array_equal(in_onnx(op, x, tmp_path), expected)


def test_the_shortcut_without_weights() -> None:
    """Option A of He et al. 2015 in a numbered level: an nn.Sequential without parameters."""
    text = """
    input 16x8x8
    residual { conv 3x3 32 stride=2 | downsample: { subsample 2; pad channels=32 side=after } }
    """
    network = archdsl.parse(text)
    assert list(network.graph.state()) == ["conv1.weight", "conv1.bias"]
    module = network.to_torch()
    x = torch.randn(2, 16, 8, 8)
    skip = module.get_submodule("downsample")(x)
    assert isinstance(module.get_submodule("downsample"), torch.nn.Sequential)
    torch.testing.assert_close(skip, F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 16)))


def test_a_crop_is_the_middle(tmp_path: Path) -> None:
    x = random_arrays(((2, 7, 6),), 2)[0]
    np.testing.assert_array_equal(in_onnx(Crop(size=(4, 3)), x, tmp_path), x[:, :, 1:5, 1:4])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("upsample", "A402"),
        ("upsample 2 size=8x8", "A404"),
        ("upsample 2 align_corners=true", "A403"),
        ("upsample 2 mode=cubic", "A403"),
        ("pad", "A402"),
        ("pad channels=2", "A201"),
        ("crop 5", "A201"),
        ("subsample", "A402"),
        ("gap; subsample 2", "A201"),
    ],
)
def test_mistakes_are_told(text: str, code: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(f"input 3x4x4; {text}")
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_crop_has_a_size() -> None:
    with pytest.raises(ValidationError):
        Crop(size=(0, 3))


def test_what_is_too_long_for_a_table_is_told(tmp_path: Path) -> None:
    graph = chain(Upsample(size=(1, 10**9)), shapes=((1, 1, 3),))
    with pytest.raises(ArchError, match="too long for ONNX"):
        write(graph, tmp_path / "net.onnx", {})
