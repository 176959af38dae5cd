"""PDF and PNG of an SVG, by Typst.

Its wheel carries all that it needs, it takes our fonts where the system has none, and it leaves
text as text in a PDF.
"""

from __future__ import annotations

from archdsl.backends.volumes.measure import COVERED, FONTS, clip

# The SVG and the name come as data, so that nothing in them is read as Typst's language.
_PAGE = """\
#set document(title: sys.inputs.name, date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.name)
"""


def render(svg: str, pdf: bool, dpi: int, name: str) -> bytes:
    """The picture as PDF, or as PNG of so many pixels an inch; the same bytes for the same SVG."""
    import typst

    fonts = typst.Fonts(not COVERED.fullmatch(svg), False, [FONTS])
    found = typst.compile(
        _PAGE.encode(),
        format="pdf" if pdf else "png",
        ppi=float(dpi),
        font_paths=fonts,
        sys_inputs={"svg": svg, "name": clip(name)},
    )
    assert isinstance(found, bytes)  # one page
    return found
