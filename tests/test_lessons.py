"""The figures of docs/lessons.md, held against arithmetic and the papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pages
import pytest

import archdsl
from archdsl.pipeline import open_subject

FOLDER = pages.ROOT / "examples" / "lessons"
SPECS = sorted(FOLDER.glob("*.arch"))


def lesson(file: str, name: str, **parameters: Any) -> archdsl.Network:
    return archdsl.load(FOLDER / f"{file}.arch", name, **parameters)


def params(file: str, name: str, **parameters: Any) -> int:
    return lesson(file, name, **parameters).summary().params


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_specs_are_clean_and_on_the_page(path: Path) -> None:
    subject = open_subject(str(path))
    assert subject.graphs
    found = [f for g in subject.graphs for f in archdsl.load(path, g.name).lint(level="warning")]
    assert not found
    assert any(path.name in line for line in pages.commands("lessons"))


def test_a_fully_connected_layer_on_a_picture() -> None:
    assert params("first_layer", "fully_connected") == 196_609_000
    assert params("first_layer", "convolution") == 64 * 3 * 9 + 64


@pytest.mark.parametrize("c", [1, 16, 100])
def test_small_kernels_in_a_row(c: int) -> None:
    factors = {"two_3x3": 18, "one_5x5": 25, "three_3x3": 27, "one_7x7": 49}
    for name, factor in factors.items():
        assert params("stacks", name, C=c) == factor * c * c
    fields = {n: lesson("stacks", n, C=c).receptive_field().size for n in factors}
    assert fields["two_3x3"] == fields["one_5x5"] == (5, 5)
    assert fields["three_3x3"] == fields["one_7x7"] == (7, 7)


@pytest.mark.parametrize("c", [4, 64, 256])
def test_the_bottleneck(c: int) -> None:
    assert params("bottleneck", "plain", C=c) == 9 * c * c
    assert params("bottleneck", "bottleneck", C=c) == 1.0625 * c * c


def test_heads() -> None:
    assert params("heads", "pooled") == archdsl.zoo("simple_cnn").summary().params == 94_538
    heads = {n: lesson("heads", n).summary().layers[-1].params for n in ("pooled", "flattened")}
    assert heads == {"pooled": 1_290, "flattened": 81_930}


def test_where_the_weights_of_vgg_are() -> None:
    whole, alone = (params("vgg_heads", n) for n in ("connected", "convolutions_alone"))
    assert whole == archdsl.zoo("vgg16").summary().params == 138_357_544
    assert alone == 14_714_688
    rows = archdsl.zoo("vgg16").summary().layers
    connected = sum(r.params for r in rows if r.path.startswith("classifier"))
    assert connected == whole - alone == 123_642_856
    assert round(100 * connected / whole) == 89


def test_googlenet_against_alexnet() -> None:
    alexnet, googlenet = archdsl.zoo("alexnet"), archdsl.zoo("googlenet", aux=False)
    counts = alexnet.summary().params, googlenet.summary().params
    assert counts == (60_965_224, 6_998_552)
    assert round(counts[0] / counts[1], 1) == 8.7


def test_plain_against_residual() -> None:
    found = archdsl.compare(archdsl.zoo("plain34"), archdsl.zoo("resnet34_a"))
    assert {figures.params for figures in found.networks} == {21_623_848}


def test_vit_against_resnet() -> None:
    resnet, small, base = (
        archdsl.zoo(n).summary()
        for n in ("resnet50", "vit_small_patch16_224", "vit_base_patch16_224")
    )
    assert (small.params, base.params) == (22_050_664, 86_567_656)
    assert round(base.params / resnet.params, 1) == 3.4
    assert round(base.macs / resnet.macs, 1) == 4.3


def test_a_command_that_fails_is_no_output(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="exits with 1"):
        pages.output("compare tiny nowhere.arch")
    capfd.readouterr()


def test_the_figures_of_the_text_are_those_of_the_tables() -> None:
    page = pages.read("lessons")
    for figure in ("196,609,000", "14,714,688", "6,998,552", "60,965,224", "138,357,544"):
        assert page.count(figure) >= 2, f"{figure} is in the text and in a table"
    assert "\nparameters  27*C**2\n" in page
    assert "\nparameters  49*C**2\n" in page
    assert "\nparameters  17/16*C**2\n" in page
