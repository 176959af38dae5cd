"""`archdsl draw`: its options, and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli
from PIL import Image

from archdsl import load, zoo
from archdsl.backends.drawing import Options
from archdsl.styles import STYLES, complaint, takers


def test_each_option_reaches_the_picture(cli: Cli, small: Path, tmp_path: Path) -> None:
    def drawn(*options: str) -> str:
        assert cli("draw", small, "-o", tmp_path / "a.gv", *options).status == 0
        return (tmp_path / "a.gv").read_text()

    plain = drawn()
    assert "rankdir=LR" in drawn("--direction", "right")
    assert "#16191D" in drawn("--theme", "dark")
    assert "216 MACs" not in plain
    assert "221k MACs" in drawn("--label-with", "macs")  # 8·32·32·27
    assert "0 to 221k MACs" in drawn("--heat", "macs")
    assert "penwidth=3" in drawn("--highlight", "conv1")
    assert "convolution</FONT>" in plain
    assert "convolution</FONT>" not in drawn("--no-legend")
    assert 'size="3.1496' in drawn("--width", "8cm")
    assert "relu1" in plain and "relu1" not in drawn("--depth", "1")
    assert drawn("--depth", "all") == plain, "it fits a page"


@pytest.mark.parametrize("ending", STYLES["graph"].endings)
def test_each_ending_of_a_graph(cli: Cli, small: Path, tmp_path: Path, ending: str) -> None:
    result = cli("draw", small, "-o", tmp_path / f"a.{ending}")
    assert result.status == 0
    assert (tmp_path / f"a.{ending}").stat().st_size > 500


@pytest.mark.parametrize("ending", STYLES["table"].endings)
def test_each_ending_of_a_table(cli: Cli, tmp_path: Path, ending: str) -> None:
    specs = ("resnet18", "resnet34")
    result = cli("draw", "--style", "table", *specs, "-o", tmp_path / f"a.{ending}")
    assert result.status == 0
    data = (tmp_path / f"a.{ending}").read_bytes()
    starts = {"png": b"\x89PNG", "pdf": b"%PDF-"}
    assert data.startswith(starts[ending]) if ending in starts else b"resnet34" in data


def test_a_table_is_printed_unless_it_is_written(cli: Cli) -> None:
    result = cli("draw", "--style", "table", "vgg11", "vgg13")
    lines = result.out.splitlines()
    assert lines[0].split() == ["layer", "output", "vgg11", "vgg13"]
    assert lines[2].split() == ["features", "224x224", "3x3,", "64", "3x3,", "64", "×2"]
    assert cli("draw", "--style", "table", "vgg11", "-q").out == ""


def test_json_lists_the_files(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("draw", small, "-o", tmp_path / "a.svg", "--json")
    assert json.loads(result.out)["files"][0]["path"] == str(tmp_path / "a.svg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lenet", "vgg11"], "--style graph draws one network; here are 2"),
        (["lenet", "--style", "table", "--heat", "macs"], "--heat is not for --style table"),
        (["lenet", "--style", "table", "--label-with", "macs"], "it is for graph"),
        (["lenet", "--style", "table", "--no-legend"], "--legend is not for --style table"),
        (["lenet", "--style", "table", "-o", "a.gv"], "none of .svg, .png, .pdf, .html, .md, .tex"),
        (["lenet", "-o", "a.txt"], "ends in none of .svg, .png, .pdf"),
        (["lenet", "--width", "8"], "'8' is no width such as 8cm"),
        (["lenet", "--width", "9999cm"], "of 10 to 14,400 points"),
        (["lenet", "--depth", "0"], "'0' is no number of levels, nor `all`"),
        (["lenet", "--label-with", "flops"], "'flops' is none of params, macs"),
        (["lenet", "--style", "cubes"], "'cubes' is not one of"),
    ],
)
def test_what_is_asked_wrongly(cli: Cli, arguments: list[str], said: str) -> None:
    result = cli("draw", *arguments)
    assert result.status == 2
    assert said in result.err


def test_a_path_that_is_not_there(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("draw", small, "--highlight", "conv2", "-o", tmp_path / "a.svg")
    assert result.status == 1
    assert "A305" in result.err and "did you mean `conv1`?" in result.err
    assert not (tmp_path / "a.svg").exists()


@pytest.mark.parametrize("style", ["graph", "volumes"])
def test_the_network_itself_does_not_stand_out(
    cli: Cli, small: Path, tmp_path: Path, style: str
) -> None:
    """Its scope has the path of no letters, which no user means."""
    result = cli("draw", small, "--style", style, "--highlight", "", "-o", tmp_path / "a.svg")
    assert result.status == 1
    assert "A305" in result.err
    assert not (tmp_path / "a.svg").exists()


def test_a_width_too_small_to_read_is_told(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("draw", small, "--width", "2cm", "-o", tmp_path / "a.svg")
    assert result.status == 0
    assert result.err.startswith("warning: at this width the smallest letters are")


def test_what_is_told_to_be_too_small_is_below_what_would_do(cli: Cli, tmp_path: Path) -> None:
    """4.46 points are no 4.5."""
    options = ("--depth", "3", "--width", "7.8cm", "-o", tmp_path / "a.svg")
    assert "are 4.4 points high" in cli("draw", "resnet18", *options).err


def test_every_option_is_taken_by_some_style() -> None:
    for option in Options.__dataclass_fields__:
        assert takers(option), option
        assert complaint("graph", [option]) == ""


def test_the_library_says_the_same(tmp_path: Path) -> None:
    net = zoo("lenet")
    net.draw(tmp_path / "a.svg", depth=1, theme="dark")
    net.draw(tmp_path / "a.md", style="table")
    for wrong in ({"style": "cubes"}, {"style": "table", "heat": "macs"}, {"theme": "pink"},
                  {"depth": 0}, {"label_with": ("flops",)}, {"heat": "flops"},
                  {"direction": "up"}):  # fmt: skip
        with pytest.raises(ValueError, match=r".+ (is|are|heed|style)"):
            net.draw(tmp_path / "a.svg", **wrong)


@pytest.mark.parametrize("ending", STYLES["volumes"].endings)
def test_each_ending_of_volumes(cli: Cli, small: Path, tmp_path: Path, ending: str) -> None:
    result = cli("draw", "--style", "volumes", small, "-o", tmp_path / f"a.{ending}")
    assert result.status == 0
    assert (tmp_path / f"a.{ending}").stat().st_size > 500


def test_each_option_reaches_the_figure(cli: Cli, tmp_path: Path) -> None:
    def drawn(*options: str) -> str:
        arguments = ("draw", "--style", "volumes", "resnet18", "-o", tmp_path / "a.svg", *options)
        assert cli(*arguments).status == 0
        return (tmp_path / "a.svg").read_text()

    plain = drawn()
    assert "#16191D" in drawn("--theme", "dark")
    assert "9.41k params" not in plain and "9.54k params" in drawn("--label-with", "params")
    assert "highlighted" not in plain and "highlighted" in drawn("--highlight", "layer3")
    assert 'class="key"' in plain and 'class="key"' not in drawn("--no-legend")
    assert 'width="226.77pt"' in drawn("--width", "8cm")
    assert "layer1.0.conv1" not in plain and ">layer1<" in drawn("--depth", "1")


def test_a_figure_that_does_not_fit(cli: Cli, tmp_path: Path) -> None:
    wrong = ("draw", "--style", "volumes", "unet", "--width", "4cm", "-o", tmp_path / "a.svg")
    result = cli(*wrong)
    assert result.status == 1 and "A710" in result.err and "--width" in result.err
    assert not (tmp_path / "a.svg").exists()


def test_filters_and_activations_are_drawn(cli: Cli, small: Path, tmp_path: Path) -> None:
    weights, picture = tmp_path / "w.safetensors", tmp_path / "p.png"
    net = load(small)
    net.save_weights(weights, net.to_torch(seed=5))
    Image.new("RGB", (40, 50), "orange").save(picture)
    kernels = ("draw", small, "--filters", "conv1", "-o")
    result = cli(*kernels, tmp_path / "a.png", "--weights", weights)
    assert result.status == 0 and result.err == ""
    fresh = cli(*kernels, tmp_path / "b.png", "--seed", 5)
    assert "note: the weights are fresh, of seed 5" in fresh.err
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert cli(*kernels, tmp_path / "b.png", "-q").err == "", "a note is no error"
    maps = ("draw", small, "--activations", picture, "--weights", weights, "--json", "-o")
    result = cli(*maps, tmp_path / "c.svg", "--at", "maxpool1")
    data = json.loads(result.out)
    assert data["kind"] == "activations" and not data["fresh"]
    (shown,) = data["shown"]
    assert shown["path"] == "maxpool1" and sorted(shown["channels"]) == list(range(8))
    assert data["files"][0]["path"] == str(tmp_path / "c.svg")


def test_weights_with_nan_are_told(cli: Cli, small: Path, tmp_path: Path) -> None:
    net = load(small)
    model = net.to_torch()
    model.state_dict()["conv1.weight"][2, 1] = float("nan")  # the same memory
    net.save_weights(tmp_path / "w.safetensors", model)
    weights = ("--weights", tmp_path / "w.safetensors", "-o", tmp_path / "a.webp")
    result = cli("draw", small, "--filters", "conv1", *weights)
    assert result.status == 0
    assert "note: 9 of the weights of `conv1` are no finite numbers" in result.err
    Image.new("RGB", (40, 50), "orange").save(tmp_path / "p.png")
    result = cli("draw", small, "--activations", tmp_path / "p.png", *weights)
    assert result.status == 0 and "1,024 values of `conv1` are no finite" in result.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--filters", "relu1"], "A711", "filters are in `conv1`"),
        (["--filters", "conv2"], "A711", "did you mean `conv1`?"),
        (["--activations", "nothing.png"], "A903", "no such file"),
        (["--activations", __file__], "A903", "it is no picture"),
    ],
)
def test_features_that_are_not_there(
    cli: Cli, small: Path, tmp_path: Path, options: list[str], code: str, said: str
) -> None:
    result = cli("draw", small, *options, "-o", tmp_path / "a.png")
    assert result.status == 1 and code in result.err and said in result.err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--filters", "c", "--activations", "i"], "exclude one another"),
        (["--filters", "c", "--at", "c"], "--at goes with --activations"),
        (["--filters", "c", "--heat", "macs"], "--heat does not go with --filters, which takes -o"),
        (["--activations", "i", "--style", "graph"], "--style does not go with --activations"),
        (["--filters", "c", "-o", "a.pdf"], "ends in none of .png, .webp, .svg"),
        (["--filters", "c", "vgg11"], "--filters is of one network; here are 2"),
        (["--filters", "c", "--weights", "w", "--seed", "1"], "--seed is for fresh weights"),
        (["--filters", "c", "--weights-map", "a=b"], "--weights-map goes with --weights"),
        (["--at", "c"], "--at goes with --activations"),
        (["--weights", "w"], "--weights goes with --filters or --activations"),
        (["--weights-map", "a=b"], "--weights-map goes with --filters or --activations"),
    ],
)
def test_features_asked_for_wrongly(cli: Cli, arguments: list[str], said: str) -> None:
    result = cli("draw", "lenet", *arguments)
    assert result.status == 2
    assert said in " ".join(result.err.split())
