"""Diagrams as files: formats, fonts, what goes wrong, and names that mean harm."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
from diagrams import HOSTILE, INCEPTION, RESNET, TINY, graph, hostile_graph

from archdsl.backends import graphviz
from archdsl.backends.drawing.theme import LIGHT
from archdsl.backends.graphviz import rendering
from archdsl.errors import ArchError, BuildError, WriteError
from archdsl.ir import Graph

XML = "{http://www.w3.org/XML/1998/namespace}"

# Files


def test_drawing_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for suffix in ("svg", "png", "pdf"):
        graphviz.draw(graph(TINY), tmp_path / f"tiny.{suffix}")
    assert capfd.readouterr() == ("", "")


def test_each_suffix_gives_its_format(tmp_path: Path) -> None:
    starts = {
        "svg": b"<?xml",
        "png": b"\x89PNG",
        "PDF": b"%PDF",
        "gv": b"digraph",
        "dot": b"digraph",
    }
    for suffix, start in starts.items():
        path = tmp_path / "new folder" / f"tiny.{suffix}"
        graphviz.draw(graph(TINY), path)
        assert path.read_bytes().startswith(start)
    assert len(list(path.parent.iterdir())) == len(starts)


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "gv"])
def test_the_same_network_gives_the_same_bytes(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / f"1.{suffix}", tmp_path / f"2.{suffix}"
    graphviz.draw(graph(RESNET), first)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    graphviz.draw(Graph.from_json(graph(RESNET).to_json()), second)
    assert first.read_bytes() == second.read_bytes()


def test_text_is_in_the_font_that_comes_along(tmp_path: Path) -> None:
    graphviz.draw(graph(TINY), tmp_path / "tiny.pdf")
    data = (tmp_path / "tiny.pdf").read_bytes()
    streams = b"".join(map(inflated, re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S)))
    fonts = re.findall(rb"/BaseFont ?/\w+\+([\w-]+?)(?:-Identity-H)?[\s/>]", data + streams)
    assert set(fonts) == {b"Arimo", b"Arimo-Bold"}


def inflated(data: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompress(data)
    return data


@pytest.mark.parametrize("spec", [TINY, RESNET, INCEPTION], ids=["tiny", "resnet", "inception"])
def test_all_text_names_one_font(tmp_path: Path, spec: str) -> None:
    """Also the shapes beside edges: where DOT names none, Graphviz writes Times."""
    graphviz.draw(graph(spec), tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    fonts = {text.get("font-family") for text in root.iter(f"{SVG}text")}
    assert fonts == {LIGHT.font}


def test_pixels_show_letters(tmp_path: Path) -> None:
    """Without a font every letter is the same square, and two digits of one width look alike."""
    pictures: set[bytes] = set()
    for name in ("net1", "net7"):
        named = graph(TINY).model_copy(update={"name": name})
        graphviz.draw(named, tmp_path / f"{name}.png")
        pictures.add((tmp_path / f"{name}.png").read_bytes())
    assert len(pictures) == 2


def test_drawing_imports_neither_torch_nor_graphviz_s_c_code() -> None:
    code = f"""if True:
        import sys, tempfile, archdsl
        with tempfile.TemporaryDirectory() as folder:
            archdsl.parse({TINY!r}).draw(folder + "/tiny.svg")
        print(sorted({{"torch", "onnx", "numpy", "pygraphviz"}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


SVG = "{http://www.w3.org/2000/svg}"

# What goes wrong


def code(error: ArchError) -> str:
    return error.diagnostics[0].code


@pytest.mark.parametrize("name", ["net.gif", "net", "net.svgz", ".svg"])
def test_an_unknown_suffix_names_those_that_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(WriteError, match=r"\.svg, \.png, \.pdf, \.tex, \.gv, \.dot") as caught:
        graphviz.draw(graph(TINY), tmp_path / name)
    assert code(caught.value) == "A005"
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError) as caught:
        graphviz.draw(graph(TINY), tmp_path / "file" / "net.svg")
    assert code(caught.value) == "A005"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are looked for."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def without_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)


def test_without_graphviz(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_wheel(monkeypatch)
    path = tmp_path / "net.svg"
    path.write_text("earlier")
    with pytest.raises(BuildError) as caught:
        graphviz.draw(graph(TINY), path)
    assert code(caught.value) == "A703"
    assert path.read_text() == "earlier"
    assert {p.name for p in tmp_path.iterdir()} == {"net.svg", "programs"}
    graphviz.draw(graph(TINY), tmp_path / "net.gv")  # needs none


def test_spaces_count_where_an_older_dot_does_not_say_so(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graphviz 2.43, of Debian 12, leaves room for the space in `<text x="1"> linear</text>`."""
    install(
        programs, """echo '<svg ><text x="1"> a</text><text xml:space="preserve"> b</text></svg>'"""
    )
    without_the_wheel(monkeypatch)
    graphviz.draw(graph(TINY), tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    texts = [e for e in root.iter() if e.tag == "text"]
    assert [(e.text, e.get(f"{XML}space")) for e in texts] == [
        (" a", "preserve"),
        (" b", "preserve"),
    ]


def test_an_installed_dot_changes_nothing(tmp_path: Path, programs: Path) -> None:
    graphviz.draw(graph(TINY), tmp_path / "before.svg")
    install(programs, 'echo "drawn by dot"')
    graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == (tmp_path / "before.svg").read_text()


def test_without_the_wheel_an_installed_dot_draws(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, 'echo "drawn by dot"')
    without_the_wheel(monkeypatch)
    graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == "drawn by dot\n"


@pytest.mark.parametrize("script", ["raise SystemExit('no plugin')", ""])
def test_a_broken_wheel_is_passed_over(
    tmp_path: Path, programs: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "child.py").write_text(script)
    monkeypatch.setattr(rendering, "_CHILD", tmp_path / "child.py")
    install(programs, 'echo "drawn by dot"')
    graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == "drawn by dot\n"


def test_graphviz_s_own_words_are_told(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "echo 'Fontconfig warning: x' >&2; echo 'dot: out of memory' >&2; exit 1")
    without_the_wheel(monkeypatch)
    with pytest.raises(BuildError, match="dot: out of memory") as caught:
        graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert code(caught.value) == "A703"


def test_graphviz_is_not_waited_for_forever(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "exec /bin/sleep 30")
    without_the_wheel(monkeypatch)
    monkeypatch.setattr(rendering, "PATIENCE", 0.2)
    with pytest.raises(BuildError, match="xN") as caught:
        graphviz.draw(graph(TINY), tmp_path / "net.svg")
    assert code(caught.value) == "A701"


# Hostile names

ATTRIBUTES = {
    "class", "cx", "cy", "d", "fill", "font-family", "font-size", "font-weight", "height", "id",
    "points", "role", "rx", "ry", "stroke", "stroke-dasharray", "stroke-width", "text-anchor",
    "transform", "viewBox", "width", "x", "y", "{http://www.w3.org/1999/xlink}title",
    "{http://www.w3.org/XML/1998/namespace}space",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_shown_as_they_are(tmp_path: Path, text: str) -> None:
    network = hostile_graph(text)
    graphviz.draw(network, tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {
        "svg",
        "g",
        "a",
        "title",
        "desc",
        "text",
        "polygon",
        "polyline",
        "path",
        "ellipse",
    }
    assert {name for element in root.iter() for name in element.attrib} <= ATTRIBUTES
    assert len({e.get("id") for e in root.iter(f"{SVG}g")}) == len(list(root.iter(f"{SVG}g")))
    assert float(root.attrib["width"][:-2]) < 1500
    groups = root.iter(f"{SVG}g")
    lines = ["".join(t.text or "" for t in g.findall(f".//{SVG}text")) for g in groups]
    shown = "".join(c if c.isprintable() else "·" for c in text[:59]).strip()
    assert sum(shown in line for line in lines) >= len(network.nodes)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_change_nothing_but_names(text: str) -> None:
    import pygraphviz

    plain = pygraphviz.AGraph(string=graphviz.dot(hostile_graph("")))
    found = pygraphviz.AGraph(string=graphviz.dot(hostile_graph(text)))
    assert len(found.nodes()) == len(plain.nodes())
    assert len(found.edges()) == len(plain.edges())
    assert len(found.subgraphs()) == len(plain.subgraphs())
