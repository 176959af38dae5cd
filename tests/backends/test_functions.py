"""Blocks as ONNX functions: written out again they are the inlined file, and they give its numbers.

What onnxruntime makes of the calls is compared bit by bit with what it makes of the inlined file.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from support import (
    assert_close,
    check_onnx,
    load_weights,
    random_arrays,
    random_weights,
    run_onnx,
)

import archdsl
from archdsl.backends.onnx import ExportOptions, write
from archdsl.backends.onnx.functions import inlined
from archdsl.backends.onnx.translate import translate

torch.set_num_threads(1)

NESTED = """
    block unit w { residual { gn 2; conv 3x3 w; gelu; mul { | gap; fc w; sigmoid } }; lrn }
    block pair w { unit w; tail: { unit w; relu } }
    input 4x8x8
    pair 4; pair 4; unit 4; dropout
    tokens; attention heads=2; gap; fc 3
    """
KINDS: list[dict[str, Any]] = [
    {},
    {"fold": True},
    {"opset": 17},
    {"precision": "float16", "fold": True},
    {"precision": "bfloat16"},
    {"batch": 2},
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def called(net: archdsl.Network, **options: Any) -> onnx.ModelProto:
    return translate(net.graph, ExportOptions(functions=True, **options)).model


def flat(model: onnx.ModelProto) -> tuple[list[str], dict[str, bytes]]:
    """What a model computes: its operators, and its constants in any order."""
    constants = {c.name: c.SerializeToString() for c in model.graph.initializer}
    return [str(node) for node in model.graph.node], constants


def test_residual_networks_read_like_their_spec() -> None:
    """152 layers: a stem of three, a call for each of the 50 blocks, and what is at the end."""
    model = called(archdsl.zoo("resnet152"))
    top = [n.op_type for n in model.graph.node]
    assert top[:4] == ["Conv", "BatchNormalization", "Relu", "MaxPool"]
    assert sum(name.startswith("bottleneck") for name in top) == 3 + 8 + 36 + 3
    assert top[-3:] == ["GlobalAveragePool", "Flatten", "Gemm"] and len(top) == 57
    assert [f.name for f in model.functions] == [
        *("bottleneck_downsample", "bottleneck", "bottleneck_downsample_2"),
    ]
    inlined_nodes = len(translate(archdsl.zoo("resnet152").graph, ExportOptions()).model.graph.node)
    assert inlined_nodes > 500


@each_kind
def test_calls_written_out_are_the_inlined_file(kind: dict[str, Any]) -> None:
    for net in (archdsl.zoo("vit_tiny_patch16_224"), archdsl.zoo("unet"), archdsl.parse(NESTED)):
        plain = translate(net.graph, ExportOptions(**kind)).model
        again = called(net, **kind)
        assert again.functions and len(again.graph.node) < len(plain.graph.node)
        names = [node.name for f in again.functions for node in f.node]
        assert all(names)
        found = inlined(again)
        assert not found.functions and len(found.opset_import) == 1
        if "precision" not in kind:  # a cast has another name in a block
            assert flat(found) == flat(plain)
        assert [n.op_type for n in found.graph.node] == [n.op_type for n in plain.graph.node]


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("name", ["resnet50", "googlenet", "vit_tiny_patch16_224", "unet"])
def test_the_numbers_are_those_of_the_inlined_file(name: str, fold: bool, tmp_path: Path) -> None:
    net = archdsl.zoo("unet", width=8) if name == "unet" else archdsl.zoo(name)
    weights = random_weights(net.graph)
    arrays = random_arrays(tuple(i.shape for i in net.graph.inputs), 1)
    found: list[np.ndarray[Any, Any]] = []
    for functions in (False, True):
        path = tmp_path / f"{functions}.onnx"
        write(net.graph, path, weights, ExportOptions(functions=functions, fold=fold))
        found += run_onnx(path, arrays)
    check_onnx(path)
    np.testing.assert_array_equal(found[0], found[1])


@each_kind
def test_blocks_in_blocks(kind: dict[str, Any], tmp_path: Path) -> None:
    net = archdsl.parse(NESTED)
    weights = random_weights(net.graph)
    options = ExportOptions(functions=True, verify=True, bisect=True, **kind)
    module = load_weights(net.to_torch(), weights)
    exported = write(net.graph, tmp_path / "a.onnx", weights, options, module)
    model = onnx.load(tmp_path / "a.onnx")
    assert {"unit", "pair"} <= {f.name for f in model.functions}
    assert [n.op_type for n in model.graph.node[:1]] in (["pair"], ["Cast"])
    found = [d.path for d in exported.differences]
    assert {"pair1.unit1.conv1", "pair2.tail.0.fc1", "unit1.gelu1", "fc1"} <= set(found)


def test_what_a_call_looks_like(tmp_path: Path) -> None:
    net = archdsl.parse(
        "block unit w k=3 { conv k w; r: relu }\nblock outer w { u: unit w; unit w }\n"
        "input 3x8x8\na: outer 4; b: outer 6; unit 2 k=1; gap; fc 3"
    )
    net.to_onnx(tmp_path / "a.onnx", options=ExportOptions(functions=True))
    model = onnx.load(tmp_path / "a.onnx")
    assert [(f.domain, f.name) for f in model.functions] == [
        *(("archdsl", "unit"), ("archdsl", "outer"), ("archdsl", "unit_2")),
    ], "widths are no settings of an operator, sides of a kernel are"
    unit, outer, _ = model.functions
    assert (list(unit.input), list(unit.output)) == (["x", "conv1.weight", "conv1.bias"], ["r"])
    assert [(n.name, n.op_type) for n in unit.node] == [("conv1", "Conv"), ("r", "Relu")]
    assert [(n.name, n.op_type) for n in outer.node] == [("u", "unit"), ("unit2", "unit")]
    first, second, third = model.graph.node[:3]
    assert (first.name, second.name, third.name) == ("a", "b", "unit1")
    assert list(second.input)[:3] == ["a.unit2.r", "b.u.conv1.weight", "b.u.conv1.bias"]
    assert list(first.output) == ["a.unit2.r"]
    assert sorted(t.name for t in model.graph.initializer) == sorted(net.graph.state())


@pytest.mark.parametrize(
    ("body", "count", "functions"),
    [
        # The weights of one call twice, of a layer in it twice, of a layer outside:
        ("a: unit 3; reuse a; relu", 2, ["unit"]),
        ("block twice { c: conv 3x3 3; reuse c }\nA: twice; B: twice", 2, ["twice"]),
        ("block t2 { pos_embed; relu }\ntokens; a: t2; reuse a", 2, ["t2"]),
        # A block that does nothing, a head:
        ("block no { dropout; identity }\nno; relu; no", 0, []),
        ("output early { unit 3; gap; fc 2 }\nunit 3; unit 3", 3, ["unit", "early"]),
        ("aux early weight=0.3 { unit 3; gap; fc 2 }\nunit 3; unit 3", 2, ["unit"]),
        # names that a function has for something else:
        ("block x { x: relu; y: conv 1x1 3; add { | @x } }\nx; x", 2, ["x"]),
        ("block Conv { conv 3x3 3 }\nConv; Conv", 2, ["Conv"]),
        ("block g k { conv k 3 }\nblock g_2 { relu; conv 1x1 3 }\ng 1; g 3; g_2", 3,
         ["g", "g_2", "g_2_2"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_odd_blocks(
    body: str, count: int, functions: list[str], precision: Any, tmp_path: Path
) -> None:
    lines = body.split("\n")
    blocks = "\n".join(line for line in lines if line.startswith("block"))
    flow = "\n".join(line for line in lines if not line.startswith("block"))
    text = f"block unit w {{ conv 3x3 w; bn; relu }}\n{blocks}\ninput 3x6x6\n{flow}"
    net = archdsl.parse(text)
    weights = random_weights(net.graph)
    options = ExportOptions(functions=True, verify=True, precision=precision, bisect=True)
    write(net.graph, tmp_path / "a.onnx", weights, options, load_weights(net.to_torch(), weights))
    model = onnx.load(tmp_path / "a.onnx")
    if precision == "float32":
        assert sum(n.domain == "archdsl" for n in model.graph.node) == count
        assert [f.name for f in model.functions] == functions


def test_onnx_itself_runs_and_inlines_it(tmp_path: Path) -> None:
    import onnx.inliner

    net = archdsl.parse(NESTED)
    weights = random_weights(net.graph)
    path = tmp_path / "a.onnx"
    # Its evaluator does not expand operators in functions that are functions themselves.
    write(net.graph, path, weights, ExportOptions(functions=True, opset=17))
    arrays = random_arrays(((4, 8, 8),), 2)
    (expected,) = run_onnx(path, arrays)
    found: Any = ReferenceEvaluator(str(path)).run(None, {"input": arrays[0]})
    assert_close(found[0], expected)
    plain = onnx.inliner.inline_local_functions(onnx.load(path))
    runtime = onnxruntime.InferenceSession(plain.SerializeToString())
    found = runtime.run(None, {"input": arrays[0]})
    assert_close(found[0], expected)


def test_the_same_bytes_and_without_blocks_the_same_file(tmp_path: Path) -> None:
    for i, text in enumerate((NESTED, "input 3x8x8\nconv 3x3 4; relu")):
        net = archdsl.parse(text)
        files: list[bytes] = []
        for turn, functions in enumerate((True, True, False)):
            path = tmp_path / f"{i}{turn}.onnx"
            net.to_onnx(path, options=ExportOptions(functions=functions))
            files.append(path.read_bytes())
        assert files[0] == files[1]
        assert (files[1] == files[2]) == (i == 1)


def test_with_what_comes_before_and_after(tmp_path: Path) -> None:
    text = "block unit w { conv 3x3 w; bn; relu }\ninput 3x16x16\nunit 4; unit 8; gap; fc 5"
    net = archdsl.parse(text)
    how = {"functions": True, "fold": True, "verify": True}
    serving = ExportOptions(preprocess=True, probabilities=True, top=2, **how)  # type: ignore[arg-type]
    net.to_onnx(tmp_path / "a.onnx", options=serving)
    names = [n.op_type for n in onnx.load(tmp_path / "a.onnx").graph.node]
    assert names.count("unit") == 2 and "TopK" in names and "Conv" not in names
    net.to_onnx(tmp_path / "b.onnx", options=ExportOptions(dynamic_size=True, **how))  # type: ignore[arg-type]
    arrays = random_arrays(((3, 23, 18),), 3)
    assert run_onnx(tmp_path / "b.onnx", arrays)[0].shape == (3, 5)


@pytest.mark.parametrize("block", ["ten", "all"])
def test_ten_thousand_layers(block: str) -> None:
    """In many blocks and in one, in time that grows with the layers, not with their square."""
    blocks = "block unit { conv 1x1 2; relu }\nblock ten { unit x10 }\n"

    def seconds(count: int) -> float:
        whole = f"block all {{ {{ conv 1x1 2; relu }} x{count // 2} }}\n"
        flow = "all" if block == "all" else f"ten x{count // 20}"
        net = archdsl.parse(f"{blocks}{whole}input 2x4x4\n{flow}")
        start = time.perf_counter()
        model = called(net)
        assert {n.op_type for n in model.graph.node} == {block}
        return time.perf_counter() - start

    few, many = (min(seconds(count) for _ in range(2)) for count in (1_000, 10_000))
    assert many < 30 * max(few, 0.02)
