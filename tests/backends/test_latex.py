"""What is written for LaTeX compiles, where there is a LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from diagrams import HOSTILE, hostile_graph

import archdsl
from archdsl import styles
from archdsl.ir import Graph
from archdsl.pipeline import zoo_names

PROGRAM = shutil.which("pdflatex")


def has(*files: str) -> bool:
    """Whether the TeX that is here has these packages; each comes by itself in a distribution."""
    find = shutil.which("kpsewhich")
    return find is not None and all(
        subprocess.run([find, name], capture_output=True, check=False).stdout for name in files
    )


pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="there is no pdflatex"),
    pytest.mark.skipif(not has("tikz.sty", "phvr8t.tfm"), reason="TeX has no TikZ or Helvetica"),
]

# A page holds the widest picture of the zoo; its fonts are those that LaTeX has by itself (OT1).
HEAD = r"""\documentclass{article}
\usepackage{tikz}
\usepackage[paperwidth=4000bp,paperheight=3000bp,margin=10bp]{geometry}
\begin{document}
"""


def compiled(folder: Path, text: str) -> int:
    """The pages that pdfLaTeX makes of a document; any error or letter that it lacks fails."""
    assert PROGRAM is not None
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    command = [PROGRAM, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    done = subprocess.run(
        [*command, "paper.tex"], cwd=folder, capture_output=True, timeout=120, check=False
    )
    said = done.stdout.decode("latin-1")
    assert done.returncode == 0, said[-2000:]
    assert "Missing character" not in said
    assert "Overfull" not in said
    pages = re.search(r"\((\d+) pages?", said)
    return int(pages[1]) if pages else 0


def inputs(folder: Path, graphs: Sequence[Graph], style: str, **options: Any) -> str:
    """A document of a picture a page, each read from its file."""
    pages: list[str] = []
    for i, graph in enumerate(graphs):
        with warnings.catch_warnings(action="ignore"):
            styles.draw([graph], folder / f"{i}.tex", style, **options)
        pages.append(rf"\noindent\input{{{i}.tex}}\newpage")
    return HEAD + "\n".join(pages) + "\n\\end{document}\n"


@pytest.mark.parametrize("style", ["graph", "volumes", "table"])
def test_every_network_of_the_zoo_compiles(style: str, tmp_path: Path) -> None:
    graphs = [archdsl.zoo(name).graph for name in zoo_names()]
    assert compiled(tmp_path, inputs(tmp_path, graphs, style)) == len(graphs)


def test_a_table_of_several_networks_compiles(tmp_path: Path) -> None:
    graphs = [archdsl.zoo(name).graph for name in ("resnet18", "resnet50", "resnet152")]
    styles.draw(graphs, tmp_path / "table.tex", "table")
    assert compiled(tmp_path, HEAD + "\\noindent\\input{table}\n\\end{document}\n") == 1


@pytest.mark.parametrize("style", ["graph", "volumes", "table"])
def test_hostile_names_compile(style: str, tmp_path: Path) -> None:
    latin = "".join(map(chr, (*range(ord("!"), ord("~") + 1), *range(0xA0, 0x100))))
    letters = [latin[i : i + 20] for i in range(0, len(latin), 20)]  # a long name is cut
    graphs = [hostile_graph(text) for text in (*HOSTILE, *letters)]
    options = {} if style == "table" else {"label_with": ("path",)}
    assert compiled(tmp_path, inputs(tmp_path, graphs, style, **options)) == len(graphs)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes_compile(theme: str, tmp_path: Path) -> None:
    graph = archdsl.zoo("siamese").graph
    for style in ("graph", "volumes"):
        styles.draw([graph], tmp_path / f"{style}.tex", style, theme=theme)
    text = "\\noindent\\input{graph}\\newpage\\noindent\\input{volumes}\n\\end{document}\n"
    assert compiled(tmp_path, HEAD + text) == 2
