"""Files as they are exported: for a batch, for any size, for an opset, and proved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from support import SMALL_NETWORK, assert_close, check_onnx, file_names, random_arrays, run_onnx

import archdsl
from archdsl.backends.onnx import ExportOptions, proof, storage
from archdsl.backends.onnx.sizes import any_size
from archdsl.errors import BuildError
from archdsl.ir import layers
from archdsl.ir.records import OnnxLowering
from archdsl.ir.shapes import show


@pytest.fixture
def net() -> archdsl.Network:
    return archdsl.parse(SMALL_NETWORK, file="small.arch")


def sides(value: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]


def refusal(net: archdsl.Network, path: Path, **options: Any) -> str:
    """The message, once it is sure that nothing was written."""
    with pytest.raises(BuildError) as caught:
        net.to_onnx(path, options=ExportOptions(**options))
    assert not path.exists() and not list(path.parent.glob(".*"))
    return str(caught.value)


# The batch


def test_a_fixed_batch(net: archdsl.Network, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    exported = net.to_onnx(path, options=ExportOptions(batch=2, verify=True))
    check_onnx(path)
    body = onnx.load(path).graph
    assert all(sides(v)[0] == 2 for v in (*body.input, *body.output, *body.value_info))
    assert exported.agreement is not None and exported.agreement.batches == (2,)
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        run_onnx(path, random_arrays(((3, 8, 8),), 3))


@pytest.mark.parametrize("batch", [0, -1, 1 << 31])
def test_what_is_no_batch(batch: int) -> None:
    with pytest.raises(BuildError, match="no size of a batch"):
        ExportOptions(batch=batch)


# Maps of any size

CONVOLUTIONAL = """
    input 3x16x16
    conv 3x3 8 stride=2 bias=false; bn; relu
    maxpool 3x3 stride=2 pad=1 ceil=true
    concat { conv 1x1 4 | maxpool 3x3 stride=1 pad=1 | avgpool 3x3 stride=1 pad=1 }
    shuffle 2; upsample 2; ln; gn 4
    mul { | gap; fc 4; relu; fc 20; sigmoid }
    tokens; attention heads=2; gap; fc 5
    """


def test_a_network_of_any_size(tmp_path: Path) -> None:
    net = archdsl.parse(CONVOLUTIONAL)
    path = tmp_path / "a.onnx"
    options = ExportOptions(dynamic_size=True, verify=True)
    model = net.to_torch(seed=1)
    exported = net.to_onnx(path, model, options=options)
    assert exported.step == 1
    check_onnx(path)
    (given,) = onnx.load(path).graph.input
    assert sides(given) == ["batch", 3, "height", "width"]
    for size in ((16, 16), (17, 23), (31, 18), (64, 40)):
        arrays = random_arrays(((3, *size),), 2)
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(arrays[0])).numpy()
        assert_close(run_onnx(path, arrays)[0], expected)


def test_an_encoder_and_a_decoder_ask_for_a_multiple(tmp_path: Path) -> None:
    """Two halvings, undone: what four does not divide comes back shorter, and cannot be joined."""
    net = archdsl.parse(
        "input 1x16x24\nfirst: conv 3x3 2; maxpool 2x2; conv 3x3 2; maxpool 2x2\n"
        "upsample 4; concat { | @first }; conv 1x1 3"
    )
    assert any_size(net.graph, 26).step == 4
    path = tmp_path / "a.onnx"
    net.to_onnx(path, options=ExportOptions(dynamic_size=True, verify=True))
    body = onnx.load(path).graph
    assert sides(body.output[0]) == ["batch", 3, "height", "width"]
    inner = {v.name: sides(v) for v in body.value_info}
    assert inner["maxpool1"] == ["batch", 2, "", ""], "half of a height has no name of its own"


@pytest.mark.parametrize(
    ("layers", "culprit"),
    [
        ("conv 3x3 4; relu; fc 5", "fc1"),
        ("tokens; pos_embed; gap", "pos_embed1"),
        ("adaptive_avgpool 4x4; gap", "adaptive_avgpool1"),
        ("position_bias", "position_bias1"),
        ("crop 4x4; gap", "crop1"),
        ("conv 3x3 4; reshape 1024", "reshape1"),
        ("maxpool 2x2 stride=3 ceil=true; gap", "maxpool1"),
        ("tokens; conv1: untokens; gap", "conv1"),
    ],
)
def test_what_fixes_the_size_is_named(layers: str, culprit: str, tmp_path: Path) -> None:
    net = archdsl.parse(f"input 3x16x16\n{layers}", file="fixed.arch")
    message = refusal(net, tmp_path / "a.onnx", dynamic_size=True)
    assert "error[A706]" in message and f"{culprit} (fixed.arch:2:" in message


def test_a_network_without_maps_has_no_size(tmp_path: Path) -> None:
    net = archdsl.parse("input 7; fc 3")
    assert "no input is a map" in refusal(net, tmp_path / "a.onnx", dynamic_size=True)


def sizable() -> list[tuple[str, str]]:
    """The samples on one map of the layers that take maps of any size."""
    found: list[tuple[str, str]] = []
    for cls in layers():
        for sample in cls.samples:
            if len(sample.inputs[0]) != 3:
                continue
            text = f"input {show(sample.inputs[0])}\n{sample.text}"
            try:
                any_size(archdsl.parse(text).graph, 26)
            except BuildError:
                continue
            found.append((cls.name, text))
    return found


SIZABLE = sizable()


def test_the_layers_that_take_any_size() -> None:
    """By name, so that one that is lost shows."""
    names = {name for name, _ in SIZABLE}
    assert {"conv", "dwconv", "upconv", "maxpool", "avgpool", "gap", "bn", "ln", "gn"} <= names
    assert {"lrn", "relu", "shuffle", "upsample", "subsample", "pad", "tokens", "mul"} <= names
    assert not names & {"position_bias", "crop", "pos_embed"}


@pytest.mark.parametrize(("layer", "text"), SIZABLE, ids=[t.split("\n", 1)[1] for _, t in SIZABLE])
def test_every_layer_that_claims_to_take_any_size_does(
    layer: str, text: str, tmp_path: Path
) -> None:
    net = archdsl.parse(text)
    options = ExportOptions(dynamic_size=True, verify=True)
    path = tmp_path / "a.onnx"
    exported = net.to_onnx(path, net.to_torch(seed=1), options=options)
    step = exported.step or 0
    (given,) = net.graph.inputs
    model = net.to_torch(seed=1).eval()
    for rows, columns in ((1, 0), (0, 1), (2, 3), (5, 4)):
        shape = (given.shape[0], given.shape[1] + rows * step, given.shape[2] + columns * step)
        arrays = random_arrays((shape,), 2)
        with torch.no_grad():
            expected = model(torch.from_numpy(arrays[0])).numpy()
        assert_close(run_onnx(path, arrays)[0], expected)


# Opsets


@pytest.mark.parametrize("opset", [17, 19, 21, 26])
def test_an_opset(net: archdsl.Network, opset: int, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    net.to_onnx(path, options=ExportOptions(opset=opset, verify=True))
    model = onnx.load(path)
    assert model.opset_import[0].version == opset
    assert model.ir_version <= onnx.helper.find_min_ir_version_for(model.opset_import)


def test_opsets_that_cannot_be_written() -> None:
    for opset in (16, 27, 0, -1):
        with pytest.raises(BuildError, match="17 to 26 can"):
            ExportOptions(opset=opset)


def test_a_layer_that_needs_a_newer_opset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = archdsl.parse("input 3x4\nrelu; sigmoid", file="new.arch")
    op = type(net.graph.nodes[1].op)
    written = op.onnx

    def newer(self: Any, inputs: Any, output: Any) -> OnnxLowering:
        return OnnxLowering(written(self, inputs, output).nodes, since=24)

    monkeypatch.setattr(op, "onnx", newer)
    message = refusal(net, tmp_path / "a.onnx", opset=20)
    assert "error[A707]" in message and "sigmoid1 (new.arch:2:7)" in message
    assert "--opset 24" in message
    net.to_onnx(tmp_path / "a.onnx", options=ExportOptions(opset=24))


# Proof


def test_what_is_told(net: archdsl.Network, tmp_path: Path) -> None:
    options = ExportOptions(verify=True)
    agreement = net.to_onnx(tmp_path / "a.onnx", options=options).agreement
    assert agreement is not None
    assert 0 < agreement.absolute < 1e-5 and 0 < agreement.relative < 1e-5
    assert (agreement.batches, agreement.runs) == ((1, 3), 3)
    assert "batch 1 and 3" in str(agreement)


def test_weights_that_are_no_numbers_are_told(net: archdsl.Network, tmp_path: Path) -> None:
    """The file is what PyTorch is; that this is of no use shows."""
    model = net.to_torch(seed=0)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    found = net.to_onnx(tmp_path / "a.onnx", model, options=ExportOptions(verify=True)).agreement
    assert found is not None and not found.finite
    told = str(found)
    assert "infinite or no number" in told and told.index("infinite") < told.index("equals")


def break_(monkeypatch: pytest.MonkeyPatch, net: archdsl.Network, path: str) -> None:
    """Let a layer be said wrongly: what it gives in the file is twice what it should."""
    op = type(net.graph.by_path[path].op)
    written = op.onnx

    def wrong(self: Any, inputs: Any, output: Any) -> OnnxLowering:
        from dataclasses import replace

        from archdsl.ir.records import OnnxNode

        right = written(self, inputs, output)
        *before, last = right.nodes
        nodes = (*before, replace(last, output="right"), OnnxNode("Add", ("right", "right")))
        return OnnxLowering(nodes, right.constants)

    monkeypatch.setattr(op, "onnx", wrong)


@pytest.mark.parametrize("lost", [5.0, float("inf")])
def test_a_network_that_32_bits_do_not_carry_proves_no_file(
    net: archdsl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: float
) -> None:
    """However far PyTorch is from itself, a file that gives something else is refused."""
    monkeypatch.setattr(proof, "_lost", lambda subject: lost)
    break_(monkeypatch, net, "ln1")
    with pytest.raises(BuildError, match="differs from PyTorch"):
        net.to_onnx(tmp_path / "a.onnx", options=ExportOptions(verify=True))


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_a_file_that_differs_is_not_left(
    net: archdsl.Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    earlier: bool,
    limit: int,
) -> None:
    monkeypatch.setattr(storage, "INLINE_BYTES", limit)
    path = tmp_path / "a.onnx"
    if earlier:
        net.to_onnx(path, options=ExportOptions(verify=True))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    break_(monkeypatch, net, "ln1")
    with pytest.raises(BuildError) as caught:
        net.to_onnx(path, options=ExportOptions(verify=True))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    message = str(caught.value)
    assert "error[A704]" in message and "`ln1` (small.arch:6:5)" in message
    net.to_onnx(path)  # who does not want to know is not told
    assert path.exists()


def test_an_output_that_says_nothing_of_what_came_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal dies, so that the last bias is all that is left; the layers are compared."""
    net = archdsl.parse("input 4; fc; sigmoid; rescale 1e-9; fc 3")
    agreement = net.to_onnx(tmp_path / "a.onnx", options=ExportOptions(verify=True)).agreement
    assert agreement is not None and agreement.blind
    assert "each layer was compared" in str(agreement)
    break_(monkeypatch, net, "sigmoid1")
    with pytest.raises(BuildError, match=r"inside it differs\n.*`sigmoid1`"):
        net.to_onnx(tmp_path / "b.onnx", options=ExportOptions(verify=True))
    assert not (tmp_path / "b.onnx").exists()


