"""`archdsl lint --fix`: mends that are certain, each held against what it claims.

Before anything is written, the mended text is compiled again. Every network of the file must then
be the one before with exactly what the fixes claim: a layer with another argument, a layer gone
whose readers read what it read, or no difference at all. What weights are called must not change,
so that trained ones still load, but for those that a fix says are gone. What the spec expects of
its networks holds as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.analyses.expectations import failures
from archdsl.elaborate import elaborate, network_names
from archdsl.errors import ArchError, Level
from archdsl.ir.graph import Graph, Node
from archdsl.ir.op import Op
from archdsl.lint.engine import Finding, Subject, at_least, lint
from archdsl.lint.rule import Rule
from archdsl.source import Source
from archdsl.syntax import ast, parse
from archdsl.syntax.formatter import format_spec

MOST_ROUNDS = 20  # a fix may make room for another one

_Becomes = dict[str, Callable[[Op], Op | None]]  # by the path of the layer


@dataclass(eq=False)
class Mended:
    """A spec after its fixes."""

    subject: Subject
    applied: list[Finding] = field(default_factory=list[Finding])
    refused: list[Finding] = field(default_factory=list[Finding])
    """Those whose claim did not hold; the text is as it was there."""

    @property
    def text(self) -> str:
        return self.subject.tree.source.text


def mend(subject: Subject, rules: Sequence[type[Rule]], level: Level = "info") -> Mended:
    """Apply the fixes of all findings of a level, until there are none; nothing is written.

    Args:
        subject: all networks of a file, with the file's own parameters: else no fix is certain.
        rules: those that run.
        level: the least level of a finding that is mended.

    Raises:
        ValueError: they are not all its networks.
    """
    if not subject.whole:
        raise ValueError("a fix is certain only if all networks of the file are known")
    done = Mended(subject)
    if not subject.graphs:
        return done  # nothing to hold a claim against
    for _ in range(MOST_ROUNDS):
        if not _round(done, rules, level):
            break
    if done.applied and _formatted(subject.tree.source):
        text = format_spec(done.subject.tree.source)
        done.subject = replace(done.subject, tree=parse(_with_text(done, text)))
    return done


def _round(done: Mended, rules: Sequence[type[Rule]], level: Level) -> bool:
    """Apply what can be applied at once; whether anything was."""
    refused = {_known(f) for f in done.refused}
    found = [f for f in at_least(level, lint(done.subject, rules)) if f.fix is not None]
    chosen = _apart(f for f in found if _known(f) not in refused)
    if not chosen:
        return False
    after = _attempt(done, chosen)
    if after is not None:
        done.subject, done.applied = after, done.applied + chosen
        return True
    for finding in chosen:  # one of them does not hold: which?
        after = _attempt(done, [finding])
        if after is not None:
            done.subject, done.applied = after, [*done.applied, finding]
            return True  # the places of the others have moved
        done.refused.append(finding)
    return False


def _known(finding: Finding) -> tuple[str, str, int]:
    """What a finding is known by when lines have moved: its text, and which one of that text."""
    source, start = finding.span.source, finding.span.start
    return finding.code, finding.span.text, source.text.count(finding.span.text, 0, start)


def _apart(findings: Iterable[Finding]) -> list[Finding]:
    """Findings whose edits do not touch one another, by their place; a later round has the rest."""
    end = -1
    chosen: list[Finding] = []
    for finding in findings:
        edits = finding.fix.edits if finding.fix else ()
        if all(edit.start > end for edit in edits):
            end = max((edit.end for edit in edits), default=end)
            chosen.append(finding)
    return chosen


def _attempt(done: Mended, findings: Sequence[Finding]) -> Subject | None:
    """The spec with these fixes, if it compiles to what they claim."""
    edits = [edit for finding in findings if finding.fix for edit in finding.fix.edits]
    text = done.text
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    try:
        tree = parse(_with_text(done, text))
        graphs = _graphs(tree)
    except ArchError:
        return None
    claims = {graph.name: _claims(graph.name, findings) for graph in done.subject.graphs}
    before = [_form(graph, claims[graph.name]) for graph in done.subject.graphs]
    same = before == [_form(graph, {}) for graph in graphs]
    same = same and _unmet(graphs) <= _unmet(done.subject.graphs)
    return replace(done.subject, tree=tree, graphs=graphs) if same else None


def _unmet(graphs: Iterable[Graph]) -> int:
    """How many expectations do not hold."""
    return sum(len(failures(graph)) for graph in graphs)


def _with_text(done: Mended, text: str) -> Source:
    source = done.subject.tree.source
    return Source(text, source.name, source.path)


def _graphs(tree: ast.Spec) -> tuple[Graph, ...]:
    return tuple(elaborate(tree, name) for name in network_names(tree))


def _formatted(source: Source) -> bool:
    return format_spec(source) == source.text


def _claims(network: str, findings: Iterable[Finding]) -> _Becomes:
    """What the fixes make of the layers of a network."""
    return {
        path: finding.fix.becomes
        for finding in findings
        if finding.fix and finding.fix.becomes
        for name, path in finding.layers
        if name == network
    }


def _form(graph: Graph, becomes: _Becomes) -> Any:
    """All that a network is, but for places in the text and names of layers without weights.

    `becomes` is applied to it, so that the network before a fix is what it should be afterwards.
    """
    numbers: dict[str, object] = {i.name: i.name for i in graph.inputs}
    nodes: list[Any] = []
    for node in graph.nodes:
        op = becomes[node.path](node.op) if node.path in becomes else node.op
        if op is None:
            numbers[node.path] = numbers[node.inputs[0]]
            continue
        numbers[node.path] = len(nodes)
        nodes.append(_node_form(node, op, numbers))
    outputs = [(o.name, o.kind, o.weight, numbers[o.node], o.shape) for o in graph.outputs]
    inputs = [(i.name, i.shape) for i in graph.inputs]
    training = graph.training.text() if graph.training else None  # its places move
    return graph.name, graph.parameters, inputs, nodes, outputs, training


def _node_form(node: Node, op: Op, numbers: dict[str, object]) -> Any:
    weights = op.weights(node.input_shapes, node.shape)
    starts = {name: init for name, init in node.init.items() if name in weights}
    keys = [node.key(name) for name in weights]
    reads = [numbers[path] for path in node.inputs]
    return op, reads, node.input_shapes, node.shape, starts, keys, node.training
