"""How an error looks: the code, the place, the line with a caret, what helps, the way there."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from goldens import check_golden

import archdsl
from archdsl.errors import ArchError, Diagnostic
from archdsl.pipeline import open_spec
from archdsl.source import Source, Span

FOLDER = Path(__file__).parent / "errors"
GOLDEN = [
    "arguments",
    "calls",
    "characters",
    "even_kernel",
    "empty",
    "map_wanted",
    "outputs",
    "paths",
    "recursion",
    "skip",
    "skip_in_a_block",
    "unclosed",
    "unclosed_list",
]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_errors(name: str) -> None:
    with pytest.raises(ArchError) as caught:
        open_spec(str(FOLDER / f"{name}.arch"))
    check_golden(f"errors/{name}.txt", f"{caught.value}\n")


def shown(text: str, file: str = "spec.arch") -> str:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text, file=file)
    return str(caught.value)


def width(text: str) -> int:
    """Columns on a terminal."""
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(c) else wide.get(unicodedata.east_asian_width(c), 1)
        for c in text
    )


def under_the_caret(rendered: str) -> str:
    """What of the source line stands above the carets, column by column."""
    lines = rendered.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.lstrip().startswith("| ") and "^" in line]
    caret = lines[at].split(" |", 1)[1]
    source = lines[at - 1].split(" |", 1)[1]
    first = width(caret[: caret.index("^")])
    last = first + caret.count("^")
    found, column = "", 0
    for c in source:
        if first <= column < last or (not width(c) and first < column <= last):
            found += c
        column += width(c)
    return found


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("conv 3x3 strid=2", "strid=2"),
        ("\tconv\t3x3\t\tstrid=2", "strid=2"),
        ('conv pad="漢字" strid=2', "strid=2"),
        ('conv pad="ｆｕｌｌ" strid=2', "strid=2"),
        ('conv pad="😀😀" strid=2', "strid=2"),
        ('conv pad="é" strid=2', "strid=2"),
        ('conv pad="e\N{COMBINING ACUTE ACCENT}" strid=2', "strid=2"),
        ('conv pad="\x1b[31m\x07\0x" strid=2', "strid=2"),
        ('conv pad="\N{RIGHT-TO-LEFT OVERRIDE}abc" strid=2', "strid=2"),
        ('conv strid="漢字"', 'strid="漢字"'),
        ('conv strid="e\N{COMBINING ACUTE ACCENT}x"', 'strid="e\N{COMBINING ACUTE ACCENT}x"'),
        ("conv " + "1 " * 300, "1"),
        ("conv " + " " * 300 + "strid=2", "strid=2"),
        ("conv " + " " * 300 + "strid=2" + " " * 300 + "# end", "strid=2"),
        ("conv strid=2 # " + "x" * 300, "strid=2"),
    ],
)
def test_the_caret_is_under_its_word(line: str, word: str) -> None:
    assert under_the_caret(shown(f"input 3x8x8\n{line}\n")) == word


def test_a_long_line_is_cut_around_the_caret() -> None:
    rendered = shown(f"input 3x8x8\nconv 3x3{' ' * 300}strid=2{' ' * 300}pad=0")
    lines = [line for line in rendered.splitlines() if " | " in line]
    assert all(width(line) <= 160 for line in lines)
    assert any("… " in line and " …" in line for line in lines)


def test_many_carets_are_not_drawn() -> None:
    rendered = shown("input 3x8x8\nconv 3x3 " + "a" * 90)
    assert 0 < rendered.count("^") <= 40


CONTROL = "\x1b[31m\x1b]0;title\x07\r\b\x9b\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH SPACE}"


@pytest.mark.parametrize(
    "text",
    [
        f"input 3x8x8\nconv 3x3 {CONTROL}",
        f'input 3x8x8\nconv 3x3 "{CONTROL}"',
        f'input 3x8x8\nconv "{CONTROL}" strid=2',
        f'input 3x8x8\nconv 3x3 strid=2 # {CONTROL}',
        f'let a = "{CONTROL}" + 1',
        f'import "{CONTROL}"',
        f"residual {{ # {CONTROL}",
    ],
)  # fmt: skip
def test_control_characters_are_inert(text: str) -> None:
    """A spec from a stranger cannot repaint the terminal."""
    assert_inert(shown(text))
    assert_inert(shown(text, file=f"a{CONTROL}.arch"))


def test_a_file_name_is_inert(tmp_path: Path) -> None:
    with pytest.raises(ArchError) as caught:
        open_spec(str(tmp_path / f"a{CONTROL}.arch"))
    assert_inert(str(caught.value))


def assert_inert(rendered: str) -> None:
    bad = [c for c in rendered if c != "\n" and unicodedata.category(c)[0] == "C"]
    assert not bad, rendered


def test_colour_changes_nothing_else() -> None:
    import re

    with pytest.raises(ArchError) as caught:
        open_spec(str(FOLDER / "skip_in_a_block.arch"))
    for found in caught.value.diagnostics:
        painted = found.render(color=True)
        assert "\x1b[" in painted
        assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == found.render()


def test_places_at_the_edges() -> None:
    source = Source("ab\n\ncd")
    for start, end in [(0, 0), (0, 6), (2, 2), (3, 3), (4, 6), (6, 6)]:
        rendered = Diagnostic("A101", Span(source, start, end), "here").render()
        assert "^ here" in rendered


def test_an_error_without_a_place() -> None:
    found = Diagnostic("A306", None, "the file has 2 networks", help="say which")
    assert found.render() == (
        "error[A306]: no network has this name\n  the file has 2 networks\n  = help: say which"
    )
    assert found.to_json()["place"] is None


def test_errors_as_data() -> None:
    with pytest.raises(ArchError) as caught:
        open_spec(str(FOLDER / "skip_in_a_block.arch"))
    found = caught.value.diagnostics[0].to_json()
    name = str(FOLDER / "skip_in_a_block.arch")
    assert found["place"] == {"file": found["place"]["file"], "line": 4, "column": 3}
    assert found["place"]["file"] in (name, "skip_in_a_block.arch")
    assert [c["text"] for c in found["calls"]] == [
        "block unit, called at",
        "block stage, called at",
    ]
