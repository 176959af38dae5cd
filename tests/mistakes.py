"""docs/mistakes.md: the specs of errors/mistakes, each with what it is told.

A spec begins with comments: where the mistake was made, `# owner/repo#number: what happened.`, and
perhaps `# It says: …`, the other tool's own words, and `# Here: …`.
"""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.elaborate import elaborate, network_names
from archdsl.errors import ArchError
from archdsl.source import Source
from archdsl.syntax import parse

FOLDER = Path(__file__).parent / "errors" / "mistakes"
_EXPECTED = re.compile(r" *#! .*")

HEAD = """\
# Twenty mistakes, and what is said to them

Mistakes that people made with other tools, each from a thread of its own, written as a spec. Below
each stands what that tool said, where the thread tells, and what `archdsl check` says: the place,
both shapes, the way through the calls, a way out. Some of them cannot be made here; then the spec
shows the nearest one that can. This page is made from the specs in `tests/errors/mistakes`, and a
test compares it.
"""


def page() -> str:
    """The page, in Markdown."""
    parts = [entry(number, path) for number, path in enumerate(sorted(FOLDER.glob("*.arch")), 1)]
    return "\n".join([HEAD, *parts])


def entry(number: int, path: Path) -> str:
    """One mistake."""
    lines = path.read_text(encoding="utf-8").splitlines()
    told = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    spec = [_EXPECTED.sub("", line) for line in lines if not line.startswith("# ")]
    thread, _, what = told[0].partition(": ")
    repository, _, issue = thread.partition("#")
    said = {key: text for key, _, text in (line.partition(": ") for line in told[1:])}
    title = path.stem.partition("_")[2].replace("_", " ")
    parts = [
        f"## {number}. {title[0].upper()}{title[1:]}",
        f"{what[0].upper()}{what[1:]} ([{thread}](https://github.com/{repository}/issues/{issue}))",
    ]
    if "It says" in said:
        parts.append(f"It said: `{said['It says']}`")
    if "Here" in said:
        parts.append(f"{said['Here'][0].upper()}{said['Here'][1:]}")
    text = "\n".join(spec) + "\n"
    parts += [f"```arch\n{text}```", f"```text\n{answer(text)}\n```"]
    return "\n\n".join(parts) + "\n"


def answer(text: str) -> str:
    """What a spec is told."""
    try:
        spec = parse(Source(text, "net.arch"))
        for name in network_names(spec) or [None]:
            elaborate(spec, name)
    except ArchError as error:
        return "\n\n".join(d.render() for d in error.diagnostics)
    raise ValueError(f"there is nothing wrong with\n{text}")
