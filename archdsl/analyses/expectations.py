"""What a spec expects of its network: `expect params == 60_965_224, field(layer4) >= 224`.

`QUANTITIES` is the one list of what can be expected; a quantity is a number, a size, or a shape.
What several of them need is computed once for a network, and only if one of them asks for it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, cast

from archdsl.analyses import cost, depth, memory, receptive_field
from archdsl.analyses.cost import Totals
from archdsl.analyses.receptive_field import Field
from archdsl.errors import suggestion
from archdsl.ir.graph import Expectation, Graph
from archdsl.ir.shapes import Shape

MOST_SOUGHT = 20  # unknown paths that get a suggestion
Measured = int | Fraction | tuple[int | Fraction, ...]
Options = Mapping[str, Any]


class Unmeasurable(Exception):
    """What is expected has no value; `code` is the error's."""

    def __init__(self, code: str, label: str, help: str = "", message: str = "") -> None:
        super().__init__(label)
        self.code = code
        self.label = label
        self.help = help
        self.message = message


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold (A603), or that is none."""

    expectation: Expectation
    code: str
    label: str
    help: str
    message: str


def failures(graph: Graph) -> list[Failure]:
    """The expectations of a network that do not hold, in the order of the spec."""
    figures = Figures(graph)
    found: list[Failure] = []
    for expected in graph.expectations:
        try:
            label = _difference(figures, expected)
        except Unmeasurable as error:
            found.append(Failure(expected, error.code, error.label, error.help, error.message))
            continue
        if label:
            message = f"an expectation of `{graph.name}` does not hold"
            found.append(Failure(expected, "A603", label, "", message))
    return found


# What is measured


@dataclass(eq=False)
class Figures:
    """A graph, and what has been computed of it."""

    graph: Graph
    sought: int = 0
    """How many paths were not found."""

    @cached_property
    def whole(self) -> Totals:
        return cost.of_graph(self.graph)

    @cached_property
    def parts(self) -> Mapping[str, Totals]:
        """What is at or below each path; a weight that several layers share is the first one's."""
        found: dict[str, Totals] = {}
        for node in self.graph.nodes:
            own = cost.of_node(node)
            for path in _outwards(node.path):
                found[path] = found[path] + own if path in found else own
        return found

    @cached_property
    def last(self) -> Mapping[str, str]:
        """The layer whose output each path stands for: of several below it the last one."""
        within = {path: n.path for n in self.graph.nodes for path in _outwards(n.path)}
        return within | {n.path: n.path for n in self.graph.nodes}

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return receptive_field.fields(self.graph)

    @cached_property
    def depths(self) -> Mapping[str, int]:
        return depth.longest(self.graph)

    def at(self, path: str) -> str:
        """The layer whose output a path stands for.

        Raises:
            Unmeasurable: the network has no such path.
        """
        if not path:
            return self.graph.main.node
        if path not in self.last:
            if path in self.graph.shapes:
                label = f"`{path}` is an input, no layer"
            else:
                label = f"`{self.graph.name}` has no layer, block or sequence called `{path}`"
            raise Unmeasurable("A305", label, self.near(path), "nothing has this path")
        return self.last[path]

    def near(self, path: str) -> str:
        """A path that may be meant; to look for one takes time, so not for very many."""
        self.sought += 1
        return suggestion(path, self.last) if self.sought <= MOST_SOUGHT else ""

    def totals(self, path: str) -> Totals:
        """What is counted at and below a path."""
        if not path:
            return self.whole
        self.at(path)
        return self.parts[path]

    def field(self, path: str) -> Field:
        """The receptive field of a path."""
        found = self.fields[self.at(path)]
        if not found.windows:
            label = f"`{path or self.graph.name}` has no positions on the input's axes"
            raise Unmeasurable("A604", label)
        return found

    def shape(self, path: str) -> Shape:
        """The shape at a path; an input has one too."""
        shapes = self.graph.shapes
        return shapes[path] if path in shapes else shapes[self.at(path)]


