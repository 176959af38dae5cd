"""Models in 16 bits: what is stored and computed in them, what stays in 32, and the numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from support import load_weights, random_arrays, random_weights, run_onnx, session, stored_weights

import archdsl
from archdsl.backends.onnx import ExportOptions, write
from archdsl.errors import BuildError
from archdsl.ir import layers
from archdsl.ir.shapes import show

torch.set_num_threads(1)

MIXED = """
    input 3x8x8
    conv 3x3 8 bias=false; bn; relu
    residual { conv 3x3; lrn; gelu }
    mul { | gap; fc 8; sigmoid }
    tokens; cls_token; pos_embed; residual { ln; attention heads=2 }; rmsnorm
    take 0; output early { fc 3 }; fc 5; log_softmax
    """
HALF = {"float16": onnx.TensorProto.FLOAT16, "bfloat16": onnx.TensorProto.BFLOAT16}
each_kind = pytest.mark.parametrize("kind", HALF)


def export(text: str, folder: Path, kind: str, **more: Any) -> onnx.ModelProto:
    net = archdsl.parse(text)
    weights = random_weights(net.graph)
    options = ExportOptions(precision=kind, verify=True, **more)  # type: ignore[arg-type]
    module = load_weights(net.to_torch(), weights)
    write(net.graph, folder / "a.onnx", weights, options, module)
    onnx.checker.check_model(folder / "a.onnx", full_check=True)
    return onnx.load(folder / "a.onnx")


@each_kind
@pytest.mark.parametrize("fold", [False, True])
def test_a_network_of_many_kinds(kind: str, fold: bool, tmp_path: Path) -> None:
    model = export(MIXED, tmp_path, kind, fold=fold)
    full = onnx.TensorProto.FLOAT
    assert {v.type.tensor_type.elem_type for v in (*model.graph.input, *model.graph.output)} == {
        full
    }
    types = {t.name: t.data_type for t in model.graph.initializer}
    assert types["conv1.weight"] == types["fc1.weight"] == types["pos_embed1"] == HALF[kind]
    assert types["ln1.weight"] == types["rmsnorm1.weight"] == full
    if not fold:
        assert types["bn1.running_var"] == full
    made = {o: n.op_type for n in model.graph.node for o in n.output}
    softmax = next(n for n in model.graph.node if n.op_type == "Softmax")
    assert made[softmax.input[0]] == "Cast"


@each_kind
def test_each_value_is_cast_once(kind: str, tmp_path: Path) -> None:
    text = "input 4x6x6\nconv 3x3; concat { gap | gap | gap }; fc 3"
    model = export(text, tmp_path, kind)
    casts = [n for n in model.graph.node if n.op_type == "Cast"]
    assert len({(n.input[0], n.attribute[0].i) for n in casts}) == len(casts) == 6
    names = [n.name for n in model.graph.node]
    assert len(set(names)) == len(names)


@each_kind
def test_the_weights_are_those_that_are_nearest(kind: str, tmp_path: Path) -> None:
    net = archdsl.parse("input 3x8x8\nconv 3x3 8; gap; fc 3")
    weights = random_weights(net.graph)
    options = ExportOptions(precision=kind)  # type: ignore[arg-type]
    write(net.graph, tmp_path / "a.onnx", weights, options)
    kinds = {"float16": torch.float16, "bfloat16": torch.bfloat16}
    for key, array in stored_weights(tmp_path / "a.onnx").items():
        expected = torch.from_numpy(weights[key]).to(kinds[kind]).float().numpy()
        np.testing.assert_array_equal(array.astype(np.float32), expected)


def test_half_the_bytes(tmp_path: Path) -> None:
    net = archdsl.parse("input 2900; fc")
    for kind in ("float32", "float16"):
        net.to_onnx(tmp_path / f"{kind}.onnx", options=ExportOptions(precision=kind))
    sizes = {p.name.split(".")[0]: p.stat().st_size for p in tmp_path.iterdir() if
             p.stat().st_size > 5000}  # fmt: skip
    assert sizes["float16"] == pytest.approx(sizes["float32"] / 2, rel=0.01)


def test_weights_that_16_bits_do_not_hold(tmp_path: Path) -> None:
    net = archdsl.parse("input 3; fc 2")
    weights = random_weights(net.graph)
    weights["fc1.weight"][0, 0] = 70_000
    with pytest.raises(BuildError, match=r"`fc1.weight` has values that float16 does not hold"):
        write(net.graph, tmp_path / "a.onnx", weights, ExportOptions(precision="float16"))
    assert not list(tmp_path.iterdir())
    write(net.graph, tmp_path / "a.onnx", weights, ExportOptions(precision="bfloat16"))


def test_a_difference_tells_of_the_16_bits(tmp_path: Path) -> None:
    text = "input 4; fc 4; rescale 1e-8; rescale 1e4; rescale 1e4; fc 2"
    with pytest.raises(BuildError, match=r"`rescale1` .* 16 bits may be too few"):
        export(text, tmp_path, "float16")
    export(text, tmp_path, "bfloat16")
    with pytest.raises(BuildError, match="`rescale1/factor` has values that float16"):
        export("input 4; fc 4; rescale 1e8", tmp_path, "float16")


def test_bfloat16_needs_an_opset_that_has_it() -> None:
    with pytest.raises(BuildError, match="no convolutions in bfloat16"):
        ExportOptions(precision="bfloat16", opset=21)


def test_what_is_emulated_is_rounded_at_each_step(tmp_path: Path) -> None:
    """A sum of two: the parts and the result are those that bfloat16 has."""
    from archdsl.backends.onnx.session import run
    from archdsl.backends.onnx.session import session as opened

    export("input 3; rescale 3 1", tmp_path, "bfloat16")
    (x,) = random_arrays(((3,),), 2)
    runner, device = opened(tmp_path / "a.onnx", (), "bfloat16")
    assert "rounds to bfloat16" in device
    found = run(runner, ["out"], {"input": x})["out"]
    by_hand = (x.astype(ml_dtypes.bfloat16) * ml_dtypes.bfloat16(3)) + ml_dtypes.bfloat16(1)
    np.testing.assert_array_equal(found, by_hand.astype(np.float32))


SAMPLES = [(cls, sample) for cls in layers() for sample in cls.samples]


@pytest.mark.parametrize(
    ("cls", "sample"), SAMPLES, ids=[f"{show(s.inputs[0])}; {s.text}" for _, s in SAMPLES]
)
def test_every_layer_in_16_bits(cls: Any, sample: Any, tmp_path: Path) -> None:
    text = f"input {show(sample.inputs[0])}\n{sample.text}"
    model = export(text, tmp_path, "float16")
    assert session(tmp_path / "a.onnx").get_outputs()[0].type == "tensor(float)"
    (given,) = archdsl.parse(text).graph.inputs
    assert run_onnx(tmp_path / "a.onnx", random_arrays((given.shape,), 1))[0].dtype == np.float32
    assert model.graph.node


SENSITIVE = re.compile("Normalization$|^LRN$|oftmax$|^Reduce|^Global|^Exp$|^Sqrt$")


@pytest.mark.parametrize(
    ("cls", "sample"), SAMPLES, ids=[f"{show(s.inputs[0])}; {s.text}" for _, s in SAMPLES]
)
def test_statistics_and_exponentials_are_wide(cls: Any, sample: Any) -> None:
    """By ONNX's names for them, which the layers do not decide by."""
    for node in archdsl.parse(f"input {show(sample.inputs[0])}\n{sample.text}").graph.nodes:
        form = node.onnx
        while form is not None:
            assert all(n.wide for n in form.nodes if SENSITIVE.search(n.op)), node.path
            form = form.older
