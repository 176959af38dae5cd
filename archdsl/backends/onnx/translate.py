"""From the IR to the operators of an ONNX model; weights are named here and stored elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.backends.onnx.functions import outline
from archdsl.backends.onnx.half import narrow
from archdsl.backends.onnx.options import ExportOptions
from archdsl.backends.onnx.sizes import Dims, Sizes
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph, Node, OpError
from archdsl.ir.preprocess import Preprocess
from archdsl.ir.records import OnnxConstant, OnnxLowering, Weight
from archdsl.ir.stages import largest, prepare, probabilities

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

IR_VERSION = 10  # of the file format: no operator here needs more, and older readers take it
BATCH = "batch"  # the name of the first axis of every input and output, where it is any size
BARE = "weight"  # what a lowering calls the tensor of a layer that is one bare tensor

# Stages before and after the network; no layer is called so, as no path begins with a slash.
PREPARED, SHARES, TOP = "/preprocess", "/probabilities", "/top"
PROBABILITIES, TOP_VALUES, TOP_INDICES = "probabilities", "top_values", "top_indices"

Scope = dict[str, str]
"""What the names of a lowering are called in the file."""


def translate(
    graph: Graph,
    options: ExportOptions,
    sizes: Sizes | None = None,
    how: Preprocess | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Translation:
    """A model without its weights, and the weights that it wants.

    Args:
        graph: the network.
        options: how it is written.
        sizes: the sides of its tensors, where maps of any size come in.
        how: how it prepares pictures, where it does.
        metadata: what the file says of itself, by key.

    Raises:
        BuildError: ONNX cannot say a layer, or an input and an output have one name.
    """
    from onnx import helper

    writer = _Writer(graph, options, sizes)
    writer.take_in(how)
    for node in graph.at_inference:
        writer.layer(node)
    writer.give_out()
    body = helper.make_graph(
        writer.nodes,
        _text(graph.name),
        writer.inputs,
        writer.outputs,
        initializer=writer.constants,
        value_info=writer.values,
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
    helper.set_model_props(model, {k: _text(v) for k, v in (metadata or {}).items()})
    state = graph.state()
    wanted = {key: state[key] for key in dict.fromkeys(writer.used)}
    half: set[str] = set()
    if options.precision != "float32":
        kept = frozenset(writer.wide), frozenset(writer.exact)
        half = narrow(model, *kept, wanted, options.precision)
    if options.functions:
        outline(model, graph, writer.scopes, wanted)
    return Translation(model, wanted, frozenset(half))


@dataclass(frozen=True, slots=True)
class Translation:
    """A model without its weights."""

    model: ModelProto
    wanted: dict[str, Weight]
    """The weights that it wants, by their keys, in order."""
    half: frozenset[str]
    """Those that are stored in 16 bits."""


class _Writer:
    """The parts of a model, as they come about."""

    def __init__(self, graph: Graph, options: ExportOptions, sizes: Sizes | None) -> None:
        self.graph = graph
        self.options = options
        self.any_size = sizes is not None
        self.names = _Names(graph, _extra(options))
        self.sides = _Sides(graph, options, sizes)
        self.inputs: list[ValueInfoProto] = []
        self.outputs: list[ValueInfoProto] = []
        self.nodes: list[NodeProto] = []
        self.values: list[ValueInfoProto] = []
        self.constants: list[TensorProto] = []
        self.used: list[str] = []
        self.wide: list[str] = []
        self.exact: list[str] = []
        self.scopes: dict[str, str] = {}

    def take_in(self, how: Preprocess | None) -> None:
        """The inputs, and what prepares them."""
        if how is None:
            self.inputs = [self.sides.info(i.name, i.name) for i in self.graph.inputs]
            return
        (given,) = self.graph.inputs
        picture = self.sides.value(given.name, "rows", "columns", len(how.channels), kind="UINT8")
        self.inputs = [picture]
        self._add(PREPARED, self._at(PREPARED, prepare(how)), [given.name], {}, PREPARED)
        self.values.append(self.sides.info(PREPARED, given.name))
        self.names.replace(given.name, PREPARED)

    def layer(self, node: Node) -> None:
        """One layer."""
        lowering = self._lowered(node)
        value = self.names.give(node, lowering)
        if not lowering.nodes:
            return
        weights = {key or BARE: node.key(key) for key in node.weights}
        sources = [self.names[source] for source in node.inputs]
        self._add(node.path, lowering, sources, weights, value)
        read = {name for operator in lowering.nodes for name in operator.inputs}
        self.used += [key for name, key in weights.items() if name in read]
        if value not in self.names.outputs:
            self.values.append(self.sides.info(value, node.path))

    def give_out(self) -> None:
        """The outputs: the network's, and what is made of the main one."""
        again = list(self.names.renamed())
        self.nodes += again
        self.scopes |= dict.fromkeys((node.name for node in again), "")
        self.outputs = [self.sides.info(o.name, o.node) for o in self.graph.given]
        scores, width = self.graph.main.name, self.graph.main.shape[-1]
        if self.options.probabilities:
            self._add(SHARES, probabilities(), [scores], {}, PROBABILITIES)
            self.outputs.append(self.sides.value(PROBABILITIES, width))
            scores = PROBABILITIES
        if count := self.options.top:
            self._add(TOP, largest(count), [scores], {"indices": TOP_INDICES}, TOP_VALUES)
            self.outputs.append(self.sides.value(TOP_VALUES, count))
            self.outputs.append(self.sides.value(TOP_INDICES, count, kind="INT64"))

    def _add(
        self, path: str, lowering: OnnxLowering, sources: list[str], known: Scope, result: str
    ) -> None:
        """The operators and the constants of one lowering."""
        scope = {f"x{i}": source for i, source in enumerate(sources)}
        scope |= {name: f"{path}/{name}" for name in lowering.constants}
        for node in lowering.nodes:
            scope |= {name: f"{path}/{name}" for name in (node.output, *node.also)}
        scope |= known | {"": "", "y": result}
        made = list(_operators(path, lowering, sources, scope))
        self.nodes += made
        owner = self.graph.by_path.get(path)
        self.scopes |= dict.fromkeys((m.name for m in made), owner.scope if owner else "")
        self.wide += [m.name for m, n in zip(made, lowering.nodes, strict=True) if n.wide]
        self.constants += [_constant(scope[n], c) for n, c in lowering.constants.items()]
        self.exact += [scope[n] for n, c in lowering.constants.items() if c.exact]

    def _lowered(self, node: Node) -> OnnxLowering:
        try:
            lowering = node.onnx
        except OpError as error:
            label = f"{node.path} ({node.place}): {error.label}"
            raise BuildError(Diagnostic(error.code, None, label, help=error.help)) from None
        if self.any_size:
            lowering = lowering.any_size or lowering
        return self._at(f"{node.path} ({node.place}), `{node.op.text()}`,", lowering)

    def _at(self, what: str, lowering: OnnxLowering) -> OnnxLowering:
        """The form of a lowering for the opset.

        Raises:
            BuildError: there is none.
        """
        found = lowering.at(self.options.opset)
        if found is None:
            label = f"{what} cannot be said in opset {self.options.opset}"
            help = f"the lowest for it is --opset {lowering.lowest}"
            raise BuildError(Diagnostic("A707", None, label, help=help))
        return found


