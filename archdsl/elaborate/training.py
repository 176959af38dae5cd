"""`train { … }`: how a network is trained, in the statement form of the language.

A section belongs to the outermost level of a file, where it holds for each of the file's networks,
or of a network. A network's own setting takes the place of the file's; of what may be stated
several times, such as augmentations, all of the file's. One level has one section. A file that
is imported keeps its section to itself, as it does its networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archdsl.elaborate import arguments as binding
from archdsl.elaborate.build import place
from archdsl.elaborate.expressions import Context, evaluate, truth
from archdsl.elaborate.limits import MAX_STATED
from archdsl.elaborate.values import Scope
from archdsl.errors import Diagnostic, Note, SpecError, suggestion
from archdsl.ir.graph import Graph
from archdsl.ir.op import registry
from archdsl.source import Span
from archdsl.syntax import ast

if TYPE_CHECKING:  # the vocabulary itself is loaded by the first `train`: most specs have none
    from archdsl.elaborate.elaborator import Elaborator
    from archdsl.elaborate.frame import Flow, Frame
    from archdsl.ir.training import Finding, Setting


@dataclass(frozen=True, slots=True)
class Stated:
    """A setting, and the statement that says it."""

    setting: Setting
    call: ast.Call


@dataclass(eq=False)
class Section:
    """One `train { … }`: its settings by the part of training that they are."""

    call: ast.Call
    parts: dict[str, list[Stated]] = field(default_factory=dict[str, list[Stated]])

    def add(self, new: Stated) -> None:
        """State a setting.

        Raises:
            SpecError: it is stated already, or another that excludes it.
        """
        setting = new.setting
        others = self.parts.setdefault(setting.part, [])
        for other in others:
            if setting.many and other.setting.subject != setting.subject:
                continue
            note = Note(other.call.span, "stated here")
            if other.setting.slot != setting.slot:
                label = f"`{setting.slot}` and `{other.setting.slot}` exclude one another"
                raise SpecError(Diagnostic("A803", new.call.span, label, notes=(note,)))
            label = f"{_what(setting)} is stated twice"
            raise SpecError(Diagnostic("A802", new.call.span, label, notes=(note,)))
        if len(others) >= MAX_STATED:
            label = f"a section may state `{setting.slot}` {MAX_STATED} times"
            raise SpecError(Diagnostic("A504", new.call.span, label))
        others.append(new)


def _what(setting: Setting) -> str:
    """What may be stated once."""
    if not setting.many:
        return f"`{setting.slot}`"
    if setting.subject == setting.name:
        return f"`{setting.name}`"
    return f"the `{setting.slot}` of `{setting.subject}`"


@dataclass(eq=False)
class Sections:
    """The sections in force for one network."""

    of_file: Section | None = None
    of_network: Section | None = None
    of_command: Section | None = None
    """What is said beside the spec, such as on the command line; it takes the place of both."""
    in_network: bool = False
    """Whether the network's own statements are being carried out, no longer the file's."""
    mistakes: int = 0
    """Errors in the sections so far."""

    def open(self, call: ast.Call) -> Section:
        """A new section, of the file or of the network.

        Raises:
            SpecError: there is one already.
        """
        earlier = self.of_network if self.in_network else self.of_file
        if earlier is not None:
            whose = "the network" if self.in_network else "the file"
            note = Note(earlier.call.name_span, "the first")
            label = f"{whose} has a `train` already"
            raise SpecError(Diagnostic("A802", call.name_span, label, notes=(note,)))
        section = Section(call)
        if self.in_network:
            self.of_network = section
        else:
            self.of_file = section
        return section

    def finish(self, graph: Graph) -> tuple[Graph, list[Diagnostic]]:
        """The graph with its training, if a section is in force, and what is wrong with that.

        After a mistake in a section, only of settings by themselves: others may have failed.
        """
        every = (self.of_file, self.of_network, self.of_command)
        found = [section for section in every if section is not None]
        if not found:
            return graph, []
        from archdsl.ir.training import Training

        parts = {part: stated for section in found for part, stated in section.parts.items()}
        stated: dict[str, Stated] = {}
        values: dict[str, object] = {}
        for part, each in parts.items():
            many = each[0].setting.many
            values[part] = tuple(s.setting for s in each) if many else each[0].setting
            stated |= {f"{part}.{i}" if many else part: s for i, s in enumerate(each)}
        training = Training(
            **values,  # pyright: ignore[reportArgumentType]
            place=place(found[-1].call.span),
            places={part: place(s.call.span) for part, s in stated.items()},
        )
        section = found[-1].call.name_span
        findings = training.own_findings(graph) if self.mistakes else training.findings(graph)
        wrong = [(p, f) for p, f in findings if p in stated or not self.mistakes]
        told = [_told(part, finding, stated, section) for part, finding in wrong]
        return graph.model_copy(update={"training": training}), told


def _told(part: str, finding: Finding, stated: dict[str, Stated], section: Span) -> Diagnostic:
    """A finding with its places; that of a default is at what it does not go with."""
    own, other = stated.get(part), stated.get(finding.versus)
    at = own or other
    span = section if at is None else _argument(at.call, finding.word) or at.call.span
    notes = (Note(other.call.span, "stated here"),) if other is not None and own else ()
    return Diagnostic(finding.code, span, finding.label, notes=notes, help=finding.help)


def _argument(call: ast.Call, word: str) -> Span | None:
    """Where a statement says a word."""
    for argument in call.arguments:
        value = argument.value
        if argument.key == word:
            return argument.span
        if word and word in (getattr(value, "id", None), getattr(value, "value", None)):
            return value.span
    return None


# Statements


def _vocabulary() -> dict[str, dict[str, type[Setting]]]:
    from archdsl.ir.training import vocabulary

    return vocabulary()


def train(e: Elaborator, call: ast.Call, label: ast.Name | None, flow: Flow, frame: Frame) -> None:
    """`train { … }`, see the top of this file."""
    from archdsl.elaborate import statements

    statements.no_label(call, label)
    statements.no_arguments(call)
    body = statements.one_branch(call)
    if not frame.is_network and frame.depth == 0:
        return  # of an imported file
    if not frame.is_network or frame.space.path or frame.repetitions:
        text = "`train` belongs to a file or a network, outside of blocks, labels and repetitions"
        raise SpecError(Diagnostic("A601", call.name_span, text))
    section = e.sections.open(call)
    before = len(e.errors)
    _Reader(e, section, flow).run(body.statements, frame)
    e.sections.mistakes += len(e.errors) - before


def said_beside(e: Elaborator, said: ast.Spec, flow: Flow, frame: Frame) -> None:
    """Carry out a `train { … }` that is no part of the spec, its own network's scope around it."""
    (statement,) = said.flow.statements
    assert isinstance(statement, ast.Step) and isinstance(statement.item, ast.Call)
    call = statement.item
    e.sections.of_command = section = Section(call)
    before = len(e.errors)
    _Reader(e, section, flow).run(call.body.branches[0].statements if call.body else (), frame)
    e.sections.mistakes += len(e.errors) - before


