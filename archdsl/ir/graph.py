"""The intermediate representation: one network, written out, as plain immutable data.

Everything downstream reads this and nothing else. It is the same, byte for byte, for the same text.
"""

from __future__ import annotations

from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from archdsl.ir.frozen import Frozen
from archdsl.ir.initializers import AnyInitializer
from archdsl.ir.op import Op, registry
from archdsl.ir.place import Place as Place
from archdsl.ir.records import Cost, FieldRule, Footprint, OnnxLowering, TorchLowering, Weight
from archdsl.ir.shapes import Shape, Shapes
from archdsl.ir.signal import Signal
from archdsl.ir.word import Word

IR_VERSION = 1


# Generated files hold these as they are, so a graph from a stranger's JSON has nothing else there.
_WORD = "[A-Za-z_][A-Za-z0-9_]*"
PATH = rf"{_WORD}(\.[A-Za-z0-9_]+)*"
Name = Annotated[str, Field(pattern=f"^{_WORD}$")]
"""An identifier."""
ModulePath = Annotated[str, Field(pattern=f"^{PATH}$")]
"""Names with dots between them; inside of a sequence they may be numbers."""
PathWithin = Annotated[str, Field(pattern=f"^({PATH})?$")]
"""The path of a scope in its network, of a weight in its layer; empty for the whole itself."""


class _Record(Frozen, BaseModel):
    """Named here too, so that linters know what its classes are."""