def _outwards(path: str) -> Iterator[str]:
    """A path, and those of what it is in, the innermost first."""
    while path:
        yield path
        path = path.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that can be expected of a network or of a part of it."""

    about: str
    measure: Callable[[Figures, str, Options], Measured]
    """Of a network and a path in it, "" for all of it, with the options that are given."""
    options: tuple[str, ...] = ()
    ordered: bool = True
    """Whether there is a more and a less; a shape is equal to another or is not."""


QUANTITIES: dict[str, Quantity] = {
    "params": Quantity(
        "trainable parameters, shared ones once", lambda f, p, _: f.totals(p).params
    ),
    "buffers": Quantity("numbers kept but not trained", lambda f, p, _: f.totals(p).buffers),
    "macs": Quantity("multiply-adds of one example at inference", lambda f, p, _: f.totals(p).macs),
    "flops": Quantity("twice the MACs", lambda f, p, _: f.totals(p).flops),
    "depth": Quantity(
        "layers with a kernel on the longest way from an input to an output, or to a path",
        lambda f, p, _: f.depths[f.at(p)] if p else depth.depth(f.graph),
    ),
    "shape": Quantity("the shape that goes out", lambda f, p, _: f.shape(p), ordered=False),
    "field": Quantity(
        "the receptive field's size, along each axis", lambda f, p, _: f.field(p).size
    ),
    "stride": Quantity("the field's stride, along each axis", lambda f, p, _: f.field(p).stride),
    "padding": Quantity(
        "how far the first field reaches beyond the input, along each axis",
        lambda f, p, _: f.field(p).padding,
    ),
    "memory": Quantity(
        "the most bytes held at inference, weights included",
        lambda f, p, o: _memory(f, p, o, training=False),
        options=("batch", "dtype"),
    ),
    "training_memory": Quantity(
        "the most bytes held in a step of training",
        lambda f, p, o: _memory(f, p, o, training=True),
        options=("batch", "dtype"),
    ),
}


def _memory(figures: Figures, path: str, options: Options, training: bool) -> int:
    """The peak for a batch, in bytes."""
    if path:
        raise Unmeasurable("A604", "memory is that of the whole network", "leave the path out")
    batch = options.get("batch", 1)
    if type(batch) is not int or batch < 1:
        raise Unmeasurable("A604", "`batch` is a number of examples, at least 1")
    course = memory.training if training else memory.inference
    try:
        return course(figures.graph, options.get("dtype", "fp32")).peak(batch).total
    except (TypeError, ValueError):
        known = ", ".join(f'"{name}"' for name in memory.SHORT)
        raise Unmeasurable("A604", f"`dtype` is one of {known}") from None


# What is compared

_RELATIONS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "==": (operator.eq, ""),
    "!=": (operator.ne, "anything but "),
    "<=": (operator.le, "at most "),
    ">=": (operator.ge, "at least "),
    "<": (operator.lt, "less than "),
    ">": (operator.gt, "more than "),
}


def _difference(figures: Figures, expected: Expectation) -> str:
    """Both values and how far they are apart, or nothing if the expectation holds.

    Raises:
        Unmeasurable: there is no such quantity, or it cannot be compared in this way.
    """
    quantity = _quantity(expected)
    if not expected.checked:
        return ""
    found = quantity.measure(figures, expected.path, expected.options)
    value: Any = expected.value
    if quantity.ordered:
        _check_axes(expected, found)
    elif not isinstance(value, tuple):
        value = (value,)  # the shape of a vector
    holds, words = _RELATIONS[expected.relation]
    pairs = _pairs(found, value)
    if expected.relation in ("==", "!="):
        equal = pairs is not None and all(a == b for a, b in pairs)
        fine = equal == (expected.relation == "==")
    else:
        fine = pairs is not None and all(holds(a, b) for a, b in pairs)
    if fine:
        return ""
    return f"{words}{_show(value)} expected, {_show(found)} found{_apart(pairs or [])}"


def _pairs(found: Measured, value: Any) -> list[tuple[Any, Any]] | None:
    """What was found and what was expected, axis by axis; None if the axes are not as many."""
    several = found if isinstance(found, tuple) else (found,)
    size = isinstance(value, tuple)
    others = cast("tuple[Any, ...]", value) if size else (value,) * len(several)
    return [*zip(several, others, strict=True)] if len(several) == len(others) else None


def _quantity(expected: Expectation) -> Quantity:
    """The quantity that an expectation is about; how it is asked for is checked."""
    name = expected.quantity
    found = QUANTITIES.get(name)
    if found is None:
        label = f"nothing that can be expected is called `{name}`"
        help = suggestion(name, QUANTITIES) or f"there are {', '.join(QUANTITIES)}"
        raise Unmeasurable("A604", label, help)
    for option in expected.options:
        if option not in found.options:
            help = suggestion(option, found.options)
            known = f"it takes {', '.join(found.options)}" if found.options else ""
            raise Unmeasurable("A604", f"`{name}` has no option `{option}`", help or known)
    if not found.ordered and expected.relation not in ("==", "!="):
        label = f"one `{name}` is no more and no less than another"
        raise Unmeasurable("A604", label, "compare it with `==` or `!=`")
    return found


def _check_axes(expected: Expectation, found: Measured) -> None:
    """A size is compared with a size of as many axes."""
    value = expected.value
    if not isinstance(value, tuple):
        return
    if not isinstance(found, tuple):
        label = f"`{expected.quantity}` is a number, {_show(value)} is a size"
        raise Unmeasurable("A604", label)
    if len(found) != len(value):
        axes = f"{len(found)} {'axis' if len(found) == 1 else 'axes'}"
        label = f"`{expected.quantity}` is of {axes} here, {_show(value)} of {len(value)}"
        raise Unmeasurable("A604", label, "one number is compared with each axis")


def _apart(pairs: list[tuple[Any, Any]]) -> str:
    """How much more or less was found, where that is one number."""
    apart = {found - value for found, value in pairs}
    if len(apart) != 1 or apart == {0}:
        return ""
    (much,) = apart
    return f": {_show(abs(much))} {'more' if much > 0 else 'less'}"


def _show(value: Any) -> str:
    """A number with its digits in groups; a size as the language writes it."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() else f"{value:,}"
    return str(value) if isinstance(value, Fraction) else f"{value:,}"
