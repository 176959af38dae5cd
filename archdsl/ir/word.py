"""What the words of the language that take arguments have in common: layers, settings of training.

Such a word is one pydantic class. Its fields are the arguments, the positional ones first, each
with a description; its docstring is its page in the reference.

Here and in the layers' files annotations are values, not text: pydantic would compile the text of
each for each class that has it, a twentieth of what the shortest command takes.
"""

import re
from abc import ABC
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from archdsl.ir.fields import Wants
from archdsl.ir.records import Sample


class Word(BaseModel, ABC):
    """A word with its arguments."""

    # Schemas are built when first used: a run uses few of the words.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: ClassVar[str]
    """The word of the language."""
    positional: ClassVar[int] = 0
    """How many arguments, the first ones, may be given without their name."""
    variadic: ClassVar[bool] = False
    """Whether the last of the positional arguments is a list of all that follow."""
    samples: ClassVar[tuple[Sample, ...]]
    """Statements that tests, the reference and the editor show."""

    @classmethod
    def arguments(cls) -> dict[str, FieldInfo]:
        """The fields by name, in order; `model_fields` goes a longer way to the same."""
        return cls.__pydantic_fields__

    @classmethod
    def phrase(cls) -> str:
        """What a statement starts with, before the arguments."""
        return cls.name

    @classmethod
    def choices(cls, argument: str) -> tuple[str, ...]:
        """The words that an argument may be."""
        return _choices(cls, argument)

    @classmethod
    def wants(cls, argument: str) -> tuple[Wants, ...]:
        """What kinds of value an argument takes, choices aside."""
        return _wants(cls, argument)

    def text(self, said: Mapping[str, str] = {}) -> str:
        """The statement as the language writes it, without the arguments left at their defaults.

        `said` are arguments that it has instead, as they are written.
        """
        words = [self.phrase()]
        for i, (name, info) in enumerate(self.arguments().items()):
            value = getattr(self, name)
            if name in said:
                words.append(said[name] if i < self.positional else f"{name}={said[name]}")
            elif i < self.positional and value is not None:
                many = self.variadic and i == self.positional - 1
                words += [self.show(name, v) for v in (value if many else (value,))]
            elif value != info.get_default(call_default_factory=True):
                words.append(f"{name}={self.show(name, value, square=True)}")
        return " ".join(words)

    @classmethod
    def show(cls, argument: str, value: Any, square: bool = False) -> str:
        """The value of an argument as the language writes it."""
        forms = {w.form for w in cls.wants(argument)}
        if isinstance(value, str) and value not in cls.choices(argument):
            bare = "word" in forms and re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value)
            return value if bare else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        if "list" in forms and isinstance(value, tuple):
            return f"[{', '.join(map(written, cast('tuple[object, ...]', value)))}]"
        return written(cast("object", value), square) + ("x" if "multiple" in forms else "")


@cache
def _choices(cls: type[Word], name: str) -> tuple[str, ...]:
    def walk(annotation: Any) -> list[str]:
        if get_origin(annotation) is Literal:
            return [a for a in get_args(annotation) if isinstance(a, str)]
        return [word for a in get_args(annotation) for word in walk(a)]

    return tuple(walk(cls.arguments()[name].annotation))


@cache
def _wants(cls: type[Word], name: str) -> tuple[Wants, ...]:
    def walk(annotation: Any) -> list[Wants]:
        own = [m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Wants)]
        return own or [wants for a in get_args(annotation) for wants in walk(a)]

    field = cls.arguments()[name]
    own = [m for m in field.metadata if isinstance(m, Wants)]
    return tuple(own or walk(field.annotation))


def written(value: object, square: bool = False) -> str:
    """A value as the language writes it; with `square`, a square as its side.

    >>> written((3, 3)), written((1, 7)), written(True), written(1e-05)
    ('3x3', '1x7', 'true', '1e-05')
    >>> written((2, 2), square=True)
    '2'
    """
    match value:
        case bool():
            return str(value).lower()
        case (int() as height, int() as width) if square and height == width:
            return str(height)
        case tuple():
            return "x".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case _:
            return str(value)