def _extra(options: ExportOptions) -> tuple[str, ...]:
    """The names of the outputs that are no outputs of the network."""
    shares = (PROBABILITIES,) if options.probabilities else ()
    return (*shares, TOP_VALUES, TOP_INDICES) if options.top else shares


class _Sides:
    """The axes of the tensors as the file states them."""

    def __init__(self, graph: Graph, options: ExportOptions, sizes: Sizes | None) -> None:
        self._batch = BATCH if options.batch is None else options.batch
        self._of: Mapping[str, Dims] = graph.shapes if sizes is None else sizes.dims

    def info(self, name: str, source: str) -> ValueInfoProto:
        """What is said of a value, which is an input or what a layer gives."""
        return self.value(name, *self._of[source])

    def value(self, name: str, *sides: int | str, kind: str = "FLOAT") -> ValueInfoProto:
        """What is said of a value with these sides, after the batch."""
        from onnx import TensorProto, helper

        dims = [self._batch, *(side or None for side in sides)]
        return helper.make_tensor_value_info(name, TensorProto.DataType.Value(kind), dims)


class _Names:
    """What the values of the network are called in the file."""

    def __init__(self, graph: Graph, extra: tuple[str, ...] = ()) -> None:
        self.graph = graph
        self.outputs = {o.name for o in graph.given}
        self._of = {i.name: i.name for i in graph.inputs}
        self._silent: set[str] = set()
        self._final: dict[str, str] = {}
        for output in graph.given:
            if output.name in self._of:
                label = f"an input and an output are both called `{output.name}`"
                raise BuildError(Diagnostic("A304", None, label, help="call the input otherwise"))
            self._final.setdefault(output.node, output.name)
        if twice := (self.outputs | set(self._of)) & set(extra):
            label = f"the network has an input or an output of its own called `{min(twice)}`"
            raise BuildError(Diagnostic("A708", None, label, help="call it otherwise"))
        self._taken = self.outputs | set(self._of) | set(graph.state()) | set(extra)

    def __getitem__(self, source: str) -> str:
        """The value that a layer reads when it names this input or this layer."""
        return self._of[source]

    def replace(self, source: str, value: str) -> None:
        """Let whatever reads an input read another value."""
        self._of[source] = value

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


def _operators(
    path: str, lowering: OnnxLowering, sources: list[str], scope: Scope
) -> Iterator[NodeProto]:
    from onnx import helper

    seen: dict[str, int] = {}
    for operator in lowering.nodes:
        inputs = [v for i in operator.inputs for v in (sources if i == "*" else [scope[i]])]
        name = path
        if operator is not lowering.nodes[-1]:
            count = seen[operator.op] = seen.get(operator.op, 0) + 1
            name += f"/{operator.op}" + (f"_{count}" if count > 1 else "")
        outputs = [scope[o] for o in (operator.output, *operator.also)]
        attributes: dict[str, Any] = dict(operator.attributes)
        yield helper.make_node(operator.op, inputs, outputs, name, **attributes)


def _constant(name: str, constant: OnnxConstant) -> TensorProto:
    import numpy as np
    from onnx import numpy_helper

    array = np.array(constant.values, dtype=constant.dtype).reshape(constant.shape)
    return numpy_helper.from_array(array, name)


def _text(text: str) -> str:
    """Text that protobuf takes: a file's name may hold bytes that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
