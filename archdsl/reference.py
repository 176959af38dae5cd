"""The pages of layers, settings and errors, made from their classes and archdsl.codes."""

from __future__ import annotations

import inspect
import textwrap

from archdsl.codes import CODES
from archdsl.elaborate.arguments import wants
from archdsl.ir.op import Op, layers
from archdsl.ir.records import Sample
from archdsl.ir.shapes import show
from archdsl.ir.training import Setting, settings
from archdsl.ir.word import Word
from archdsl.pipeline import parse

INTRODUCTION = """\
# The layers

Made from the layers' classes by `make golden`; do not edit. `archdsl explain conv` prints a page.
The statements of the language are in [language.md](language.md).
"""


TRAINING = """\
# The settings of training

Made from the settings' own classes by `make golden`; do not edit. They are the statements of
`train { … }`, which [language.md](language.md#training) describes.
"""


ERRORS = """\
# The errors

Made from archdsl/codes.py by `make golden`; do not edit. `archdsl explain A204` prints one of them.
"""


def error_reference() -> str:
    """The whole of grammar/errors.md."""
    return f"{ERRORS}\n" + "\n".join(error_page(code) for code in CODES)


def error_page(code: str) -> str:
    """The page of one error, as Markdown."""
    found = CODES[code]
    lines = [f"## {code}: {found.title}", "", *textwrap.wrap(found.page, 100), ""]
    if found.wrong:
        lines += ["```", "# wrong", found.wrong, "", "# right", found.right, "```", ""]
    return "\n".join(lines)


def reference() -> str:
    """The whole of grammar/reference.md."""
    pages = "\n".join(layer_page(cls) for cls in layers())
    names = ", ".join(f"[{cls.name}](#{cls.name})" for cls in layers())
    return f"{INTRODUCTION}\n{names}\n\n{pages}"


def layer_page(cls: type[Op]) -> str:
    """The page of one layer, as Markdown."""
    lines = [f"## {cls.name}", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    if cls.aliases:
        lines += [f"Also called {', '.join(f'`{a}`' for a in cls.aliases)}.", ""]
    lines += _arguments(cls)
    lines += ["```"]
    lines += [_example(sample) for sample in cls.samples]
    return "\n".join([*lines, "```", ""])


def training_reference() -> str:
    """The whole of grammar/training.md."""
    pages = "\n".join(setting_page(cls) for cls in settings())
    return f"{TRAINING}\n{pages}"


def setting_page(cls: type[Setting]) -> str:
    """The page of one setting of training, as Markdown."""
    lines = [f"## {cls.phrase()}", "", inspect.cleandoc(cls.__doc__ or ""), "", *_arguments(cls)]
    return "\n".join([*lines, "```", *(sample.text for sample in cls.samples), "```", ""])


def _arguments(cls: type[Word]) -> list[str]:
    if not cls.arguments():
        return []
    rows = [_argument(cls, i, name) for i, name in enumerate(cls.arguments())]
    return ["| argument | is | default | |", "| --- | --- | --- | --- |", *rows, ""]


def _argument(cls: type[Word], position: int, name: str) -> str:
    field = cls.arguments()[name]
    absent = field.is_required() or field.default is None
    default = "" if absent else cls.show(name, field.default, square=True)
    key = f"`{name}`" if position < cls.positional else f"`{name}=`"
    return f"| {key} | {wants(cls, name)} | {default} | {field.description} |"


def _example(sample: Sample) -> str:
    """A sample with the shapes before and after it."""
    before = sample.inputs[0]
    after = parse(f"input {show(before)}\n{sample.text}").graph.main.shape
    return f"{sample.text:<50}  # {show(before)} to {show(after)}"
