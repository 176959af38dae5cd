"""A network whose `train` section is changed from outside, statement by statement."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.elaborate.limits import Limits
from archdsl.elaborate.networks import elaborate
from archdsl.elaborate.values import Value
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir import Graph
from archdsl.source import Source
from archdsl.syntax import ast, parse


def elaborate_changed(
    tree: ast.Spec,
    name: str | None,
    values: dict[str, Value],
    limits: Limits | None,
    changes: Sequence[str],
    data: str | None,
) -> Graph:
    """As `elaborate`, with a `train` section in force whether the spec has one or not.

    Args:
        tree: the spec.
        name: of the network.
        values: of its parameters.
        limits: what it may ask for.
        changes: settings that take the place of the spec's, one after the other.
        data: where the data are read from instead.

    Raises:
        ArchError: what is wrong with the spec or with a change.
    """
    from archdsl.ir.training.changes import Unfit, reading_from, restated, statements

    def elaborated(lines: list[str], option: str) -> Graph:
        return elaborate(tree, name, values, limits, None, _section(lines, option))

    losses = [change for change in changes if change.split()[:1] == ["loss"]]
    touched: set[str] = set()
    try:
        graph = elaborated([], "train")
        losses = []
    except SpecError:
        if not losses:
            raise
        # The usual loss may not fit the network where the one that is asked for does.
        graph = elaborated(losses, "--set")
        touched = {"losses"}
    for option, change in [*(("--set", c) for c in changes), ("--data", data)]:
        training = graph.training
        assert training is not None
        if change is None:
            continue
        try:
            read = option == "--data"
            made = [reading_from(training, change)] if read else statements(training, change)
        except Unfit as error:
            help = suggestion(error.word, error.known) or ", ".join(error.known)
            label = f"{option} {change}: {error}"
            raise SpecError(Diagnostic("A801", None, label, help=help)) from None
        # What this statement replaces is left out, and what was changed before is said again.
        beside = losses if change not in losses else []
        alone = elaborated([*beside, *made], option).training
        assert alone is not None
        part = {p.partition(".")[0] for p, place in alone.places.items() if place.file == option}
        part -= {"losses"} if beside else set()
        lines = [*restated(training, touched - part), *made]
        touched |= part
        graph = elaborated(lines, option)
    return graph


def _section(lines: list[str], name: str) -> ast.Spec:
    """A `train` section made of statements; `name` is what messages call it.

    Raises:
        ParseError: one of them is no statement.
    """
    for line in lines:
        if line.count("{") or line.count("}"):
            label = f"{name} {line}: one statement is wanted, without braces"
            raise SpecError(Diagnostic("A801", None, label))
    return parse(Source("train {\n" + "".join(f"{line}\n" for line in lines) + "}\n", name))