@dataclass(eq=False)
class _Reader:
    """Carries out the statements of a section."""

    e: Elaborator
    section: Section
    flow: Flow
    augmenting: bool = False
    """Whether the statement before was an augmentation, so that another may follow."""

    def run(self, statements: tuple[ast.Statement, ...], frame: Frame) -> None:
        """Carry out statements in order; report errors and go on."""
        for statement in statements:
            self.e.meter.step(statement.span)
            try:
                self.statement(statement, frame)
            except SpecError as error:
                self.e.report(error, frame)

    def statement(self, statement: ast.Statement, frame: Frame) -> None:
        context = self.e.context(self.flow, frame)
        match statement:
            case ast.Step(label=None, repeat=None, item=ast.Call() as call):
                self.call(call, context)
            case ast.If():
                self.conditional(statement, frame)
                self.augmenting = False
            case ast.Let(name=name):
                frame.scope.define(name, evaluate(statement.value, context), statement.span)
            case _:
                text = "a section holds settings, `if` and `let`, without labels or repetitions"
                raise SpecError(Diagnostic("A601", statement.span, text))

    def conditional(self, statement: ast.If, frame: Frame) -> None:
        branch: ast.Body | ast.If | None = statement
        while isinstance(branch, ast.If):
            taken = truth(branch.condition, self.e.context(self.flow, frame))
            branch = branch.then if taken else branch.otherwise
        if branch is not None:
            inner = replace(frame, scope=Scope(frame.scope))
            self.run(branch.branches[0].statements, inner)

    def call(self, call: ast.Call, context: Context) -> None:
        follows, self.augmenting = self.augmenting, False
        cls, arguments = _setting(call, context, follows)
        if call.body is not None:
            text = "a setting has no braces"
            raise SpecError(Diagnostic("A407", call.body.span, text))
        self.augmenting = cls.slot == "augment"
        _check_separated(cls, arguments, context)
        for each in _one_by_one(cls, arguments):
            values = binding.keywords(cls, each, context)
            self.section.add(Stated(binding.build(cls, values, call), call))


