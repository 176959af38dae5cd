"""Layer tables: against the tables of the papers, and in every format as text that does nothing."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from diagrams import HOSTILE, hostile_graph
from latex_reader import TABLE, read

import archdsl
from archdsl.backends import layer_table
from archdsl.backends.drawing import Options
from archdsl.backends.layer_table.rows import LayerTable
from archdsl.backends.layer_table.rows import layer_table as table_of
from archdsl.errors import WriteError

SVG = "{http://www.w3.org/2000/svg}"
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
VGGS = ("vgg11", "vgg11_lrn", "vgg13", "vgg16c", "vgg16", "vgg19")
FORMATS = ("svg", "html", "md", "tex")


def table(*names: str) -> LayerTable:
    return table_of([archdsl.zoo(name).graph for name in names])


def cells(found: LayerTable, size: str) -> list[list[str]]:
    return [["; ".join(map(str, c)) for c in row.cells] for row in found.rows if row.size == size]


def test_densenet_as_in_table_1_of_its_paper() -> None:
    """Huang et al. 2017: the convolution of a transition stands in the row of its pool's maps."""
    found = table("densenet121", "densenet161")
    rows = [(row.size, *(" ".join(map(str, cell)) for cell in row.cells)) for row in found.rows]
    assert rows[2:6] == [
        ("56x56", "denseblock 6 32", "denseblock 6 48"),
        ("28x28", "1x1, 128 denseblock 12 32", "1x1, 192 denseblock 12 48"),
        ("14x14", "1x1, 256 denseblock 24 32", "1x1, 384 denseblock 36 48"),
        ("7x7", "1x1, 512 denseblock 16 32", "1x1, 1056 denseblock 24 48"),
    ]


def test_resnets_as_in_table_1_of_their_paper() -> None:
    """He et al. 2015, table 1; the strides of conv3_1, conv4_1 and conv5_1 are in its caption."""
    found = table(*RESNETS)
    assert [row.size for row in found.rows] == [
        "112x112", "56x56", "56x56", "28x28", "14x14", "7x7", "1x1", "1000",
    ]  # fmt: skip
    assert cells(found, "112x112") == [["7x7, 64, stride 2"] * 5]
    pool, conv2 = cells(found, "56x56")
    assert set(pool) == {"maxpool 3x3, stride 2"}
    deep = "[1x1, 64; 3x3, 64; 1x1, 256] x3"
    assert conv2 == ["[3x3, 64; 3x3, 64] x2", "[3x3, 64; 3x3, 64] x3", deep, deep, deep]
    blocks = {"28x28": (2, 4, 4, 4, 8), "14x14": (2, 6, 6, 23, 36), "7x7": (2, 3, 3, 3, 3)}
    for width, (size, counts) in zip((128, 256, 512), blocks.items(), strict=True):
        two = f"[3x3, {width}; 3x3, {width}]"
        three = f"[1x1, {width}; 3x3, {width}; 1x1, {4 * width}]"
        expected = [
            f"{b} x{n}" for b, n in zip((two, two, three, three, three), counts, strict=True)
        ]
        assert cells(found, size) == [expected]
    assert cells(found, "1000") == [["fc 1000"] * 5]
    assert dict(found.figures)["MACs"] == ("1.81G", "3.66G", "4.09G", "7.8G", "11.5G")
    assert dict(found.figures)["FLOPs"][0] == "3.63G"
    assert "Strides inside of blocks are left out; the sizes tell them." in found.notes


def test_vggs_as_in_table_1_of_their_paper() -> None:
    """Simonyan & Zisserman 2014: A, A-LRN, B, C, D, E."""
    found = table(*VGGS)
    assert cells(found, "224x224") == [["3x3, 64", "3x3, 64; lrn", *["3x3, 64 x2"] * 4]]
    assert [row.size for row in found.rows].count("112x112") == 2  # a pool, and two convolutions
    thirds = ["3x3, 256 x2"] * 3 + ["3x3, 256 x2; 1x1, 256", "3x3, 256 x3", "3x3, 256 x4"]
    assert thirds in cells(found, "56x56")
    assert cells(found, "4096") == [["fc 4096 x2"] * 6]
    assert dict(found.figures)["parameters"] == ("133M", "133M", "133M", "134M", "138M", "144M")


def test_one_network_and_a_note_of_what_is_left_out() -> None:
    found = table("googlenet")
    assert "inception 64 96 128 16 32 32" in cells(found, "28x28")[1][0]
    assert "Heads that exist in training only are left out." in found.notes
    assert not cells(found, "1024 1000")
    assert "Not shown: relu" in " ".join(found.notes)


def test_what_is_shown_is_not_said_to_be_left_out() -> None:
    unit = "sequence { conv 3x3 8 pad=1; relu; maxpool 3x3 stride=1 pad=1 } x3"
    text = layer_table.text([archdsl.parse(f"input 3x32x32; {unit}; gap; fc 10").graph])
    assert "maxpool 3x3, stride 1" in text
    assert "Not shown: relu." in text


