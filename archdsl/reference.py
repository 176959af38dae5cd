"""The pages of layers and errors, made from the layers' classes and archdsl.codes."""

from __future__ import annotations

import inspect
import textwrap

from archdsl.codes import CODES
from archdsl.elaborate.arguments import wants
from archdsl.ir.op import Op, layers, written
from archdsl.ir.records import Sample
from archdsl.ir.shapes import show
from archdsl.pipeline import parse

INTRODUCTION = """\
# The layers

Made from the layers' own classes by `make golden`; do not edit. `archdsl explain conv` prints a page.
The statements of the language are in [language.md](language.md).
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
    if cls.model_fields:
        lines += ["| argument | is | default | |", "| --- | --- | --- | --- |"]
        lines += [_argument(cls, i, name) for i, name in enumerate(cls.model_fields)]
        lines.append("")
    lines += ["```"]
    lines += [_example(sample) for sample in cls.samples]
    return "\n".join([*lines, "```", ""])


def _argument(cls: type[Op], position: int, name: str) -> str:
    field = cls.model_fields[name]
    default = "" if field.is_required() or field.default is None else written(field.default, True)
    key = f"`{name}`" if position < cls.positional else f"`{name}=`"
    return f"| {key} | {wants(cls, name)} | {default} | {field.description} |"


def _example(sample: Sample) -> str:
    """A sample with the shapes before and after it."""
    before = sample.inputs[0]
    after = parse(f"input {show(before)}\n{sample.text}").graph.main.shape
    return f"{sample.text:<50}  # {show(before)} to {show(after)}"
