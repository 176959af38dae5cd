"""`import`: definitions of other files, from the spec's own folder tree alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.network import Network


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def load(folder: Path, files: dict[str, str]) -> Network:
    write(folder, files)
    return archdsl.load(folder / "main.arch")


def told(folder: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    with pytest.raises(archdsl.ArchError) as error:
        load(folder, files)
    return [(d.code, d.span.source.name if d.span else "") for d in error.value.diagnostics]


MAIN = 'import "b.arch"\ninput 3x8x8\n'


def test_blocks_lets_and_params_come_along(tmp_path: Path) -> None:
    files = {
        "main.arch": 'import "parts/b.arch"\ninput 3x8x8; b (2*width); gap; fc classes',
        "parts/b.arch": 'import "../c.arch"\nparam classes = 5\nblock b w { conv 3x3 w; act }',
        "c.arch": "let width = 4\nlet act = relu",
    }
    net = load(tmp_path, files)
    assert [n.path for n in net.graph.nodes] == ["b1.conv1", "b1.relu1", "gap1", "fc1"]
    assert net.graph.nodes[0].shape == (8, 8, 8)
    assert net.graph.nodes[0].place.file == "parts/b.arch"
    assert set(net.graph.origin.imports) == {"parts/b.arch", "c.arch"}
    assert archdsl.load(tmp_path / "main.arch", classes=7).graph.main.shape == (7,)


def test_defaults_of_a_file_hold_for_its_own_blocks_alone(tmp_path: Path) -> None:
    files = {
        "main.arch": MAIN + "conv 3x3 4; b",
        "b.arch": "default conv bias=false\nblock b { conv 3x3 4 }",
    }
    assert list(load(tmp_path, files).graph.state()) == [
        "conv1.weight",
        "conv1.bias",
        "b1.conv1.weight",
    ]


def test_one_file_by_two_ways_is_one_file(tmp_path: Path) -> None:
    files = {
        "main.arch": 'import "b.arch"\nimport "c.arch"\ninput 3x8x8\nb; c',
        "b.arch": 'import "d.arch"\nblock b { d }',
        "c.arch": 'import "sub/../d.arch"\nblock c { d }',
        "d.arch": "block d { conv 3x3 }",
    }
    (tmp_path / "sub").mkdir()
    # The two imports bring `d` into scope twice, but it is the same block.
    net = load(tmp_path, files)
    assert [n.path for n in net.graph.nodes] == ["b1.d1.conv1", "c1.d1.conv1"]
    assert set(net.graph.origin.imports) == {"b.arch", "c.arch", "d.arch"}


@pytest.mark.parametrize("name", ["../b.arch", "/etc/hostname", "link.arch", "sub/../../b.arch"])
def test_nothing_is_read_from_outside(tmp_path: Path, name: str) -> None:
    outside, inside = tmp_path / "b.arch", tmp_path / "in"
    outside.write_text("block b { relu }")
    inside.mkdir()
    (inside / "sub").mkdir()
    (inside / "link.arch").symlink_to(outside)
    assert told(inside, {"main.arch": f'import "{name}"\ninput 3x8x8; relu'}) == [
        ("A602", "main.arch")
    ]


def test_circles_missing_files_and_files_with_layers(tmp_path: Path) -> None:
    circle = {"main.arch": MAIN + "relu", "b.arch": 'import "c.arch"', "c.arch": 'import "b.arch"'}
    assert told(tmp_path, circle) == [("A602", "c.arch")]
    assert told(tmp_path, {"main.arch": 'import "none.arch"\ninput 3x8x8; relu'}) == [
        ("A001", "main.arch")
    ]
    assert (
        told(tmp_path, {"main.arch": MAIN + "relu", "b.arch": "input 3x8x8; relu"})[0][0] == "A601"
    )
    assert told(tmp_path, {"main.arch": MAIN + "relu", "b.arch": "conv ("})[0] == ("A103", "b.arch")
    assert told(tmp_path, {"main.arch": 'import "main.arch"\ninput 3x8x8; relu'})[0][0] in (
        "A601",
        "A602",
    )


def test_a_clash_is_told_with_both_places(tmp_path: Path) -> None:
    files = {"main.arch": MAIN + "relu\nblock b { relu }", "b.arch": "block b { gap }"}
    write(tmp_path, files)
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.load(tmp_path / "main.arch")
    assert [d.code for d in error.value.diagnostics] == ["A304"]


def test_a_text_has_no_folder() -> None:
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.parse('import "b.arch"\ninput 3x8x8; relu')
    assert error.value.diagnostics[0].code == "A602"