def test_what_is_left_out_inside_of_blocks_alone_is_said_so() -> None:
    spec = "input 3x8x8; output side { conv 3x3 4; relu; gap; fc 2 }; conv 3x3; gap; fc 2"
    found = table_of([archdsl.parse(spec).graph])
    assert "gap" in {str(group) for row in found.rows for group in row.cells[0]}
    assert "Not shown: relu, gap inside of blocks." in found.notes


def test_rows_that_look_the_same_all_stay() -> None:
    spec = "input 3x8x8; " + "conv 3x3; maxpool 3x3 stride=1 pad=1; " * 3
    text = layer_table.text([archdsl.parse(spec).graph])
    assert text.count("maxpool 3x3") == 3


def test_the_two_columns_of_alexnet() -> None:
    """Figure 2 of Krizhevsky et al. (2012): the layers of both GPUs beside each other."""
    found = table("alexnet_columns")
    assert cells(found, "55x55") == [["11x11, 48, stride 4 x2; lrn"]]
    assert cells(found, "13x13") == [
        ["maxpool 3x3, stride 2"],
        ["3x3, 384; 3x3, 192 x2; 3x3, 128 x2"],
    ]
    assert cells(found, "6x6") == [["maxpool 3x3, stride 2 x2"]]


BRANCH = "conv 3x3 6; relu; conv 1x1 3"


@pytest.mark.parametrize(
    ("body", "cell"),
    [
        (f"concat 3 {{ {BRANCH} }}", "3x3, 6 x3; 1x1, 3 x3"),
        (f"concat 2 {{ {BRANCH} }} x2", "[3x3, 6; 3x3, 6; 1x1, 3; 1x1, 3] x2"),
        (f"concat {{ {BRANCH} | conv 5x5 6; relu; conv 1x1 3 }}", "3x3, 6; 1x1, 3; 5x5, 6; 1x1, 3"),
        (f"concat {{ {BRANCH} | {BRANCH}; conv 1x1 5 }}", "3x3, 6; 1x1, 3; 3x3, 6; 1x1, 3; 1x1, 5"),
        (f"residual {{ {BRANCH} }}", "3x3, 6; 1x1, 3"),
        # What a block gives may fork, and a branch may go on with one.
        (f"unit; concat 2 {{ {BRANCH} }}", "[1x1, 2; 3x3, 4]; 3x3, 6 x2; 1x1, 3 x2"),
        (
            f"concat {{ {BRANCH} | {BRANCH}; unit }}",
            "3x3, 6; 1x1, 3; 3x3, 6; 1x1, 3; [1x1, 2; 3x3, 4]",
        ),
        # The inner branches of two that are alike stay in each.
        ("concat 2 { conv 1x1 4; concat 2 { conv 3x3 2 } }", "1x1, 4 x2; 3x3, 2 x4"),
    ],
)
def test_branches_that_are_alike_are_told_once(body: str, cell: str) -> None:
    unit = "block unit { conv 1x1 2; conv 3x3 4 }"
    found = table_of([archdsl.parse(f"{unit}\ninput 3x8x8; {body}").graph])
    (row,) = found.rows
    assert "; ".join(map(str, row.cells[0])) == cell


@pytest.mark.parametrize(
    ("body", "cell"),
    [
        ("hidden: { conv 5x5 8; relu; { conv 3x3 8; relu } x11 }", "5x5, 8; 3x3, 8 x11"),
        ("down: { maxpool 2x2; relu }", "maxpool 2x2"),
        ("s: { { conv 1x1 4; residual { conv 3x3; bn } } x2 }", "[1x1, 4; 3x3, 4] x2"),
        ("s: { { conv 3x3; maxpool 2x2; upsample 2 } x3 }", "[3x3, 3; maxpool 2x2] x3"),
        ("s: { { conv 3x3 (4 + i); conv 1x1 4 } x2 as i }", "3x3, 4; 1x1, 4; 3x3, 5; 1x1, 4"),
    ],
)
def test_labelled_sequences(body: str, cell: str) -> None:
    (row,) = table_of([archdsl.parse(f"input 3x8x8; {body}").graph]).rows
    assert "; ".join(map(str, row.cells[0])) == cell


ENCODERS = "{ residual { ln; attention 4 }; residual { ln; fc 256; gelu; fc 64 } } x36"


@pytest.mark.parametrize("body", [ENCODERS, f"encoders: {{ {ENCODERS} }}"])
def test_layers_that_are_repeated_together_are_a_group(body: str) -> None:
    (row,) = table_of([archdsl.parse(f"input 128x64; {body}").graph]).rows
    assert row.size == "128x64"
    assert list(map(str, row.cells[0])) == ["[attention 4; fc 256; fc 64] x36"]


def test_the_layers_of_an_output_have_a_row_of_their_own() -> None:
    spec = "input 3x8x8; conv 3x3 8; output boxes { conv 3x3 4; conv 1x1 4 }; conv 1x1 2"
    rows = table_of([archdsl.parse(spec).graph]).rows
    assert [(row.name, "; ".join(map(str, row.cells[0]))) for row in rows] == [
        ("conv1", "3x3, 8"),
        ("boxes", "[3x3, 4; 1x1, 4]"),
        ("conv2", "1x1, 2"),
    ]


