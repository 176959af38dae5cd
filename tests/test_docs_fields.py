"""docs/fields.md: its commands print what is shown, and the figures in its words are so."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import archdsl
from archdsl.cli import run

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/fields.md").read_text()
STACK, UNLIKE = 1, 0
SNIPPETS = re.findall(r"^```arch\n(.*?)^```", PAGE, re.S | re.M)
SLIM = ROOT / "tests/analyses/slim"


def sessions() -> list[tuple[str, str]]:
    """The commands of the page, and what it shows them to print."""
    found = re.findall(r"^    \$ archdsl (.*)\n((?:    .*\n|\n(?=    ))*)", PAGE, re.M)
    return [(command, re.sub(r"^    ", "", shown, flags=re.M)) for command, shown in found]


def figures(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize(("command", "shown"), sessions())
def test_the_commands_print_what_is_shown(
    command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the letter, but for what is measured: that within a tenth, on any machine."""
    monkeypatch.chdir(tmp_path)
    Path("stack.arch").write_text(SNIPPETS[STACK])
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run(command.split()) == 0
    lines, expected = out.getvalue().splitlines(), shown.splitlines()
    assert len(lines) == len(expected)
    for line, like in zip(lines, expected, strict=True):
        if like.startswith(("effective", "picture")):
            assert re.sub(r"[\d.]+", "0", line) == re.sub(r"[\d.]+", "0", like)
            assert figures(line) == pytest.approx(figures(like), rel=0.1)
        else:
            assert line == like


def test_the_sessions_are_found() -> None:
    assert len(sessions()) == 2


def test_the_misaligned_join() -> None:
    (shown,) = re.findall(r"^    (misaligned  .*)$", PAGE, re.M)
    assert shown in str(archdsl.parse(SNIPPETS[UNLIKE]).summary())


def test_the_python_of_the_page() -> None:
    field = archdsl.zoo("resnet50").receptive_field(at="layer4")
    assert f".clipped  # {field.region(0, 3).clipped}" in PAGE
    assert f".unclipped  # {field.region(0, 3).unclipped}" in PAGE


def test_the_table_of_paddings() -> None:
    rows = re.findall(r"^\| (\w+ v1(?: \d+)?) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.M)
    assert len(rows) == 4
    for name, *numbers in rows:
        family, _, depth = name.lower().partition(" v1")
        size, stride, slim, both = map(int, numbers)
        if depth:
            own = archdsl.load(SLIM / "resnet_v1.arch", f"resnet_v1_{depth.strip()}")
            ours, at, last = archdsl.zoo(f"resnet{depth.strip()}_v1"), "block4", "layer4"
        else:
            own = archdsl.load(SLIM / f"{family}_v1.arch")
            ours, at = archdsl.zoo("mobilenet_v1"), "features"
            last = ours.graph.by_path["gap1"].inputs[0]
        for network, where, padding in ((own, at, slim), (ours, last, both)):
            found = network.receptive_field(where)
            assert (found.size, found.stride, found.padding) == (
                (size, size),
                (stride, stride),
                (padding, padding),
            )


def test_the_sizes_of_the_bottlenecks() -> None:
    for depth, paper, later in ((50, 483, 427), (101, 1027, 971), (152, 1507, 1451)):
        assert archdsl.zoo(f"resnet{depth}_v1").receptive_field("layer4").size[0] == paper
        assert archdsl.zoo(f"resnet{depth}").receptive_field("layer4").size[0] == later
        assert f"{paper} and {later}" in re.sub(r"\s+", " ", PAGE)


def test_the_dilated_centre_and_vgg16() -> None:
    dilated = archdsl.parse("input 1x9x9; conv 3x3 dilation=2 pad=0").receptive_field()
    assert dilated.center == (2, 2)
    vgg = archdsl.zoo("vgg16")
    convolutions = [n.path for n in vgg.graph.nodes if n.op.name == "conv"]
    assert vgg.receptive_field(convolutions[-1]).size == (196, 196)
    assert vgg.receptive_field("features").size == (212, 212)


def test_the_table_of_depths() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (0\.\d+) \|$", PAGE, re.M)
    assert len(rows) == 4
    for layers, size, diameter, part in rows[:3]:  # the last takes seconds
        net = archdsl.parse(f"input 16x81x81; {{ conv 3x3; relu }} x{layers}")
        assert net.receptive_field().size[0] == int(size)
        found = net.effective_field(inputs=16).diameter()
        assert found == pytest.approx(float(diameter), abs=1)
        assert found / int(size) == pytest.approx(float(part), abs=0.05)
