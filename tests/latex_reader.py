"""Reads LaTeX as far as our files use it, and refuses the rest; few machines have a LaTeX.

Braces and environments must close, only known commands may occur, and none of TeX's other active
characters may stand outside of the places that we put them in.
"""

from __future__ import annotations

import re

SYMBOLS = {
    "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar",
    "symbol", "textquotesingle", "textasciigrave", "dots", "times", "cdot",
}  # fmt: skip
ESCAPED = set("{}$&#%_")
TABLE = {"begin", "end", "hline", "multicolumn", "left", "right", "mbox", "noalign", "vskip"}
TIKZ = {"begin", "end", "fontfamily", "selectfont", "fontsize", "definecolor", "path", "node",
        "bfseries"}  # fmt: skip
_TOKEN = re.compile(r"\\([A-Za-z]+)|\\(.)|(%[^\n]*)|(.)", re.S)


def read(text: str, known: set[str]) -> list[str]:
    """The commands of a text, in order.

    Raises:
        ValueError: a brace, an environment or a formula is not closed, or a command is not known.
    """
    commands: list[str] = []
    depth, formula = 0, False
    for match in _TOKEN.finditer(text):
        word, escaped, comment, letter = match.groups()
        if comment is not None:
            continue
        if word is not None:
            if word not in known | SYMBOLS:
                raise ValueError(f"\\{word} is not known")
            commands.append(word)
        elif escaped is not None:
            if escaped not in ESCAPED and escaped != "\\":
                raise ValueError(f"\\{escaped!r} is not known")
        elif letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth < 0:
                raise ValueError("a brace too many")
        elif letter == "$":
            formula = not formula
        elif letter in "^_#" or (not letter.isprintable() and letter != "\n") or letter > "\xff":
            raise ValueError(f"{letter!r} stands alone")
    if depth or formula:
        raise ValueError("a brace or a formula is open")
    stack: list[str] = []
    for which, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if which == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            raise ValueError(f"{name} ends where it did not begin")
    if stack:
        raise ValueError(f"{stack} is open")
    return commands
