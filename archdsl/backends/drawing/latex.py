"""Text for LaTeX, whatever is in it: it is shown as it is and does nothing."""

from __future__ import annotations

from archdsl.errors import printable

_WRITTEN = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",  # \textquotedbl stops LaTeX in OT1
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # behind a line's end it would open an argument, as the star would
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",  # two are a dash otherwise
    "×": r"$\times$",
    "·": r"$\cdot$",
    "…": r"\dots{}",
    "−": r"$-$",
    "↑": r"$\uparrow$",
    "\xa0": "~",
}
_ICELANDIC = "ÐÞðþ"  # which OT1, the encoding of a document that asks for none, does not have


def escape(text: str) -> str:
    r"""Text that LaTeX sets as it is.

    What pdfLaTeX has no letter for is written as its code point, so that the file compiles.

    >>> escape(r"50% of \N in a_b"), escape("層")
    ('50\\% of \\textbackslash{}N in a\\_b', 'U+5C64')
    """
    return "".join(map(_escaped, printable(text)))


def _escaped(c: str) -> str:
    if c in _WRITTEN:
        return _WRITTEN[c]
    known = " " <= c <= "~" or ("\xc0" <= c <= "\xff" and c not in _ICELANDIC)
    return c if known else f"U+{ord(c):04X}"