def test_repetitions_within_repetitions_are_read_once_each() -> None:
    body = "conv 3x3 4; conv 1x1 4"
    for _ in range(11):
        body = f"{{ {body} }} x2"
    started = time.perf_counter()
    (row,) = table_of([archdsl.parse(f"input 3x8x8; {body}").graph]).rows
    assert time.perf_counter() - started < 10
    assert list(map(str, row.cells[0])) == ["[3x3, 4; 1x1, 4] x2048"]


def test_networks_that_differ_have_rows_of_their_own() -> None:
    found = table("lenet", "resnet18")
    assert any(row.cells[0] and not row.cells[1] for row in found.rows)
    assert any(row.cells[1] and not row.cells[0] for row in found.rows)


def test_every_layer_of_the_zoo_fits_some_table() -> None:
    from archdsl.pipeline import zoo_names

    for name in zoo_names():
        found = table(name)
        assert len(found.rows) > 0, name
        assert all(row.cells[0] for row in found.rows), name


def write(tmp_path: Path, form: str, *names: str, **options: object) -> str:
    path = tmp_path / f"table.{form}"
    graphs = [archdsl.zoo(name).graph for name in names]
    layer_table.draw(graphs, path, Options(**options))  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


class Tags(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_every_entry(tmp_path: Path, form: str) -> None:
    text = write(tmp_path, form, *RESNETS)
    shown = re.sub(r"<[^>]*>|\\[a-z]+|[{}$\\&|]", " ", text.replace("{-}", "-"))
    for word in (*RESNETS, "3x3, 512", "1x1, 2048", "fc 1000", "60.2M", "23G", "112x112"):
        assert word in shown, word
    assert text == write(tmp_path, form, *RESNETS)


def test_html_is_a_table_that_loads_nothing(tmp_path: Path) -> None:
    found = Tags(write(tmp_path, "html", *RESNETS))
    assert {"table", "thead", "tbody", "tfoot", "caption"} <= set(found.tags)
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    assert found.attributes == {"charset", "class", "colspan", "lang", "scope"}


def test_latex_reads(tmp_path: Path) -> None:
    text = write(tmp_path, "tex", *RESNETS)
    read(text, TABLE)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    for row in rows:
        inside = re.sub(r"\\begin\{tabular\}\{@.*?\\end\{tabular\}", "", row)
        spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d)\}", inside))
        assert inside.count(" & ") + spans == 6


def test_the_svg_s_letters_stay_in_their_columns(tmp_path: Path) -> None:
    from archdsl.backends.drawing.text import width

    root = ElementTree.fromstring(write(tmp_path, "svg", *VGGS))
    total = float(root.attrib["viewBox"].split()[2])
    rows: dict[str, list[tuple[float, float]]] = {}
    for text in root.iter(f"{SVG}text"):
        x, wide = float(text.attrib["x"]), width(text.text or "", 10) - 2
        left = x if text.get("text-anchor") == "start" else x - wide / 2
        assert left >= 0 and left + wide <= total
        rows.setdefault(text.attrib["y"], []).append((left, left + wide))
    for spans in rows.values():
        ordered = sorted(spans)
        assert all(a[1] <= b[0] for a, b in pairwise(ordered))


def test_the_svg_is_as_wide_as_asked(tmp_path: Path) -> None:
    root = ElementTree.fromstring(write(tmp_path, "svg", "vgg16", width=226.77))
    assert root.attrib["width"] == "226.77pt"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text(tmp_path: Path, text: str) -> None:
    for form in FORMATS:
        for name, network in (("plain", hostile_graph("")), ("hostile", hostile_graph(text))):
            layer_table.draw([network], tmp_path / f"{name}.{form}")
    plain, found = ((tmp_path / f"{n}.html").read_text("utf-8") for n in ("plain", "hostile"))
    assert Tags(found).tags == Tags(plain).tags
    assert Tags(found).attributes == Tags(plain).attributes
    svg = [ElementTree.parse(tmp_path / f"{n}.svg") for n in ("plain", "hostile")]
    tags, attributes = zip(*(({e.tag for e in r.iter()}, {a for e in r.iter() for a in e.attrib})
                             for r in svg), strict=True)  # fmt: skip
    assert tags[0] == tags[1] and attributes[0] == attributes[1]
    plain, found = ((tmp_path / f"{n}.tex").read_text("utf-8") for n in ("plain", "hostile"))
    assert read(found, TABLE).count("begin") == read(plain, TABLE).count("begin")
    assert found.count("\n") == plain.count("\n")
    plain, found = ((tmp_path / f"{n}.md").read_text("utf-8") for n in ("plain", "hostile"))
    assert found.count("\n") == plain.count("\n")
    for line, other in zip(found.splitlines(), plain.splitlines(), strict=True):
        assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", other))
        assert not re.search(r"<(?!br>)", line)


def test_an_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"\.svg, \.png, \.pdf, \.html, \.md, \.tex"):
        layer_table.draw([archdsl.zoo("lenet").graph], tmp_path / "a.xls")
