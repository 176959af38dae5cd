"""TikZ: what Graphviz draws, with the same places; read by a reader of our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from diagrams import ALEXNET, HOSTILE, RESNET, TINY, graph, hostile_graph
from latex_reader import TIKZ, read

from archdsl.backends import graphviz
from archdsl.backends.drawing import Options, latex
from archdsl.backends.drawing.options import read_length
from archdsl.errors import BuildError
from archdsl.ir import Graph


def tikz(tmp_path: Path, network: Graph, **options: object) -> str:
    path = tmp_path / "net.tex"
    graphviz.draw(network, path, Options(**options))  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", [TINY, ALEXNET, RESNET])
def test_it_is_one_picture_of_known_commands(tmp_path: Path, spec: str) -> None:
    commands = read(tikz(tmp_path, graph(spec)), TIKZ)
    assert commands.count("begin") == commands.count("end") == 1
    assert commands.count("node") > 10


def test_it_shows_what_the_svg_shows(tmp_path: Path) -> None:
    """The same texts; and where the SVG has a text, TikZ has it, but for the upward axis."""
    network = graph(RESNET)
    text = tikz(tmp_path, network, depth=2)
    graphviz.draw(network, tmp_path / "net.svg", Options(depth=2))
    svg = (
        (tmp_path / "net.svg")
        .read_text(encoding="utf-8")
        .replace("&#160;", " ")
        .replace("\xa0", " ")
    )
    found = re.findall(r'anchor="start" x="([\d.-]+)" y="([\d.-]+)"[^>]*>([a-z\d ]+)</text>', svg)
    theirs = sorted((float(x), -float(y), words.strip()) for x, y, words in found if words.strip())
    nodes = re.findall(r"at \(([\d.-]+), ([\d.-]+)\) \{.*?selectfont (?:\\bfseries )?(.*)\};", text)
    plain = [(float(x), float(y), words.replace("~", " ").strip()) for x, y, words in nodes]
    ours = sorted(item for item in plain if re.fullmatch("[a-z0-9 ]+", item[2]))
    assert len(ours) == len(theirs) > 15
    for (x, y, a), (left, up, b) in zip(ours, theirs, strict=True):
        assert (x, y, a) == (pytest.approx(left, abs=0.1), pytest.approx(up, abs=0.1), b)


def test_the_width_is_the_one_asked_for(tmp_path: Path) -> None:
    whole, half = (tikz(tmp_path, graph(TINY), width=w) for w in (None, 100))
    assert "x=1bp, y=1bp" in whole
    (found,) = re.findall(r"x=([\d.]+)bp", half)
    rights = [float(x) for x in re.findall(r"\(([\d.]+), [\d.-]+\)", whole)]
    assert float(found) * max(rights) == pytest.approx(100, rel=0.06)
    assert r"\fontsize{14bp}" in whole and r"\fontsize{14bp}" not in half


def test_what_is_too_long_for_tex_is_refused_with_a_width_that_is_not(tmp_path: Path) -> None:
    branches = " | ".join("conv 1x1 2; relu" for _ in range(200))
    network = graph(f"input 3x8x8; concat {{ {branches} }}")
    with pytest.raises(BuildError, match="TeX takes 16,000") as caught:
        tikz(tmp_path, network)
    assert not list(tmp_path.iterdir())
    found = re.search(r"--width (\d+cm)", caught.value.diagnostics[0].help)
    assert found is not None
    assert tikz(tmp_path, network, width=read_length(found[1]))


@pytest.mark.parametrize("text", [*HOSTILE, r"\input{/etc/passwd}", "$x_1^2$ %", "[*] -- `' ^^41"])
def test_hostile_names_are_text(tmp_path: Path, text: str) -> None:
    plain = read(tikz(tmp_path, hostile_graph("")), TIKZ)
    found = read(tikz(tmp_path, hostile_graph(text)), TIKZ)
    for command in ("begin", "definecolor"):  # a text may be in several nodes, but draws nothing
        assert found.count(command) == plain.count(command)


def test_the_reader_refuses() -> None:
    for wrong in (
        r"{",
        r"}",
        r"$a",
        r"a_b",
        r"\input{x}",
        r"\begin{a}\end{b}",
        "層",
        "^^41",
        r"\'",
    ):
        with pytest.raises(ValueError, match=r"known|brace|stands|ends|open"):
            read(wrong, TIKZ)
    assert read(latex.escape(r"\input{x} $a_1^2$ % & # ~ 層"), set()) != []
