"""Runs the rules: every network of a file, then the file, then its ignoring comments.

One place in the text is often many layers, and part of several networks. A finding there is told
once, with the first layer that has it and the number of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from archdsl.errors import Diagnostic, Level, Note
from archdsl.ir.graph import Graph, Node
from archdsl.lint.ignores import Ignores
from archdsl.lint.rule import FileRule, Fix, Hit, IgnoreRule, NetworkRule, Rule
from archdsl.lint.view import FileView, NetworkView
from archdsl.source import Span
from archdsl.syntax import ast

_R = TypeVar("_R", bound=Rule)
LEVELS: tuple[Level, ...] = ("info", "warning", "error")


@dataclass(frozen=True, eq=False)
class Subject:
    """What is linted: networks of one file; `whole` if they are all of its networks."""

    tree: ast.Spec
    graphs: tuple[Graph, ...]
    whole: bool = True


@dataclass(frozen=True, eq=False)
class Finding:
    """What a rule found at one place of the text."""

    rule: type[Rule]
    span: Span
    hit: Hit
    notes: tuple[Note, ...] = ()
    calls: tuple[Note, ...] = ()
    """The way through the blocks to the first layer that has it, innermost first."""
    layers: tuple[tuple[str, str], ...] = ()
    """The layers that have it: each network's name, and the path in it."""
    fix: Fix | None = None
    """Given only if every layer at the place has the finding."""

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def level(self) -> Level:
        return self.rule.level

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that have it."""
        return tuple(dict.fromkeys(network for network, _ in self.layers))

    @cached_property
    def diagnostic(self) -> Diagnostic:
        """The finding as an error is shown, with its place and the way to it."""
        more = f" (and {len(self.layers) - 1} more like it)" if len(self.layers) > 1 else ""
        return Diagnostic(
            code=self.code,
            span=self.span,
            label=self.hit.label + more,
            message=self.rule.title(),
            notes=self.notes,
            help=self.hit.help,
            calls=self.calls,
            level=self.level,
        )

    def __str__(self) -> str:
        return self.diagnostic.render()


def lint(subject: Subject, rules: Iterable[type[Rule]]) -> list[Finding]:
    """What the rules find, ignored findings left out, in the order of the text.

    Rules about the file and about idle ignores need all of its networks, and are left out else.
    """
    return _Run(FileView(subject.tree, subject.graphs), list(rules), subject.whole).run()


def at_least(level: Level, findings: Iterable[Finding]) -> list[Finding]:
    """The findings of a level or a graver one."""
    return [f for f in findings if LEVELS.index(f.level) >= LEVELS.index(level)]


_Key = tuple[str, str, int]  # a code, a file, where in it


@dataclass(eq=False)
class _Run:
    file: FileView
    rules: list[type[Rule]]
    whole: bool
    ignores: dict[str, Ignores] = field(default_factory=dict[str, Ignores])
    first: dict[_Key, Finding] = field(default_factory=dict["_Key", Finding])
    layers: dict[_Key, list[tuple[str, str]]] = field(
        default_factory=dict["_Key", "list[tuple[str, str]]"]
    )
    """The first finding at a place, and the layers of all of them."""

    def run(self) -> list[Finding]:
        for graph in self.file.graphs:
            view = NetworkView(graph, self.file)
            for rule in self._of(NetworkRule):
                for hit in rule.check(view):
                    self._keep(self._in_network(type(rule), hit, view))
        if self.whole:
            for rule in self._of(FileRule):
                for hit in rule.check(self.file):
                    self._keep(self._in_text(type(rule), hit))
        own = self._ignores(self.file.source.name)
        own.judged = frozenset(r.code for r in self.rules) if self.whole else frozenset()
        for rule in self._of(IgnoreRule):
            for hit in rule.check(own):
                self._keep(self._in_text(type(rule), hit))
        found = [replace(f, layers=tuple(self.layers[key])) for key, f in self.first.items()]
        return self._certain(sorted(found, key=_order))

    def _of(self, kind: type[_R]) -> Iterator[_R]:
        yield from (rule() for rule in self.rules if issubclass(rule, kind))

    def _ignores(self, file: str) -> Ignores:
        source = self.file.source_of(file) or self.file.source
        if file not in self.ignores:
            self.ignores[file] = Ignores.of(source)
        return self.ignores[file]

    def _keep(self, new: Finding) -> None:
        """Add a finding to those at its place, unless a comment on its way ignores it."""
        way = [new.span, *(call.span for call in new.calls)]
        if new.layers:
            way.append(self.file.network_span(new.layers[0][0]))
        covered = [self._ignores(s.source.name).covers(new.code, s.line) for s in way]
        if any(covered):
            return
        key = (new.code, new.span.source.name, new.span.start)
        self.first.setdefault(key, new)
        self.layers.setdefault(key, []).extend(new.layers)

    def _in_network(self, rule: type[Rule], hit: Hit, view: NetworkView) -> Finding:
        node = hit.at if isinstance(hit.at, Node) else None
        span = self._span(hit.at) or self.file.network_span(view.graph.name)
        return Finding(
            rule,
            span,
            hit,
            notes=self._notes(hit),
            calls=view.calls(node) if node else (),
            layers=((view.graph.name, node.path if node else ""),),
            fix=hit.fix,
        )

    def _in_text(self, rule: type[Rule], hit: Hit) -> Finding:
        span = self._span(hit.at) or Span(self.file.source, 0, 1)
        return Finding(rule, span, hit, notes=self._notes(hit), fix=hit.fix)

    def _span(self, at: Node | Span | None) -> Span | None:
        return self.file.span(at.place) if isinstance(at, Node) else at

    def _notes(self, hit: Hit) -> tuple[Note, ...]:
        placed = ((self._span(at), text) for at, text in hit.notes)
        return tuple(Note(span, text) for span, text in placed if span is not None)

    def _certain(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings, those without their fix that some layer at the place does not have."""
        fixed = {f.span.start for f in findings if f.fix and f.layers}
        count: dict[int, int] = {}
        for graph in self.file.graphs if fixed else ():
            for node in graph.nodes:
                span = self.file.span(node.place)
                if span is not None and span.source is self.file.source:
                    count[span.start] = count.get(span.start, 0) + 1
        return [
            f
            if f.fix is None or not f.layers or len(f.layers) == count.get(f.span.start)
            else replace(f, fix=None)
            for f in findings
        ]


def _order(finding: Finding) -> tuple[str, int, str]:
    return finding.span.source.name, finding.span.start, finding.code
