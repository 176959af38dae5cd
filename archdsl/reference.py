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

Made from archdsl/codes by `make golden`; do not edit. `archdsl explain A204` prints one of them.
"""


LINT = """\
# The linter

Made from the rules' own classes by `make golden`; do not edit. `archdsl explain L101` prints one.

`archdsl lint SPEC…` tells what compiles and is probably not meant. A SPEC is a file, with all its
networks, one of its networks, `file.arch:network`, or a network of the zoo. What is found at one
place of the text is told once, however many layers it stands for, with the way through the calls to
the first of them. The rules about the text itself, such as dead code, run where all of a file's
networks are linted.

The exit status is 1 if there are findings of level `warning` or errors, else 0. A finding of level
`info` is a hint to weigh: `--level info` shows those too.

## Which rules run

`--select L1,L204` runs these alone, `--ignore L5` leaves these out; a beginning of a code means all
rules that begin so. Without options the nearest configuration above the spec holds, an
`archdsl.toml`

    [lint]
    select = ["L1", "L2"]
    ignore = ["L204"]
    level = "info"

or a `pyproject.toml` with the same under `[tool.archdsl.lint]`. `--select` and `--level` take the
place of what is there, `--ignore` adds to it.

## Findings that are meant

    conv 3x3 64; bn; relu  # lint: ignore=L201 the weights that are loaded have this bias

ignores findings of the line; on a line of its own the comment is about the next statement's line.
On the line of a block's call it holds for what that call leads to, on the line where a network
begins for all of that network. `# lint: ignore-file=L102 reason` holds for all of the file. A
comment without a reason is a finding, and so is one that ignores nothing.

## Output

`--format json` (or `--json`) prints plain data, `github` the commands by which a workflow annotates
lines, `sarif` a log of SARIF 2.1.0. In Python, `net.lint()` gives the findings of a network, hints
too; `net.lint(level="warning")` leaves them out.

## Fixes

`--fix` mends what is certain, in the file itself; `--diff` shows what it would change and writes
nothing. Before a file is written it is compiled again, and every network of it must be what the
fixes claim: the same but for the bias that is gone, for example, with the same weights under the
same names. A fix whose claim does not hold is left out, and so is one at a place that another
network of the file needs as it is, or after which the network is not what the spec expects. Other
files that import this one are not looked at.
"""


def lint_reference() -> str:
    """The whole of docs/lint.md."""
    from archdsl.lint import all_rules
    from archdsl.lint.page import page
    from archdsl.lint.rule import GROUPS

    rules = all_rules()
    parts = [LINT, "## The rules", ""]
    for group, title in GROUPS.items():
        own = [r for r in rules if r.code.startswith(group)]
        rows = [f"| {r.code} | {r.level} | {r.title()} |" for r in own]
        head = [f"### {title}", "", "| code | level | finds |", "| --- | --- | --- |"]
        parts += [*head, *rows, ""] if own else []
    return "\n".join([*parts, *map(page, rules)])


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
