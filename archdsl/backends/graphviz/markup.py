"""Labels in Graphviz's HTML-like markup; all that comes from a spec passes through here.

A name may hold what means something in markup, XML or DOT. It is shown as it is; a long one is cut.
"""

from __future__ import annotations

from hashlib import sha256
from html import escape

from archdsl.errors import printable

LONGEST = 60  # characters of a text in the picture
LONGEST_IDENTIFIER = 1000
GAP = " &#160;"


def clip(text: str, longest: int = LONGEST) -> str:
    """The beginning of a text, marked as such, if it is too long to be shown."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text(words: str) -> str:
    r"""Text within markup; a backslash on its own, for Graphviz puts the node's name for `\N`."""
    return escape(printable(clip(words))).replace("\\", "<FONT>&#92;</FONT>")


def plain(words: str, longest: int = LONGEST) -> str:
    r"""Text for an attribute that is no markup: `\N`, `&lt;` and a leading `<` mean themselves."""
    import graphviz

    return graphviz.escape(printable(clip(words, longest)).replace("&", "&amp;"))


def identifier(path: str) -> str:
    """An identifier for DOT and SVG: the path, with the codes of all but letters, digits, `._/`.

    Graphviz reads strings of up to 16,384 bytes, so a long one ends in a digest of the whole.
    """
    found = "".join(c if c.isalnum() or c in "._/" else f"-{ord(c):x}-" for c in path)
    if len(found) <= LONGEST_IDENTIFIER:
        return found
    return f"{found[:LONGEST_IDENTIFIER]}-{sha256(found.encode()).hexdigest()[:16]}"


def bold(words: str) -> str:
    return f"<B>{text(words)}</B>" if words else ""


def layer(words: str, copies: int) -> str:
    """A layer: its name in bold, its arguments, and how often it is repeated."""
    name, space, arguments = clip(words).partition(" ")
    # Graphviz takes each letter for a whole number of pixels wide, bold ones for too narrow: where
    # the picture is seen elsewhere, a long word would touch the next.
    apart = "&#160;" * (2 + len(name) // 8) if space else ""
    times = GAP + bold(f"×{copies}") if copies > 1 else ""
    return f"{bold(name)}{apart}{text(arguments)}{times}"


def font(words: str, size: int, color: str) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{color}">{text(words)}</FONT>'


def cell(content: str, width: int = 0, height: int = 0, align: str = "", valign: str = "") -> str:
    """A cell of at least that size in points, its content in the middle unless told otherwise."""
    given = {"WIDTH": width, "HEIGHT": height, "ALIGN": align, "VALIGN": valign}
    attributes = "".join(f' {name}="{value}"' for name, value in given.items() if value)
    return f"<TD{attributes}>{content}</TD>"


def swatch(color: str, line: str, width: int, height: int = 8, dashed: bool = False) -> str:
    """A little rectangle of a colour, as a cell."""
    style = ' STYLE="dashed"' if dashed else ""
    outside = f'FIXEDSIZE="TRUE" WIDTH="{width + 2}" HEIGHT="{height + 2}"'  # with its border
    return (
        f'<TD><TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" BGCOLOR="{color}" '
        f'COLOR="{line}"{style} {outside}><TR><TD></TD></TR></TABLE></TD>'
    )


def table(*rows: list[str]) -> str:
    """Cells in rows, without lines or distances."""
    inside = "".join(f"<TR>{''.join(cells)}</TR>" for cells in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{inside}</TABLE>'


def html(content: str) -> str:
    """A label that is markup, as DOT marks it."""
    return f"<{content}>"
