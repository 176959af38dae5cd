"""From the IR to the operators of an ONNX model; weights are named here and stored elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archdsl.backends.onnx.options import ExportOptions
from archdsl.backends.onnx.sizes import Dims, Sizes
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph, Node, OpError
from archdsl.ir.records import OnnxConstant, OnnxLowering

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

IR_VERSION = 10  # of the file format: no operator here needs more, and older readers take it
BATCH = "batch"  # the name of the first axis of every input and output, where it is any size
BARE = "weight"  # what a lowering calls the tensor of a layer that is one bare tensor


def translate(
    graph: Graph, options: ExportOptions, sizes: Sizes | None = None
) -> tuple[ModelProto, list[str]]:
    """A model without its weights, and the keys of the weights that it wants.

    Args:
        graph: the network.
        options: how it is written.
        sizes: the sides of its tensors, where maps of any size come in.

    Raises:
        BuildError: ONNX cannot say a layer, or an input and an output have one name.
    """
    from onnx import helper

    names = _Names(graph)
    sides = _Sides(graph, options, sizes)
    nodes: list[NodeProto] = []
    values: list[ValueInfoProto] = []
    constants: list[TensorProto] = []
    used: list[str] = []
    for node in graph.at_inference:
        lowering = _lowered(node, options.opset, sizes is not None)
        value = names.give(node, lowering)
        if not lowering.nodes:
            continue
        scope = _scope(node, lowering, names)
        nodes += _operators(node, lowering, scope)
        read = {name for operator in lowering.nodes for name in operator.inputs}
        used += [node.key(key) for key in node.weights if (key or BARE) in read]
        constants += [_constant(scope[name], c) for name, c in lowering.constants.items()]
        if value not in names.outputs:
            values.append(sides.info(value, node.path))
    nodes += names.renamed()
    body = helper.make_graph(
        nodes,
        _text(graph.name),
        [sides.info(i.name, i.name) for i in graph.inputs],
        [sides.info(o.name, o.node) for o in graph.given],
        initializer=constants,
        value_info=values,
    )
    opset = helper.make_opsetid("", options.opset)
    model = helper.make_model(
        body,
        opset_imports=[opset],
        ir_version=min(IR_VERSION, helper.find_min_ir_version_for([opset])),
        producer_name="archdsl",
        producer_version=graph.origin.archdsl,
        doc_string=_text(f"{graph.origin.file}, sha256 {graph.origin.sha256}"),
    )
    return model, list(dict.fromkeys(used))


class _Sides:
    """The axes of the tensors as the file states them."""

    def __init__(self, graph: Graph, options: ExportOptions, sizes: Sizes | None) -> None:
        self._batch = BATCH if options.batch is None else options.batch
        self._of: Mapping[str, Dims] = graph.shapes if sizes is None else sizes.dims

    def info(self, name: str, source: str) -> ValueInfoProto:
        """What is said of a value, which is an input or what a layer gives."""
        from onnx import TensorProto, helper

        dims = [self._batch, *(side or None for side in self._of[source])]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


class _Names:
    """What the values of the network are called in the file."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs = {o.name for o in graph.given}
        self._of = {i.name: i.name for i in graph.inputs}
        self._silent: set[str] = set()
        self._taken = self.outputs | set(self._of) | set(graph.state())
        self._final: dict[str, str] = {}
        for output in graph.given:
            if output.name in self._of:
                label = f"an input and an output are both called `{output.name}`"
                raise BuildError(Diagnostic("A304", None, label, help="call the input otherwise"))
            self._final.setdefault(output.node, output.name)

    def __getitem__(self, source: str) -> str:
        """The value that a layer reads when it names this input or this layer."""
        return self._of[source]

    def give(self, node: Node, lowering: OnnxLowering) -> str:
        """Name what a layer makes: by the output that it is, else by its path.

        A layer without operators hands on the value that it is given.
        """
        if not lowering.nodes:
            self._silent.add(node.path)
            self._of[node.path] = self._of[node.inputs[0]]
        elif node.path in self._final:
            self._of[node.path] = self._final[node.path]
        else:
            self._of[node.path] = f"{node.path}/y" if node.path in self._taken else node.path
        return self._of[node.path]

    def renamed(self) -> Iterator[NodeProto]:
        """The operators that give a value a second name, where an output wants one."""
        from onnx import helper

        for output in self.graph.given:
            value = self._of[output.node]
            if value == output.name:
                continue
            first = output.node in self._silent and self._final[output.node] == output.name
            name = output.node if first else f"{output.name}/Identity"
            yield helper.make_node("Identity", [value], [output.name], name)


def _lowered(node: Node, opset: int, any_size: bool) -> OnnxLowering:
    try:
        lowering = node.onnx
    except OpError as error:
        label = f"{node.path} ({node.place}): {error.label}"
        raise BuildError(Diagnostic(error.code, None, label, help=error.help)) from None
    if any_size:
        lowering = lowering.any_size or lowering
    found = lowering.at(opset)
    if found is None:
        label = f"{node.path} ({node.place}), `{node.op.text()}`, cannot be said in opset {opset}"
        help = f"the lowest for it is --opset {lowering.lowest}"
        raise BuildError(Diagnostic("A707", None, label, help=help))
    return found


def _scope(node: Node, lowering: OnnxLowering, names: _Names) -> dict[str, str]:
    """What each name of a lowering is called in the file."""
    scope = {f"x{i}": names[source] for i, source in enumerate(node.inputs)}
    scope |= {key or BARE: node.key(key) for key in node.weights}
    scope |= {name: f"{node.path}/{name}" for name in lowering.constants}
    scope |= {operator.output: f"{node.path}/{operator.output}" for operator in lowering.nodes}
    return scope | {"": "", "y": names[node.path]}


def _operators(node: Node, lowering: OnnxLowering, scope: dict[str, str]) -> Iterator[NodeProto]:
    from onnx import helper

    every = [scope[f"x{i}"] for i in range(len(node.inputs))]
    seen: dict[str, int] = {}
    for operator in lowering.nodes:
        inputs = [v for i in operator.inputs for v in (every if i == "*" else [scope[i]])]
        name = node.path
        if operator is not lowering.nodes[-1]:
            count = seen[operator.op] = seen.get(operator.op, 0) + 1
            name += f"/{operator.op}" + (f"_{count}" if count > 1 else "")
        output = scope[operator.output]
        attributes: dict[str, Any] = dict(operator.attributes)
        yield helper.make_node(operator.op, inputs, [output], name, **attributes)


def _constant(name: str, constant: OnnxConstant) -> TensorProto:
    import numpy as np
    from onnx import numpy_helper

    array = np.array(constant.values, dtype=constant.dtype).reshape(constant.shape)
    return numpy_helper.from_array(array, name)


def _text(text: str) -> str:
    """Text that protobuf takes: a file's name may hold bytes that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
