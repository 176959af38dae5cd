"""What several tests use."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archdsl.ir import Graph, Input, Node, Op, Origin, Output, Place, Scope
from archdsl.ir.shapes import Shape

if TYPE_CHECKING:
    import onnxruntime
    import torch

Array = np.ndarray[Any, np.dtype[np.float32]]
Weights = dict[str, np.ndarray[Any, np.dtype[Any]]]

# Graphs made by hand

PLACE = Place(file="test.arch", line=1, column=1, end_line=1, end_column=2)
ORIGIN = Origin(file="test.arch", sha256="0" * 64, archdsl="0")
ROOT = Scope(path="", kind="network", definition="test", parent=None, place=PLACE)


def chain(*ops: Op, shapes: tuple[Shape, ...]) -> Graph:
    """The graph of layers one after another; the first may take several inputs, `x0`, `x1`, …

    Layers are called by their word and their place: `conv1`, `relu2`.
    """
    inputs = tuple(Input(name=f"x{i}", shape=s, place=PLACE) for i, s in enumerate(shapes))
    sources, given = tuple(i.name for i in inputs), shapes
    nodes: list[Node] = []
    for number, op in enumerate(ops, 1):
        op = op.resolve(given)
        nodes.append(
            Node(
                path=f"{op.name}{number}",
                op=op,
                inputs=sources,
                input_shapes=given,
                shape=op.shape(given),
                scope="",
                place=PLACE,
            )
        )
        sources, given = (nodes[-1].path,), (nodes[-1].shape,)
    return Graph(
        name="test",
        origin=ORIGIN,
        inputs=inputs,
        nodes=tuple(nodes),
        scopes=(ROOT,),
        outputs=(Output(name="out", node=nodes[-1].path, shape=nodes[-1].shape),),
    )


def alone(node: Node) -> Graph:
    """The graph of one layer of another graph; its inputs are `x0`, `x1`, …"""
    names = tuple(f"x{i}" for i in range(len(node.inputs)))
    kept = {"path": node.name, "inputs": names, "scope": "", "repetitions": ()}
    return Graph(
        name="test",
        origin=ORIGIN,
        inputs=tuple(
            Input(name=n, shape=s, place=PLACE)
            for n, s in zip(names, node.input_shapes, strict=True)
        ),
        nodes=(node.model_copy(update=kept),),
        scopes=(ROOT,),
        outputs=(Output(name="out", node=node.name, shape=node.shape),),
    )


SMALL_NETWORK = """
    input 3x8x8
    conv 3x3 4 bias=false; bn; relu
    body: sequence { conv 3x3 8; relu; dropout }
    residual { conv 3x3 }
    ln
    fc 5
    """


# Numbers


def random_arrays(shapes: tuple[Shape, ...], batch: int, seed: int = 0) -> list[Array]:
    """Examples for inputs of these shapes."""
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((batch, *s), dtype=np.float32) for s in shapes]


def random_weights(graph: Graph, seed: int = 0) -> Weights:
    """Weights that hide nothing: no zero biases, no unit gains, no neutral running statistics."""
    generator = np.random.default_rng(seed)
    found: Weights = {}
    for key, weight in graph.state().items():
        if weight.dtype == "int64":
            found[key] = np.full(weight.shape, 7, np.int64)
        elif key.endswith("running_var"):
            found[key] = generator.uniform(0.5, 2, weight.shape).astype(np.float32)
        else:
            fan = max(1, int(np.prod(weight.shape[1:])))
            found[key] = generator.normal(0, fan**-0.5, weight.shape).astype(np.float32)
    return found


def assert_close(actual: Array, expected: Array) -> None:
    """Equal within 1e-4 relative; what cancels to nearly zero is held to the largest value."""
    assert actual.shape == expected.shape
    scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5 * scale)


def load_weights(module: torch.nn.Module, weights: Weights) -> torch.nn.Module:
    """The module with these weights, for inference."""
    import torch

    module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()}, strict=True)
    return module.eval()


# onnxruntime


def session(path: Path) -> onnxruntime.InferenceSession:
    """A session on the CPU; naming it keeps onnxruntime-gpu from looking for CUDA, with noise."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.intra_op_num_threads = 1  # the files are small, and the tests run side by side
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_onnx(path: Path, arrays: list[Array]) -> list[Array]:
    """What a file gives for these inputs."""
    runtime = session(path)
    names = [i.name for i in runtime.get_inputs()]
    return list(runtime.run(None, dict(zip(names, arrays, strict=True))))


def check_onnx(path: Path) -> None:
    """The checker and strict shape inference pass and agree with the file; names are unique."""
    import onnx

    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names), names
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    found = {v.name: v.type for v in inferred.graph.value_info}
    for value in model.graph.value_info:
        stated, known = value.type.tensor_type, found[value.name].tensor_type
        assert known.elem_type == stated.elem_type, value.name
        for ours, theirs in zip(stated.shape.dim, known.shape.dim, strict=True):
            lost = theirs.dim_param.startswith("unk__")  # the batch, behind a Resize
            assert lost or ours == theirs, value.name
    onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


def stored_weights(path: Path) -> Weights:
    """The weights and constants of a file, by their names."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    tensors = model.graph.initializer
    return {t.name: onnx.numpy_helper.to_array(t, str(path.parent)) for t in tensors}


def file_names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(p.name for p in folder.iterdir())


def data_name(folder: Path) -> str:
    """The one file of weights of a.onnx, whose name says what it holds."""
    (path,) = folder.glob("a.onnx.*.data")
    assert path.name == f"a.onnx.{sha256(path.read_bytes()).hexdigest()[:16]}.data"
    return path.name


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond this: what a full disk is like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
