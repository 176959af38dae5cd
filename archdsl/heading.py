"""What the comment at the head of a spec says: words about it, and the paper that it is from."""

from __future__ import annotations

import re


def heading(text: str) -> str:
    r"""The comment that a spec begins with, as one paragraph; empty if there is none.

    >>> heading("# A net\n# of two lines.\ninput 3\n")
    'A net of two lines.'
    """
    head = re.match(r"(#[^\n]*(\n|$))*", text)
    lines = (head.group() if head else "").splitlines()
    return " ".join(" ".join(line.lstrip("#") for line in lines).split())


def paper(text: str) -> str:
    r"""The first source that it cites, such as `He, Zhang, Ren & Sun, 2015`; empty if none.

    >>> paper("# Residual networks (He et al., 2015, table 1).\n")
    'He et al., 2015'
    """
    cited = re.search(r"\(([^()]*\d{4})[^()]*\)", heading(text))
    return cited.group(1) if cited else ""
