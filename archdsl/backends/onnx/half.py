"""A model in 16 bits: its weights and its sums; what loses too much by that stays in 32.

Which operators those are the layers say (`OnnxNode.wide`): statistics of many values, exponentials
and their sums. Values are cast where the two kinds meet, once for all that read them. The inputs
and the outputs stay in 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from archdsl.errors import BuildError, Diagnostic
from archdsl.ir.records import Weight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, TensorProto

KINDS: Mapping[str, str] = {"float16": "FLOAT16", "bfloat16": "BFLOAT16"}


def dtype(name: str) -> np.dtype[np.generic]:
    """Numpy's type of 16 bits, by the name that PyTorch and we have for it."""
    import numpy as np

    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes  # comes with onnx

    return np.dtype(ml_dtypes.bfloat16)


def narrowed(array: NDArray[np.generic], key: str, name: str) -> NDArray[np.generic]:
    """A weight in 16 bits, rounded to the nearest.

    Raises:
        BuildError: a value is too large.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        found = array.astype(dtype(name))
    if np.isfinite(array).all() and not np.isfinite(found.astype(np.float32)).all():
        label = f"`{key}` has values that {name} does not hold, up to {np.abs(array).max():.3g}"
        raise BuildError(Diagnostic("A708", None, label, help="export it in 32 bits"))
    return found


def narrow(
    model: ModelProto,
    wide: frozenset[str],
    exact: frozenset[str],
    weights: Mapping[str, Weight],
    name: str,
) -> set[str]:
    """Bring a model to 16 bits, in place.

    Args:
        model: without its weights.
        wide: the names of the operators that stay in 32 bits.
        exact: the names of the constants that do.
        weights: the weights that it wants, by their names.
        name: `float16` or `bfloat16`.

    Returns:
        The weights that are stored in 16 bits.
    """
    narrowing = _Narrowing(model, wide, exact, weights, name)
    narrowing.run()
    return {key for key in weights if narrowing.native.get(key) == narrowing.half}


class _Narrowing:
    """Which type each value is made in, and which casts of it there are."""

    def __init__(
        self,
        model: ModelProto,
        wide: frozenset[str],
        exact: frozenset[str],
        weights: Mapping[str, Weight],
        name: str,
    ) -> None:
        from onnx import TensorProto

        self.model = model
        self.wide = wide
        self.words = {TensorProto.FLOAT: "float32", TensorProto.DataType.Value(KINDS[name]): name}
        self.half = TensorProto.DataType.Value(KINDS[name])
        self.full = TensorProto.FLOAT
        self.floats = _floats(model, weights) - exact
        self.native: dict[str, int] = {i.name: self.full for i in model.graph.input}
        self.casts: dict[tuple[str, int], str] = {}
        self.nodes: list[NodeProto] = []
        self._store(weights)

    def _store(self, weights: Iterable[str]) -> None:
        """Let weights and constants be of 16 bits, unless operators of 32 alone read them."""
        readers: dict[str, set[int]] = {}
        for node in self.model.graph.node:
            for value in node.input:
                readers.setdefault(value, set()).add(self._kind(node))
        constants = self.model.graph.initializer
        for value in (*weights, *(c.name for c in constants)):
            if value in self.floats:
                some = self.half in readers.get(value, ())
                self.native[value] = self.half if some else self.full
        for constant in constants:
            if self.native.get(constant.name) == self.half:
                constant.CopyFrom(_cast(constant, self.words[self.half]))

    def _kind(self, node: NodeProto) -> int:
        return self.full if node.name in self.wide else self.half

    def run(self) -> None:
        """Write every operator anew, and the casts between them."""
        given = {o.name for o in self.model.graph.output}
        for node in self.model.graph.node:
            kind = self._kind(node)
            inputs = [self._as(value, kind) for value in node.input]
            node.input[:] = inputs
            late = [o for o in node.output if o in given and o in self.floats]
            for value in node.output:
                if value in self.floats:
                    self.native[value] = kind
            self.nodes.append(node)
            for value in late if kind == self.half else ():
                self._give(node, value)
        del self.model.graph.node[:]
        self.model.graph.node.extend(self.nodes)
        for info in self.model.graph.value_info:
            if info.name in self.native:
                info.type.tensor_type.elem_type = self.native[info.name]

    def _as(self, value: str, kind: int) -> str:
        """A value in a type; what is no number with a point, such as a size, as it is."""
        if value not in self.floats or self.native[value] == kind:
            return value
        if (value, kind) not in self.casts:
            self.casts[value, kind] = f"{value}/{self.words[kind]}"
            self._cast(value, self.casts[value, kind], kind)
        return self.casts[value, kind]

    def _give(self, node: NodeProto, value: str) -> None:
        """An output of the model is of 32 bits; what makes it in 16 gets another name."""
        inner = f"{value}/{self.words[self.half]}"
        node.output[list(node.output).index(value)] = inner
        self.casts[value, self.half] = inner
        self._cast(inner, value, self.full)
        self.native[value] = self.full

    def _cast(self, value: str, result: str, kind: int) -> None:
        from onnx import helper

        name = f"{value}/to_{self.words[kind]}"
        self.nodes.append(helper.make_node("Cast", [value], [result], name, to=kind))


def _floats(model: ModelProto, weights: Mapping[str, Weight]) -> set[str]:
    """The values of a model that are float32, as onnx works out."""
    import onnx

    found = onnx.ModelProto()
    found.CopyFrom(model)
    for name, weight in weights.items():
        kind = onnx.helper.np_dtype_to_tensor_dtype(dtype(weight.dtype))
        found.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, weight.shape))
    inferred = onnx.shape_inference.infer_shapes(found).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    floats = {v.name for v in values if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    return floats | {
        c.name for c in model.graph.initializer if c.data_type == onnx.TensorProto.FLOAT
    }


def _cast(constant: TensorProto, name: str) -> TensorProto:
    from onnx import numpy_helper

    array = narrowed(numpy_helper.to_array(constant), constant.name, name)
    return numpy_helper.from_array(array, constant.name)


def emulate(model: ModelProto) -> None:
    """Let a model in bfloat16 run where there are no kernels for it, in place.

    Each operator computes in 32 bits what it gets, and what it gives is rounded to 16: as a
    processor with bfloat16 does that adds up in 32 bits. Outputs of 16 bits, which numpy lacks, are
    given in 32 once they are rounded.
    """
    import onnx

    half, full = onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT
    kinds = {c.name: c.data_type for c in model.graph.initializer}
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    kinds |= {v.name: v.type.tensor_type.elem_type for v in values}
    nodes: list[NodeProto] = []
    widened: dict[str, str] = {}

    def cast(value: str, result: str, kind: int) -> None:
        name = f"{result}/emulated"
        nodes.append(onnx.helper.make_node("Cast", [value], [result], name, to=kind))

    given = [o for o in model.graph.output if kinds.get(o.name) == half]
    shown = {o.name for o in given}
    for output in given:
        output.type.tensor_type.elem_type = full
    for node in model.graph.node:
        if node.op_type == "Cast" and not shown.intersection(node.output):
            nodes.append(node)
            continue
        for i, value in enumerate(node.input):
            if kinds.get(value) == half:
                if value not in widened:
                    widened[value] = f"{value}/wide"
                    cast(value, widened[value], full)
                node.input[i] = widened[value]
        nodes.append(node)
        for i, value in enumerate(node.output):
            if kinds.get(value) == half:
                node.output[i] = f"{value}/sum"
                rounded = f"{value}/rounded" if value in shown else value
                cast(f"{value}/sum", rounded, half)
                if value in shown:
                    cast(rounded, value, full)
                    kinds[value] = full
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
