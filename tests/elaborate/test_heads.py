"""`reuse`, `output` and `aux`, from the spec to PyTorch and onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

import archdsl
from archdsl.backends.onnx.proof import Subject, compare

SIAMESE = """
input left 1x12x12
tower: { conv 3x3 4; bn; relu; gap }
l: identity
input right 1x12x12
r: reuse tower
concat { @l | @r }; fc 1; sigmoid
"""

HEADS = """
block head n { gap; fc n }
input 3x12x12
stem: { conv 3x3 8; relu }
aux early weight=0.3 { gap; fc 5 }
aux late head 5 weight=0.5
output boxes { conv 1x1 4 }
output raw
conv 3x3 6; relu
gap; fc 5
"""


def agree(net: archdsl.Network, path: Path) -> None:
    model = net.to_torch(seed=1)
    net.to_onnx(path, model)
    assert compare(Subject(path, net.graph, model)).relative < 1e-5


def test_shared_weights_are_one_tensor_everywhere(tmp_path: Path) -> None:
    net = archdsl.parse(SIAMESE)
    model = net.to_torch()
    keys = [k for k in model.state_dict() if k.startswith("tower")]
    assert keys == [k for k in net.graph.state() if k.startswith("tower")]
    assert len(keys) == 7  # a convolution's two and a batch normalisation's five, once
    assert net.summary().params == sum(p.numel() for p in model.parameters()) == 40 + 8 + 9
    assert net.summary().macs == 2 * (4 * 9 * 144) + 8, "the tower is computed twice"
    agree(net, tmp_path / "s.onnx")
    names = [i.name for i in onnx.load(tmp_path / "s.onnx").graph.initializer]
    assert names.count("tower.0.weight") == 1 and not any(n.startswith("r.") for n in names)


def test_a_shared_tower_is_the_same_function_of_either_input() -> None:
    model = archdsl.parse(SIAMESE.replace("concat { @l | @r }; fc 1; sigmoid", "add { @l | @r }"))
    module = model.to_torch().eval()
    a, b = torch.randn(2, 1, 12, 12), torch.randn(2, 1, 12, 12)
    torch.testing.assert_close(module(a, b), module(b, a))


def test_the_source_calls_the_module_twice() -> None:
    text = archdsl.parse(SIAMESE).torch_source()
    assert text.count("self.tower(") == 2
    assert text.count("self.tower = ") == 1


def test_auxiliary_outputs_exist_in_training_alone(tmp_path: Path) -> None:
    net = archdsl.parse(HEADS)
    model = net.to_torch()
    x = torch.randn(2, 3, 12, 12)
    trained = {k: tuple(v.shape[1:]) for k, v in model.train()(x).items()}
    assert trained == {
        "out": (5,),
        "early": (5,),
        "late": (5,),
        "boxes": (4, 12, 12),
        "raw": (8, 12, 12),
    }
    assert list(model.eval()(x)) == ["out", "boxes", "raw"]
    agree(net, tmp_path / "h.onnx")
    assert [o.name for o in onnx.load(tmp_path / "h.onnx").graph.output] == ["out", "boxes", "raw"]
    assert {o.name: (o.kind, o.weight) for o in net.graph.outputs} == {
        "out": ("main", 1.0),
        "early": ("auxiliary", 0.3),
        "late": ("auxiliary", 0.5),
        "boxes": ("extra", 1.0),
        "raw": ("extra", 1.0),
    }


def test_auxiliary_heads_have_parameters_but_no_macs_at_inference() -> None:
    net = archdsl.parse(HEADS)
    bare = archdsl.parse(
        "\n".join(line for line in HEADS.splitlines() if not line.startswith("aux"))
    )
    assert net.summary().macs == bare.summary().macs
    assert net.summary().params == bare.summary().params + 2 * (8 * 5 + 5)


def test_without_an_output_in_force_a_tensor_comes_back() -> None:
    model = archdsl.parse("input 3x8x8; aux a { gap; fc 2 }; gap; fc 2").to_torch()
    x = torch.randn(2, 3, 8, 8)
    assert set(model.train()(x)) == {"out", "a"}
    assert model.eval()(x).shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: conv 3x3 8; reuse a", "A208"),
        ("reuse nothing", "A305"),
        ("reuse", "A402"),
        ("a: residual { conv 3x3 }; reuse a", "A601"),
        ("output out { gap }", "A304"),
        ("output a { gap }; output a { gap }", "A304"),
        ("output { gap }", "A402"),
        ("l: output a { gap }", "A601"),
        ("f: { output a { gap } }", "A601"),
        ("aux a", "A407"),
        ("aux a weight=0 { gap }", "A403"),
        ("aux a weight=0.3 relu fc", "A404"),
        ("output a { gap | relu }", "A407"),
    ],
)
def test_errors(text: str, code: str) -> None:
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.parse(f"input 3x8x8\n{text}\nfc 2")
    assert [d.code for d in error.value.diagnostics] == [code]


def test_a_block_has_no_outputs_of_its_own() -> None:
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.parse("block b { output a { gap } }\ninput 3x8x8; b")
    assert error.value.diagnostics[0].code == "A601"