def _load_op(value: Any) -> Any:
    """The layer that a JSON object names, checked by the layer's own class."""
    if not isinstance(value, dict):
        return value
    arguments: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
    name = arguments.pop("layer", None)
    cls = registry().get(name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(f"no layer is called {name!r}")
    return cls.model_validate(arguments)


def _dump_op(op: Op) -> dict[str, Any]:
    return {"layer": op.name, **op.model_dump(mode="json")}


AnyOp = Annotated[
    Op,
    BeforeValidator(_load_op),
    PlainSerializer(_dump_op, return_type=dict[str, Any]),
    WithJsonSchema({"x-definition": "Op"}),
]


def _load_training(value: Any) -> Any:
    """The training that a JSON object describes; most specs have none, and need no vocabulary."""
    if value is None:
        return None
    from archdsl.ir.training import Training

    return Training.model_validate(value)


def _dump_training(training: Training | None) -> dict[str, Any] | None:
    return None if training is None else training.model_dump(mode="json")


if TYPE_CHECKING:
    from archdsl.ir.training import Training

    AnyTraining = Training | None
else:
    AnyTraining = Annotated[
        Any,
        PlainValidator(_load_training),
        PlainSerializer(_dump_training),
        WithJsonSchema({"anyOf": [{"x-definition": "Training"}, {"type": "null"}]}),
    ]


class Repetition(_Record):
    """One turn of an `xN`: which repetition it is, which copy (from 0) of how many."""

    id: int
    index: int
    count: int


class Scope(_Record):
    """What the hierarchy of names consists of: a network, a block's call, a numbered sequence."""

    path: PathWithin
    kind: Literal["network", "block", "sequence"]
    definition: PathWithin
    """The block's name; the network's; empty for a sequence."""
    arguments: dict[Name, Any] = {}
    """What the block was called with, defaults included."""
    defaulted: tuple[str, ...] = ()
    """The arguments that the call left at the block's defaults."""
    shares: ModulePath | None = None
    """The scope that this one applies again, with the same weights."""
    parent: PathWithin | None
    place: Place
    repetitions: tuple[Repetition, ...] = ()


class Node(_Record):
    """One layer, or one join of several tensors, at its place in the network."""

    path: ModulePath
    """Its name from the root: the `state_dict` prefix and the ONNX node's name."""
    op: AnyOp
    inputs: tuple[ModulePath, ...]
    """Paths of the nodes, or names of the network's inputs, that it reads."""
    input_shapes: Shapes
    shape: Shape
    init: dict[PathWithin, AnyInitializer] = {}
    """Where the spec says so, how the weights start, by their names."""
    shares: ModulePath | None = None
    """The layer whose weights it uses, where it has none of its own."""
    training: bool = False
    """Whether it exists in training only: part of an auxiliary head."""
    scope: PathWithin
    """Path of the innermost scope; the network's own is empty."""
    place: Place
    repetitions: tuple[Repetition, ...] = ()
    """The repetitions that it is a copy in, outermost first."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def owner(self) -> str:
        """The path of the layer that has its weights: its own, unless it shares another's."""
        return self.shares or self.path

    def key(self, weight: str) -> str:
        """The `state_dict` key of one of its weights; a bare tensor has the path itself."""
        return f"{self.owner}.{weight}" if weight else self.owner

    @cached_property
    def weights(self) -> dict[str, Weight]:
        return self.op.weights(self.input_shapes, self.shape)

    @property
    def cost(self) -> Cost:
        return self.op.cost(self.input_shapes, self.shape)

    @cached_property
    def memory(self) -> Footprint:
        return self.op.memory(self.input_shapes, self.shape)

    @property
    def field(self) -> FieldRule:
        return self.op.field(self.input_shapes, self.shape)

    @cached_property
    def starts(self) -> dict[str, Signal]:
        """The mean and the variance of its weights at the start of training, by their names.

        A layer that uses another's weights has what it would start with itself.
        """
        found = self.op.starts(self.input_shapes, self.shape)
        return found | {k: i.signal(self.weights[k].shape) for k, i in self.init.items()}

    @property
    def torch(self) -> TorchLowering:
        return self.op.torch(self.input_shapes, self.shape)

    @property
    def onnx(self) -> OnnxLowering:
        return self.op.onnx(self.input_shapes, self.shape)


class Input(_Record):
    """A tensor that the network is given."""

    name: ModulePath
    shape: Shape
    place: Place


class Output(_Record):
    """A tensor that the network gives; an auxiliary one in training only, its loss weighted."""

    name: ModulePath
    kind: Literal["main", "extra", "auxiliary"] = "main"
    weight: float = 1.0
    node: ModulePath
    shape: Shape


class Expectation(_Record):
    """What a spec says must be so: a quantity of the network, and the value it is compared with."""

    quantity: Name
    path: PathWithin = ""
    """What it is a quantity of; empty for the whole network."""
    options: dict[Name, int | float | bool | str] = {}
    relation: Literal["==", "!=", "<=", ">=", "<", ">"]
    value: int | float | Shape
    checked: bool = True
    """Whether it holds for the parameters in force: an equality is about the spec's own."""
    place: Place


class Origin(_Record):
    """What the network was compiled from."""

    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    archdsl: Annotated[str, Field(pattern="^[A-Za-z0-9.+]+$")]
    imports: dict[str, str] = {}
    """The SHA-256 of each imported file, by name."""


class Graph(_Record):
    """One network: nodes in topological order, and the scopes that name them."""

    version: Literal[1] = IR_VERSION
    name: Name
    origin: Origin
    parameters: dict[str, Any] = {}
    """The spec's parameters, with the values in force."""
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    scopes: tuple[Scope, ...]
    """Outermost first; the first is the network itself, with an empty path."""
    outputs: tuple[Output, ...]
    expectations: tuple[Expectation, ...] = ()
    """What the spec says must be so, in its order; `archdsl.analyses.expectations` looks."""
    training: AnyTraining = None
    """How it is trained, where the spec says so."""

    @property
    def main(self) -> Output:
        """The tensor at the end of the pipeline."""
        return self.outputs[0]

    @property
    def at_inference(self) -> tuple[Node, ...]:
        """The layers of the trained network, without those of auxiliary heads."""
        return tuple(n for n in self.nodes if not n.training)

    @property
    def given(self) -> tuple[Output, ...]:
        """The outputs of the trained network, the main one first."""
        return tuple(o for o in self.outputs if o.kind != "auxiliary")

    @cached_property
    def by_path(self) -> dict[str, Node]:
        return {node.path: node for node in self.nodes}

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shape of every input and node, by its name or path."""
        given = {i.name: i.shape for i in self.inputs}
        return given | {node.path: node.shape for node in self.nodes}

    @cached_property
    def readers(self) -> dict[str, list[str]]:
        """The paths of the nodes that read each tensor; `""` stands for the network's caller."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            for source in node.inputs:
                found.setdefault(source, []).append(node.path)
        for output in self.outputs:
            found.setdefault(output.node, []).append("")
        return found

    @cached_property
    def in_place(self) -> frozenset[str]:
        """The layers that overwrite their input in PyTorch: no one else, nor a gradient, reads it.

        Layers that are one module do so together or not at all.
        """
        able = [n for n in self.nodes if getattr(n.torch, "overwrites", False)]
        refused = {n.owner for n in able if not self._may_be_overwritten(n.inputs[0])}
        return frozenset(n.path for n in able if n.owner not in refused)

    def _may_be_overwritten(self, tensor: str) -> bool:
        maker = self.by_path.get(tensor)
        return maker is not None and maker.op.overwritable and len(self.readers[tensor]) == 1

    def state(self) -> dict[str, Weight]:
        """Every tensor of the network by its `state_dict` key, in order; a shared one once."""
        own = [n for n in self.nodes if n.shares is None and n.weights]
        if any("" in n.weights for n in own):
            own = self._bare_first(own)
        return {n.key(name): w for n in own for name, w in n.weights.items()}

    def _bare_first(self, nodes: list[Node]) -> list[Node]:
        """The nodes as a `state_dict` has them: a module's own tensors before its modules'."""
        parents = {scope.path: scope.parent for scope in self.scopes}
        begins: dict[str, int] = {}
        depth = {"": 0}
        for i, node in enumerate(nodes):
            scope: str | None = node.scope
            while scope is not None and scope not in begins:
                begins[scope] = i
                scope = parents[scope]
        for path, parent in parents.items():
            depth[path] = 0 if parent is None else depth[parent] + 1

        def place(item: tuple[int, Node]) -> tuple[int, float]:
            i, node = item
            return (begins[node.scope], depth[node.scope]) if "" in node.weights else (i, inf)

        return [node for _, node in sorted(enumerate(nodes), key=place)]

    @cached_property
    def trained_at(self) -> dict[str, set[str]]:
        """The `state_dict` keys of trained weights, by every path that they are at or below.

        A weight that several modules share is at the paths of all of them.
        """
        found: dict[str, set[str]] = {}
        for node in self.nodes:
            keys = [node.key(name) for name, w in node.weights.items() if w.trainable]
            path = node.path if keys else ""
            while path:
                found.setdefault(path, set()).update(keys)
                path = path.rpartition(".")[0]
        return found

    def to_json(self) -> str:
        """The graph as JSON; `from_json` gives it back."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Graph:
        """The graph of a JSON text.

        Raises:
            pydantic.ValidationError: the text is no graph of this version.
        """
        return cls.model_validate_json(text)


def json_schema() -> dict[str, Any]:
    """The JSON schema of a graph: grammar/ir.schema.json."""
    from archdsl.ir.training import Training, settings

    schema = Graph.model_json_schema(mode="serialization")
    section = Training.model_json_schema(mode="serialization")
    schema["$defs"] |= {**section.pop("$defs"), "Training": section}
    layers = [cls for name, cls in sorted(registry().items()) if name == cls.name]
    words = [(cls, "layer") for cls in layers] + [(cls, "word") for cls in settings()]
    for name in sorted(_link(schema) - {"Training"}):
        kinds = [(cls, key) for cls, key in words if name in {c.__name__ for c in cls.__mro__}]
        schema["$defs"][name] = {"oneOf": [_object(cls, key) for cls, key in kinds]}
    return schema


def _link(schema: Any) -> set[str]:
    """Write what pydantic cannot: references to definitions, and that no key is of another form."""
    found: set[str] = set()
    if isinstance(schema, dict):
        node = cast("dict[str, Any]", schema)
        if isinstance(name := node.pop("x-definition", None), str):
            node["$ref"] = f"#/$defs/{name}"
            found.add(name)
        for pattern, values in node.pop("patternProperties", {}).items():
            node |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
        found.update(*map(_link, node.values()))
    elif isinstance(schema, list):
        found.update(*map(_link, schema))  # pyright: ignore[reportUnknownArgumentType]
    return found


def _object(cls: type[Word], key: str) -> dict[str, Any]:
    """The schema of a word as JSON has it, its name under `key` beside its arguments."""
    schema = cls.model_json_schema(ref_template="#/$defs/{model}")
    schema["properties"] = {key: {"const": cls.name}, **schema.get("properties", {})}
    schema["required"] = [key, *schema.get("required", [])]
    schema["title"] = cls.name
    return schema
