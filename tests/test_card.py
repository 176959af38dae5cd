"""Model cards: what they hold, that their code runs, that a spec's text is text in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl
from archdsl import card
from archdsl.errors import WriteError

SPEC = """# A net of two layers (Somebody & Somebody Else, 1998, section 2).
param width = 7
input 3x8x8
conv 3x3 width; relu; gap; fc 3
"""


def test_what_a_card_holds() -> None:
    text = card.text(archdsl.parse(SPEC, file="small.arch"), "MIT", "small.safetensors")
    assert text.startswith("---\nlibrary_name: archdsl\n")
    assert 'license: "MIT"' in text
    assert "\nA net of two layers (Somebody & Somebody Else, 1998, section 2).\n" in text
    assert "| conv1 | conv 3x3 7 | 7x8x8 | 196 | 12,096 |" in text
    assert "After Somebody & Somebody Else, 1998." in text
    assert f"```arch\n{SPEC}```" in text
    assert '{"width": 7}' in text
    assert "--depth" not in text


def test_the_folder_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code of the card runs where the card is."""
    (tmp_path / "parts.arch").write_text("block unit { conv 3x3; relu }\n")
    spec = tmp_path / "net.arch"
    spec.write_text('import "parts.arch"\ninput 3x8x8\nunit x2; gap; fc 2\n')
    net = archdsl.load(spec)
    folder = tmp_path / "out" / "card"
    made = card.write(net, folder, weights="net.safetensors")
    assert {path.name for path in made} == {"README.md", "net.svg", "net.arch", "parts.arch"}
    net.save_weights(folder / "net.safetensors", net.to_torch(seed=3))
    text = (folder / "README.md").read_text()
    assert f"({net.name}.svg)" in text
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    exec(code, names)
    assert isinstance(names["model"], torch.nn.Module)
    assert (folder / "net.onnx").exists()


def test_a_failure_changes_no_file_of_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text("input 3x8x8\ngap; fc 2\n")
    folder = tmp_path / "card"
    card.write(archdsl.load(spec), folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 3
    spec.write_text("input 3x8x8\ngap; fc 3\n")

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(card, "text", fail)
        with pytest.raises(WriteError, match="no space left"):
            card.write(archdsl.load(spec), folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    card.write(archdsl.load(spec), folder)
    after = {path: path.read_bytes() for path in folder.iterdir()}
    assert {*after} == {*before} and all(after[path] != before[path] for path in before)


def test_a_folder_in_the_way_of_a_part_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.svg").mkdir()
    with pytest.raises(WriteError, match=r"small\.svg: it is a folder"):
        card.write(archdsl.parse(SPEC, file="small.arch"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["small.svg"]


def test_a_full_disk_is_told_of_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Path.write_text

    def write(path: Path, *args: Any, **given: Any) -> int:
        if path.is_relative_to(tmp_path):
            raise OSError(28, "No space left on device")
        return written(path, *args, **given)

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(WriteError) as caught:
        card.write(archdsl.parse(SPEC, file="small.arch"), tmp_path)
    label = caught.value.diagnostics[0].label
    assert label == f"{tmp_path / 'small.svg'}: no space left on device"


def test_the_name_of_a_spec_is_code(tmp_path: Path) -> None:
    spec = tmp_path / "a_b `x` <i>.arch"
    spec.write_text(SPEC)
    assert "From `` a_b `x` <i>.arch ``; the network is" in card.text(archdsl.load(spec))


def test_a_card_holds_specs_in_folders(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.arch").write_text("block unit { conv 3x3; relu }\n")
    (tmp_path / "net.arch").write_text('import "lib/part.arch"\ninput 3x8x8\nunit; gap; fc 2\n')
    made = card.write(archdsl.load(tmp_path / "net.arch"), tmp_path / "card")
    assert tmp_path / "card" / "lib" / "part.arch" in made and all(p.is_file() for p in made)


def test_a_page_that_is_no_card_is_not_replaced(tmp_path: Path) -> None:
    net = archdsl.parse(SPEC, file="small.arch")
    page = tmp_path / "README.md"
    page.write_text("# My repository\n")
    with pytest.raises(WriteError, match="is no card"):
        card.write(net, tmp_path)
    assert page.read_text() == "# My repository\n"
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]
    page.unlink()
    first = card.write(net, tmp_path)
    assert card.write(net, tmp_path, license="MIT") == first
    assert 'license: "MIT"' in page.read_text()


def test_a_spec_that_has_the_name_of_the_card(tmp_path: Path) -> None:
    spec = tmp_path / "README.md"
    spec.write_text(SPEC)
    with pytest.raises(WriteError, match="a spec has the name"):
        card.write(archdsl.load(spec), tmp_path / "card")
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]


def test_a_card_beside_its_spec_leaves_it_as_it_is(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_bytes(b"\xef\xbb\xbfinput 3\r\nfc 2\r\n")
    before = spec.read_bytes()
    assert spec in card.write(archdsl.load(spec), tmp_path)
    assert spec.read_bytes() == before


def test_a_spec_of_a_stranger_is_text() -> None:
    hostile = "# <script>alert(1)</script> ![x](http://x) `` ``` (A [b](c), 1999)\n"
    net = archdsl.parse(hostile + "# ```` end\ninput 3x8x8\nconv 3x3 4  # ```\n")
    text = card.text(net)
    prose, _, rest = text.partition("`````arch\n")
    assert "<script>" not in prose and "![x](" not in prose and "[b](" not in prose
    assert rest.partition("\n`````\n")[0].startswith("# <script>")


def test_without_a_spec_it_is_the_table() -> None:
    graph = archdsl.parse(SPEC).graph
    text = card.text(archdsl.Network(graph))
    assert "## Spec" not in text and "## Use" not in text
    assert "| conv1 |" in text
