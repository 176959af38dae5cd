"""Pages: what they say is what the analyses say, no text becomes markup, they are small."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl import zoo
from archdsl.analyses import memory
from archdsl.analyses.by_source import by_line
from archdsl.backends import report
from archdsl.backends.report.page import SCRIPTS, STATIC, STYLES
from archdsl.backends.report.runs import runs
from archdsl.network import Network

NETWORKS = (
    "alexnet",
    "resnet50",
    "googlenet",
    "siamese",
    "unet",
    "vit_base_patch16_224",
    "wavenet",
)
each_network = pytest.mark.parametrize("name", NETWORKS)
LARGEST = 1_500_000  # bytes of a page, for ResNet-152


def html(*networks: Network) -> str:
    return report.html([network.subject() for network in networks])


def data(text: str) -> Any:
    """The JSON of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def members(found: list[int]) -> Iterator[int]:
    for start, end in zip(found[::2], found[1::2], strict=True):
        yield from range(start, end)


class Page(HTMLParser):
    """The elements of a page, their attributes, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.get(tag, []).append("")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        self.lasttag = ""

    def handle_data(self, data: str) -> None:
        if self.lasttag in self.texts:
            self.texts[self.lasttag][-1] += data


# What it says


@each_network
def test_the_figures_are_those_of_the_analyses(name: str) -> None:
    network = zoo(name)
    (found,) = data(html(network))["networks"]
    summary = network.summary()
    layers = found["layers"]
    assert layers["path"] == [layer.path for layer in summary.layers]
    assert layers["params"] == [layer.params for layer in summary.layers]
    assert layers["macs"] == [layer.macs for layer in summary.layers]
    assert sum(layers["params"]) == found["totals"]["params"] == summary.params
    for key in ("params", "macs"):
        assert sum(stage[key] for stage in found["stages"]) == sum(layers[key])
    assert [*members(runs(i for s in found["stages"] for i in members(s["layers"])))] == [
        *range(len(summary.layers))
    ]
    for kind, course in (
        ("inference", memory.inference(network.graph)),
        ("training", memory.training(network.graph)),
    ):
        told = found["memory"][kind]
        held = [each + fixed for each, fixed in zip(told["each"], told["fixed"], strict=True)]
        assert told["weights"] + told["optimizer"] + max(held) == course.peak().total


@each_network
def test_every_layer_is_at_its_place_in_the_text(name: str) -> None:
    network = zoo(name)
    (found,) = data(html(network))["networks"]
    (file,) = found["files"]
    spots = {
        (int(line), start, end): set(members(layers))
        for line, all_of_it in file["spots"].items()
        for start, end, layers in all_of_it
    }
    for i, node in enumerate(network.graph.nodes):
        place = node.place
        if place.line == place.end_line:
            assert i in spots[place.line, place.column, place.end_column]
            words = file["lines"][place.line - 1][place.column - 1 : place.end_column - 1]
            assert words.startswith(node.op.name) or words.split()[0] in words
    costs = by_line(network.graph)
    assert {int(n) for n in file["costs"]} == {line for _, line in costs}
    for line, cost in file["costs"].items():
        if not cost["call"]:
            assert cost["macs"] == costs[network.graph.origin.file, int(line)].totals.macs


@each_network
def test_each_level_stands_for_every_layer_once(name: str) -> None:
    network = zoo(name)
    (found,) = data(html(network))["networks"]
    for level in found["pictures"]["levels"]:
        boxes = [v for key, v in level["standing"].items() if not key.startswith("cluster/")]
        all_of_them = sorted(i for layers in boxes for i in members(layers))
        assert all_of_them == [*range(len(network.graph.nodes))]


def test_levels_go_from_stages_to_layers() -> None:
    text = html(zoo("resnet152"))
    levels = data(text)["networks"][0]["pictures"]["levels"]
    assert [level["name"] for level in levels] == ["1", "2", "3", "4", "layers"]
    assert levels[0]["closed"] == ["layer1", "layer2", "layer3", "layer4"]
    assert "layer3.1" in levels[1]["closed"] and not levels[-1]["closed"]
    assert [*members(levels[1]["standing"]["layer3.1"])] == [
        i
        for i, node in enumerate(zoo("resnet152").graph.nodes)
        if node.path.startswith("layer3.") and not node.path.startswith("layer3.0.")
    ]
    assert text.count("<template ") == 5


def test_findings_are_told_with_their_lines() -> None:
    network = archdsl.parse("input 3x8x8\nconv 3x3 8; bn\ngap; fc 2\n")
    (found,) = data(html(network))["networks"]
    told = [(f["line"], f["code"]) for f in found["files"][0]["findings"]]
    assert told == [(f.span.line, f.code) for f in network.lint()] != []


def test_imported_files_are_there_too(tmp_path: Path) -> None:
    (tmp_path / "blocks.arch").write_text("block unit w { conv 3x3 w; relu }\n")
    (tmp_path / "a.arch").write_text('import "blocks.arch"\ninput 3x8x8\nunit 4; gap\n')
    (found,) = data(html(archdsl.load(tmp_path / "a.arch")))["networks"]
    assert [file["name"] for file in found["files"]] == ["a.arch", "blocks.arch"]
    assert [s[2] for s in found["files"][1]["spots"]["1"]] == [[0, 1], [1, 2]]
    assert [s[2] for s in found["files"][0]["spots"]["3"]] == [[0, 2], [2, 3]]


def test_lines_end_as_windows_has_them(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_bytes(b"input 3x8x8\r\nconv 3x3 4\r\n")
    (found,) = data(html(archdsl.load(path)))["networks"]
    assert found["files"][0]["lines"] == ["input 3x8x8", "conv 3x3 4"]


def test_a_graph_without_a_text_has_a_page() -> None:
    network = Network(zoo("alexnet").graph)
    (found,) = data(html(network))["networks"]
    assert found["files"] == []


# Safety

HOSTILE = """# </script><!-- <script> ]]> \u2028 \u202e
input 3x8x8
conv 3x3 4 # </style></template><img src=x onerror=alert(1)>
"""


def test_the_policy_allows_the_one_script_and_the_one_style() -> None:
    page = Page(html(zoo("alexnet")))
    (policy,) = (a["content"] for t, a in page.elements if a.get("http-equiv"))
    _, script = page.texts["script"]
    (style,) = page.texts["style"]
    assert policy is not None
    for text in (script, style):
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy and "http" not in policy
    assert not re.search(
        r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacent|document\.write", script
    )


def test_no_element_has_a_handler_a_style_or_a_link() -> None:
    for network in (zoo("googlenet"), archdsl.parse(HOSTILE)):
        page = Page(html(network))
        for tag, attributes in page.elements:
            assert not [key for key in attributes if key.startswith("on") or key == "style"], tag
            assert not {"href", "src", "xlink:href", "action"} & set(attributes), tag
        assert [tag for tag, _ in page.elements].count("script") == 2
        assert "img" not in {tag for tag, _ in page.elements}


def test_text_of_a_spec_ends_no_element() -> None:
    text = html(archdsl.parse(HOSTILE))
    (found,) = data(text)["networks"]
    assert found["files"][0]["lines"][2] == HOSTILE.split("\n")[2]
    assert "\u2028" not in text and "\u202e" not in text
    body = text[text.index('id="data">') : text.index("</script>")]
    assert "<" not in body.removeprefix('id="data">')


def test_a_hostile_name_is_text() -> None:
    subject = archdsl.parse("input 3x8x8\nfc 2").subject('</title><script>x</script>"&')
    text = report.html([subject])
    assert [t for t, _ in Page(text).elements].count("script") == 2
    title = re.search("<title>(.*?)</title>", text)
    assert title and unescape(title[1]) == subject.name


# Size and time


def test_resnet_152_is_small() -> None:
    assert len(html(zoo("resnet152")).encode()) < LARGEST / 2


def test_a_long_network_is_drawn_in_time_or_not_at_all() -> None:
    network = archdsl.parse("input 3x8x8\n" + "conv 1x1; relu\n" * 5000, "spec")
    text = html(network)
    (found,) = data(text)["networks"]
    assert found["pictures"] == {"start": 0, "omitted": 5000, "levels": []}
    assert len(text.encode()) < 3_000_000
    network = archdsl.parse("input 3x8x8\n{ conv 1x1; relu } x5000")
    (found,) = data(html(network))["networks"]
    assert found["pictures"]["omitted"] == 0


def test_the_same_network_gives_the_same_page() -> None:
    assert html(zoo("siamese")) == html(zoo("siamese"))


# Files


def test_every_file_of_the_page_is_used() -> None:
    known = {f"{name}.js" for name in (*SCRIPTS, "keep", "live")} | {"page.html"}
    known |= {f"{name}.css" for name in (*STYLES, "live")}
    assert {path.name for path in STATIC.iterdir()} == known


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_a_file_of_the_page_fits_in_the_head(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 400
    assert lines[0].startswith(("//", "/*", "'use strict'", "<!DOCTYPE"))


# Several


def test_a_comparison_has_figures_and_differences() -> None:
    found = data(html(zoo("resnet18"), zoo("resnet34")))
    assert [n["name"] for n in found["networks"]] == ["resnet18", "resnet34"]
    comparison = found["comparison"]
    assert [n["params"] for n in comparison["networks"]] == [11_689_512, 21_797_672]
    assert any(sign == "+" for sign, _ in comparison["diff"])
    three = data(html(zoo("resnet18"), zoo("resnet34"), zoo("lenet")))
    assert three["comparison"]["diff"] == []
    assert data(html(zoo("lenet")))["comparison"] is None


def test_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="no network"):
        report.html([])
