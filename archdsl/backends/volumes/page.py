"""PDF and PNG of an SVG, by Typst: its wheel carries all that it needs, it finds our fonts without
any in the system, and it leaves text as text in a PDF.
"""

from __future__ import annotations

from archdsl.backends.volumes.measure import FONTS

# The SVG and the name come as data, so that nothing in them is read as Typst's language.
_PAGE = """\
#set document(title: sys.inputs.name, date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.name)
"""


def render(svg: str, form: str, dpi: int, name: str) -> bytes:
    """The picture as `pdf` or `png`, the same bytes for the same SVG; `dpi` is of a PNG."""
    import typst

    found = typst.compile(
        _PAGE.encode(),
        format=form,
        ppi=float(dpi),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"svg": svg, "name": name},
        timestamp=0,
    )
    assert isinstance(found, bytes)  # one page
    return found
