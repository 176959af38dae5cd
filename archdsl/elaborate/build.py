"""The graph while it grows: nodes and scopes in order, each checked as it is added."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from archdsl.elaborate.limits import MAX_INTEGER, Limits
from archdsl.errors import Diagnostic, SpecError
from archdsl.ir.graph import Input, Node, Output, Place, Repetition, Scope
from archdsl.ir.initializers import Initializer
from archdsl.ir.op import Op, OpError
from archdsl.ir.records import Weight
from archdsl.ir.shapes import Shape, Shapes, elements, show
from archdsl.source import Span


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value of the network: who makes it, its shape (None after an error), where it was made."""

    path: str
    shape: Shape | None
    span: Span
    grid: tuple[int, int] | None = None
    """The size of the map that a token sequence was made from."""

    @classmethod
    def lost(cls, span: Span) -> Tensor:
        """What stands for a tensor after an error, so that the statements after it are looked at.

        The path is of a path's form and in no graph: a spec with errors has none.
        """
        return cls("lost", None, span)


@dataclass(eq=False)
class GraphBuilder:
    limits: Limits
    inputs: list[Input] = field(default_factory=list[Input])
    nodes: list[Node] = field(default_factory=list[Node])
    scopes: list[Scope] = field(default_factory=list[Scope])
    outputs: list[Output] = field(default_factory=list[Output])
    sharing: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """While something is applied again: its new path and the path whose weights it uses."""
    training: bool = False
    """Whether what is added now exists in training only."""
    weights: dict[str, dict[str, Weight]] = field(default_factory=dict[str, dict[str, Weight]])
    """The weights of every layer that has its own, by path."""
    inferred: dict[Any, tuple[Op, Shape, dict[str, Weight]]] = field(
        default_factory=dict[Any, "tuple[Op, Shape, dict[str, Weight]]"]
    )

    def input(self, name: str, shape: Shape, span: Span) -> Tensor:
        self.inputs.append(Input(name=name, shape=shape, place=place(span)))
        return Tensor(name, shape, span)

    def scope(
        self,
        path: str,
        kind: Literal["network", "block", "sequence"],
        span: Span,
        parent: str | None,
        repetitions: tuple[Repetition, ...] = (),
        definition: str = "",
        arguments: dict[str, Any] | None = None,
        defaulted: tuple[str, ...] = (),
    ) -> None:
        self.scopes.append(
            Scope(
                path=path,
                kind=kind,
                definition=definition,
                arguments=arguments or {},
                defaulted=defaulted,
                parent=parent,
                place=place(span),
                repetitions=repetitions,
                shares=self.shared(path),
            )
        )

    def shared(self, path: str) -> str | None:
        """The path whose weights something at `path` uses, if it is applied again."""
        for new, old in reversed(self.sharing):
            if path == new or path.startswith(f"{new}."):
                path = old + path.removeprefix(new)
        return path if self.sharing else None

    def node(
        self,
        path: str,
        op: Op,
        inputs: tuple[Tensor, ...],
        span: Span,
        scope: str,
        repetitions: tuple[Repetition, ...],
        init: dict[str, Initializer] | None = None,
    ) -> Tensor:
        """Add a layer, its shape inferred.

        Raises:
            SpecError: the layer cannot take its inputs, or a limit is passed.
        """
        if len(self.nodes) >= self.limits.layers:
            label = f"the network has more than {self.limits.layers:,} layers"
            raise SpecError(Diagnostic("A501", span, label, help="repeat less"))
        shapes = tuple(t.shape for t in inputs if t.shape is not None)
        if len(shapes) < len(inputs):
            return Tensor(path, None, span)
        op, shape, weights = self.infer(op, shapes, inputs[0].grid, span)
        shares = self.shared(path)
        if shares is None:
            self.weights[path] = weights
        elif (self.weights.get(shares) or weights) != weights:
            label = f"the weights of `{shares}` do not fit {show(shapes[0])}"
            raise SpecError(Diagnostic("A208", span, label))
        starts = {k: (init or {})[w.role] for k, w in weights.items() if w.role in (init or {})}
        self.nodes.append(
            Node(
                path=path,
                op=op,
                inputs=tuple(t.path for t in inputs),
                input_shapes=shapes,
                shape=shape,
                init={} if shares else starts,  # pyright: ignore[reportArgumentType]
                shares=shares,
                training=self.training,
                scope=scope,
                place=place(span),
                repetitions=repetitions,
            )
        )
        return Tensor(path, shape, span, _grid(inputs[0], shape))

    def infer(
        self, op: Op, shapes: Shapes, grid: tuple[int, int] | None, span: Span
    ) -> tuple[Op, Shape, dict[str, Weight]]:
        """The layer with what it infers from its input, its shape, its weights.

        Copies of a block have the same layers on the same shapes, so what is found is kept.
        """
        key = (op, shapes, grid)
        if key in self.inferred:
            return self.inferred[key]
        try:
            op = op.resolve(shapes, grid)
            shape = op.shape(shapes)
            weights = op.weights(shapes, shape)
        except OpError as error:
            raise SpecError(Diagnostic(error.code, span, error.label, help=error.help)) from None
        if max(elements(shape), *(elements(w.shape) for w in weights.values()), 0) > MAX_INTEGER:
            raise SpecError(Diagnostic("A503", span, "a tensor here has more than 2^63 values"))
        self.inferred[key] = op, shape, weights
        return op, shape, weights


def _grid(source: Tensor, shape: Shape) -> tuple[int, int] | None:
    """The size of the nearest map behind a token sequence."""
    if len(shape) == 2 and source.shape is not None and len(source.shape) == 3:
        return source.shape[1], source.shape[2]
    return source.grid


@lru_cache(maxsize=4096)  # a block's statements are placed again at every call of it
def place(span: Span) -> Place:
    """A span as the IR keeps it."""
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return Place(
        file=span.source.name, line=line, column=column, end_line=end_line, end_column=end_column
    )
