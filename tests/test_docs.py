"""The documents say what is so: snippets compile, and the figures beside them are measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archdsl
from archdsl.elaborate import network_names
from archdsl.network import Network
from archdsl.source import Source
from archdsl.syntax import parse

ROOT = Path(__file__).parent.parent
PAGES = [
    "docs/guide.md",
    "docs/costs.md",
    "docs/fields.md",
    "docs/lessons.md",
    "docs/lint.md",
    "docs/memory.md",
    "docs/onnx.md",
    "docs/serving.md",
    "docs/training.md",
    "examples/README.md",
    "grammar/language.md",
    "README.md",
    "CONTRIBUTING.md",
]


def snippets(page: str) -> list[str]:
    return re.findall(r"^```arch\n(.*?)^```", (ROOT / page).read_text(), re.S | re.M)


def networks(text: str) -> list[Network]:
    spec = parse(Source(text, "page.arch"))
    return [archdsl.parse(text, name, "page.arch") for name in network_names(spec)]


@pytest.mark.parametrize("page", PAGES)
def test_every_snippet_compiles(page: str) -> None:
    for snippet in snippets(page):
        assert networks(snippet), f"no network in this snippet of {page}:\n{snippet}"


@pytest.mark.parametrize("page", ["docs/guide.md", "README.md"])
def test_lint_has_nothing_against_what_is_shown_as_good(page: str) -> None:
    for snippet in snippets(page):
        found = [f for net in networks(snippet) for f in net.lint(level="warning")]
        assert not found, "\n".join(map(str, found))


def test_the_finding_of_the_readme_is_the_one_that_is_shown() -> None:
    spec = "input 3x32x32\nconv 3x3 64\nconv 3x3 64; relu\ngap; fc 10\n"
    (finding,) = archdsl.parse(spec, file="my.arch").lint(level="warning")
    shown = "\n".join(f"    {line}".rstrip() for line in str(finding).splitlines())
    assert shown in (ROOT / "README.md").read_text()


def test_the_summary_of_the_readme_is_the_one_that_is_shown() -> None:
    page = (ROOT / "README.md").read_text()
    totals = str(archdsl.zoo("resnet50").summary()).rpartition("\n\n")[2]
    assert "\n".join(f"    {line}" for line in totals.splitlines()) in page


def test_the_guide_has_its_snippets() -> None:
    assert len(snippets("docs/guide.md")) >= 8


def test_figures_of_the_guide() -> None:
    first, _, convolutions, *_, family = [networks(s) for s in snippets("docs/guide.md")]
    assert first[0].summary().params == 7_850
    assert first[0].summary().macs == 7_840
    assert convolutions[0].receptive_field("relu3").size == (18, 18)
    resnet50 = archdsl.parse(snippets("docs/guide.md")[-1], "resnet50", classes=10)
    assert resnet50.summary().params == 23_528_522
    assert resnet50.receptive_field(at="layer4").size == (427, 427)
    assert [n.name for n in family] == ["resnet50", "resnet101", "resnet152"]


def test_the_error_of_the_guide_is_the_one_that_is_shown() -> None:
    page = (ROOT / "docs/guide.md").read_text()
    spec = snippets("docs/guide.md")[2].replace("conv 3x3 128; relu", "conv 9x9 128 pad=0; relu")
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.parse(spec, file="my.arch")
    shown = "\n".join(f"    {line}".rstrip() for line in str(error.value).splitlines())
    squeezed = re.sub(r" +", " ", page)
    assert re.sub(r" +", " ", shown) in squeezed


def test_the_expectation_of_the_guide_that_does_not_hold() -> None:
    page = (ROOT / "docs/guide.md").read_text()
    (spec,) = (s for s in snippets("docs/guide.md") if "macs <= 2e6" in s)
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.parse(spec.replace("conv 3x3 32", "conv 5x5 32"), file="my.arch")
    first, second = error.value.diagnostics
    shown = "\n".join(f"    {line}".rstrip() for line in first.render().splitlines())
    assert shown in page
    assert "3,719,488 found" in second.label and "3,719,488" in page


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"