def _setting(
    call: ast.Call, context: Context, augmenting: bool
) -> tuple[type[Setting], tuple[ast.Argument, ...]]:
    """The setting that a statement means, and the arguments behind the words that say which.

    Raises:
        SpecError: training has no such word, or the word has no such choice.
    """
    words = _vocabulary()
    name, arguments = call.name, call.arguments
    if name in words["augment"] and name not in words:
        if not augmenting:
            text = f"`{name}` follows `augment` or another augmentation"
            help = f"`augment {name}`"
            raise SpecError(Diagnostic("A801", call.name_span, text, help=help))
        return words["augment"][name], arguments
    if name not in words:
        raise _unknown(call)
    if name in words[name]:
        return words[name][name], arguments
    cls = _choice(call, words[name], context)
    arguments = arguments[1:]
    if cls.joint:
        first = arguments[0].value if arguments else None
        if not (isinstance(first, ast.Name) and first.id == cls.joint):
            text = f"`{name} {cls.name}` goes on with `{cls.joint}`"
            help = f"for example `{cls.samples[0].text}`"
            raise SpecError(Diagnostic("A402", call.span, text, help=help))
        arguments = arguments[1:]
    return cls, arguments


def _choice(call: ast.Call, choices: dict[str, type[Setting]], context: Context) -> type[Setting]:
    """The setting that the word after the first one chooses; a parameter may hold that word."""
    first = call.arguments[0] if call.arguments else None
    names = ", ".join(f"{name} {cls.joint}".rstrip() for name, cls in choices.items())
    known = f"there are {names}" if len(choices) > 1 else ""
    example = f"for example `{next(iter(choices.values())).samples[0].text}`"
    if first is None or first.key is not None:
        text = f"`{call.name}` says which: {names}"
        raise SpecError(Diagnostic("A402", call.name_span, text, help=example))
    value = first.value
    word = value.id if isinstance(value, ast.Name) else None
    if word not in choices:
        held = context.scope.find(word) if word else evaluate(value, context)
        word = held if isinstance(held, str) else word
    if word in choices:
        return choices[word]
    if word is None:
        text = f"a word says which `{call.name}`"
        raise SpecError(Diagnostic("A403", value.span, text, help=known or example))
    text = f"no `{call.name}` is called `{word}`"
    help = suggestion(word, choices) or _elsewhere(word, call.name) or known or example
    raise SpecError(Diagnostic("A801", value.span, text, help=help))


def _check_separated(
    cls: type[Setting], arguments: tuple[ast.Argument, ...], context: Context
) -> None:
    """`epochs 90 batch 256` are two statements, which want a separator.

    Raises:
        SpecError: an argument is a word that starts a setting.
    """
    if any(w.form == "word" for name in cls.arguments() for w in cls.wants(name)):
        return
    words = _vocabulary()
    for argument in arguments:
        value = argument.value
        word = value.id if isinstance(value, ast.Name) and argument.key is None else ""
        if (word in words or word in words["augment"]) and context.scope.find(word) is None:
            text = f"`{word}` is a setting of its own"
            help = "put `;` or a new line before it"
            raise SpecError(Diagnostic("A404", value.span, text, help=help))


def _elsewhere(word: str, slot: str) -> str:
    """Where a word belongs that stands behind the wrong one."""
    for other, choices in _vocabulary().items():
        if other != slot and word in choices:
            return f"`{choices[word].samples[0].text}`"
    return ""


def _unknown(call: ast.Call) -> SpecError:
    words = _vocabulary()
    help = _elsewhere(call.name, "") or suggestion(call.name, [*words, *words["augment"]])
    if not help and call.name in registry():
        help = "layers stand outside of `train`"
    text = f"training has no `{call.name}`"
    return SpecError(Diagnostic("A801", call.name_span, text, help=help))


def _one_by_one(
    cls: type[Setting], arguments: tuple[ast.Argument, ...]
) -> Iterator[tuple[ast.Argument, ...]]:
    """The arguments of each setting that a statement makes: `lr a=0.1x "b.c" 0.5x` makes two."""
    if not cls.by_path:
        yield arguments
        return
    group: list[ast.Argument] = []
    made = 0
    for argument in arguments:
        if argument.key is not None and argument.key not in cls.arguments():
            path = ast.Argument(None, ast.Name(argument.key, argument.span), argument.span)
            yield path, ast.Argument(None, argument.value, argument.span)
            made += 1
            continue
        group.append(argument)
        if len(group) == cls.positional:
            yield tuple(group)
            made += 1
            group = []
    if group or not made:
        yield tuple(group)
