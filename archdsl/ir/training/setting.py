"""The contract of a setting of training, and the vocabulary: every word of a `train` section.

A setting is one class: its fields are its arguments, its docstring is its page, and `check` says
what is wrong with it for a given network. Nothing here trains.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic_core import core_schema

from archdsl.ir.word import Word

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

    from archdsl.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a setting; the elaborator adds the place.

    `word` is the argument to point at, where it is one; `versus` the part that this contradicts.
    """

    code: str
    label: str
    help: str = ""
    word: str = ""
    versus: str = ""


class Setting(Word, ABC):
    """A statement of a `train` section: its first word, perhaps a choice, and arguments."""

    slot: ClassVar[str]
    """The word that the statement starts with. Where the setting has another name, that follows:
    the slot `optimizer` has `sgd`, `adam` and others."""
    part: ClassVar[str]
    """The field of `Training` that holds it. What shares a part excludes one another."""
    many: ClassVar[bool] = False
    """Whether the part holds several, in the order in which they are written."""
    by_path: ClassVar[bool] = False
    """Whether an argument may be given as path=value: `lr layer4=0.1x layer3=0.03x`."""
    joint: ClassVar[str] = ""
    """A word between the choice and the arguments: `except` in `freeze all except fc`."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            choices = _VOCABULARY.setdefault(cls.slot, {})
            if cls.name in choices:
                raise TypeError(f"two settings are called {cls.phrase()!r}")
            choices[cls.name] = cls

    @classmethod
    def phrase(cls) -> str:
        name = "" if cls.name == cls.slot else cls.name
        return " ".join(word for word in (cls.slot, name, cls.joint) if word)

    @property
    def subject(self) -> str:
        """What tells it from others of its part, which may hold only one for each."""
        return ""

    def check(self, graph: Graph) -> Iterator[Finding]:
        """What is certainly wrong with it for this network."""
        return iter(())


_VOCABULARY: dict[str, dict[str, type[Setting]]] = {}


@cache
def vocabulary() -> dict[str, dict[str, type[Setting]]]:
    """The settings by the word that they start with, and by the choice that follows it.

    A setting without a choice stands under its own word twice. The order is that of the modules'
    names, whichever was imported first.
    """
    import archdsl.ir.training.record  # noqa: F401  # pyright: ignore[reportUnusedImport]

    return dict(sorted(_VOCABULARY.items(), key=lambda item: _module(*item[1].values())))


def _module(first: type[Setting], *_: type[Setting]) -> str:
    return first.__module__


def settings() -> list[type[Setting]]:
    """Every setting, in the order in which the reference shows them."""
    return [cls for choices in vocabulary().values() for cls in choices.values()]


class ByWord:
    """For a field: its settings are told apart in JSON by `word`, as `training.optimizer.word`."""

    def __init__(self) -> None:
        self.source: type[Setting] = Setting
        """The class that is annotated, known when pydantic asks for its schema."""

    def __get_pydantic_core_schema__(
        self, source: type[Setting], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        self.source = source

        def load(value: Any) -> Setting:
            if isinstance(value, source):
                return value
            if not isinstance(value, dict):
                raise ValueError(f"a setting is expected, not {value!r}")
            arguments: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
            word = arguments.pop("word", None)
            for cls in settings():
                if issubclass(cls, source) and cls.name == word:
                    return cls.model_validate(arguments)
            raise ValueError(f"no setting of this part is called {word!r}")

        written = core_schema.plain_serializer_function_ser_schema(_dump)
        return core_schema.no_info_plain_validator_function(load, serialization=written)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"x-definition": self.source.__name__}


def _dump(setting: Setting) -> dict[str, Any]:
    return {"word": setting.name, **setting.model_dump(mode="json")}