def test_the_differences_of_all_layers(net: archdsl.Network, tmp_path: Path) -> None:
    options = ExportOptions(bisect=True)
    found = net.to_onnx(tmp_path / "a.onnx", options=options).differences
    assert [d.path for d in found] == [
        *("conv1", "bn1", "relu1", "body.0", "body.1", "conv2", "ln1", "fc1"),
    ]
    assert all(d.relative < 1e-5 for d in found)


def test_a_layer_whose_place_a_shared_one_took(tmp_path: Path) -> None:
    """The identity leaves no node, and its module is called twice: there is nothing to compare."""
    net = archdsl.parse(
        "input 4x6x6\nsilu; part: { residual { identity; conv 1x1 }; relu }; reuse part; gap; fc 3"
    )
    options = ExportOptions(fold=True, verify=True, bisect=True)
    told = net.to_onnx(tmp_path / "a.onnx", options=options)
    assert all(d.relative < 1e-4 for d in told.differences)


def test_a_shape_that_onnx_works_out_otherwise(net: archdsl.Network, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    net.to_onnx(path)
    proof.check_shapes(path)
    model = onnx.load(path)
    model.graph.value_info[0].type.tensor_type.shape.dim[1].dim_value = 5
    path.write_bytes(model.SerializeToString())
    with pytest.raises(BuildError, match=r"onnx refuses it|by onnx's own rules"):
        proof.check_shapes(path)


@pytest.mark.parametrize(
    ("actual", "expected", "relative"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([np.nan, 2.0], [np.nan, 2.0], 0.0),
        ([np.inf, 2.0], [np.inf, 2.0], 0.0),
        ([np.nan, 2.0], [1.0, 2.0], np.inf),
        ([-np.inf], [np.inf], np.inf),
        ([np.inf, 2.0], [1.0, 4.0], np.inf),
        ([0.0], [0.0], 0.0),
        ([1.0, 1.0], [1.0], np.inf),
    ],
)
def test_how_far_two_are_apart(actual: Any, expected: Any, relative: float) -> None:
    assert proof.apart(np.array(actual), np.array(expected))[1] == relative


def test_a_network_with_several_inputs_and_outputs(tmp_path: Path) -> None:
    net = archdsl.parse(
        "input left 1x8x8\ntower: { conv 3x3 4; bn; relu; gap }\nl: identity\n"
        "input right 1x8x8\nr: reuse tower\nconcat { @l | @r }\n"
        "output extra { fc 2 }\naux helper weight=0.3 { fc 3 }\nfc 1"
    )
    exported = net.to_onnx(tmp_path / "a.onnx", options=ExportOptions(verify=True, bisect=True))
    body = onnx.load(tmp_path / "a.onnx").graph
    assert [i.name for i in body.input] == ["left", "right"]
    assert sorted(o.name for o in body.output) == ["extra", "out"]
    assert not any("helper" in n.name for n in body.node)
    assert [t.name for t in body.initializer].count("tower.0.weight") == 1
    assert [d.path for d in exported.differences][-1] == "fc1"
    assert file_names(tmp_path) == ["a.onnx"]
