"""The page: a frame of HTML, one style, one script, the data and the pictures, in one text.

The style and the script are files in `static`, joined in the order given here. The page allows
them by their hashes and nothing else (its content security policy): no other script, no request, no
`eval`. The data is JSON in which no `<` is left, so that nothing in a label can end the element.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from archdsl.backends.drawing import THEMES, Theme

STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "dom", "numbers", "network", "links", "tabs", "highlight", "source", "unfold", "diagram",
    "panzoom", "table", "charts", "memory", "field", "code", "compare", "inspector", "search",
    "theme", "main",
)  # fmt: skip
STYLES = ("colors", "page", "source", "diagram", "table", "charts", "panels", "print")


def page(
    title: str, data: Mapping[str, Any], pictures: Sequence[Sequence[str]], live: str = ""
) -> str:
    """The whole file.

    Args:
        title: of the document.
        data: see `archdsl.backends.report.data`.
        pictures: the SVGs of each network, the coarsest first.
        live: the version of a page that is served and asks for news of itself.
    """
    script = joined("js", (*SCRIPTS, *(("keep", "live") if live else ())))
    style = themed() + joined("css", (*STYLES, *(("live",) if live else ())))
    templates = (
        f'<template data-network="{n}" data-level="{i}">{svg}</template>\n'
        for n, svgs in enumerate(pictures)
        for i, svg in enumerate(svgs)
    )
    return Template(_read("page.html")).substitute(
        title=escape(title),
        policy=escape(_policy(script, style, bool(live))),
        live=f' data-live="{escape(live)}"' if live else "",
        style=style,
        data=inert_json(data),
        pictures="".join(templates),
        script=script,
    )


def waiting(title: str, live: str) -> str:
    """A served page that has no network to show yet, and waits for one."""
    script, style = _read("live.js"), _read("live.css")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{escape(_policy(script, style, True))}">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body data-live="{escape(live)}">\n<script>{script}</script>\n</body>\n</html>\n'
    )


def joined(suffix: str, names: Sequence[str]) -> str:
    """Files of `static`, one after another; each script is in a scope of its own but for `app`."""
    return "\n".join(_read(f"{name}.{suffix}") for name in names)


def inert_json(data: Any) -> str:
    r"""JSON that is nothing but text to an HTML parser.

    >>> inert_json("</script><!--")
    '"\\u003c/script>\\u003c!--"'
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    for character in "<\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def themed() -> str:
    """The colours of diagrams as variables of CSS; those of the dark theme by `light-dark()`."""
    light, dark = _colors(THEMES["light"]), _colors(THEMES["dark"])
    lines = "".join(f"  --{key}: light-dark({light[key]}, {dark[key]});\n" for key in light)
    return f":root {{\n{lines}}}\n"


def _colors(theme: Theme) -> dict[str, str]:
    found = {f"fill-{look}": color for look, color in theme.fills.items()}
    for name in ("paper", "ink", "muted", "line", "frame"):
        found[f"picture-{name}"] = getattr(theme, name)
    return found


def _policy(script: str, style: str, live: bool = False) -> str:
    parts = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if live:
        parts["connect-src"] = "'self'"
    return "; ".join(f"{key} {value}" for key, value in parts.items())


def _hash(text: str) -> str:
    """The source expression that allows an element of just this text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _read(name: str) -> str:
    return (STATIC / name).read_text("utf-8")
