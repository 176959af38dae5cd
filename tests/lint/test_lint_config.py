"""Which rules run: options, and the nearest configuration above a spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.errors import ReadError
from archdsl.lint import Config, all_rules
from archdsl.lint.config import check_codes, nearest


def codes(config: Config) -> set[str]:
    return {rule.code for rule in config.rules()}


def test_selecting_and_ignoring_by_beginnings() -> None:
    everything = {rule.code for rule in all_rules()}
    assert codes(Config()) == everything
    assert codes(Config(select=("L1",))) == {c for c in everything if c[1] == "1"}
    assert codes(Config(select=("L1", "L201"), ignore=("L102",))) == {"L101", "L201"}
    updated = Config(select=("L1",), ignore=("L102",)).updated(("L2",), ("L201",), "info")
    assert updated == Config(("L2",), ("L102", "L201"), "info")
    assert Config(level="info").updated() == Config(level="info")


def test_codes_that_no_rule_has() -> None:
    assert check_codes(["L1", "L204", "L"]) == ""
    assert check_codes(["L1", "L999"]) == "no rule has the code `L999`"
    assert check_codes([""]) == "no rule has the code ``"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("archdsl.toml", '[lint]\nselect = ["L1"]\nignore = ["L102"]\nlevel = "info"\n'),
        (
            "pyproject.toml",
            '[tool.archdsl.lint]\nselect = ["L1"]\nignore = ["L102"]\nlevel = "info"\n',
        ),
    ],
)
def test_the_nearest_one_above_the_spec(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    found = Config(("L1",), ("L102",), "info")
    assert nearest(deep / "x.arch") == found
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert nearest(deep / "x.arch") == found, "one that does not speak of it is passed over"
    (tmp_path / "a" / "archdsl.toml").write_text('[lint]\nselect = ["L2"]\n')
    assert nearest(deep / "x.arch") == Config(select=("L2",))
    assert nearest(tmp_path / "x.arch") == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[lint\n", "no TOML"),
        ("lint = 3\n", "[lint] is a table"),
        ('[lint]\nselekt = ["L1"]\n', "has no `selekt`"),
        ('[lint]\nselect = "L1"\n', "a list of codes"),
        ("[lint]\nignore = [1]\n", "a list of codes"),
        ('[lint]\nignore = ["L999"]\n', "no rule has the code `L999`"),
        ('[lint]\nlevel = "loud"\n', "`level` is one of error, warning, info"),
    ],
)
def test_what_no_configuration_says(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "archdsl.toml").write_text(text)
    with pytest.raises(ReadError) as error:
        nearest(tmp_path / "x.arch")
    (found,) = error.value.diagnostics
    assert found.code == "A006"
    assert told in found.label


def test_a_pyproject_of_others_is_no_concern(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff not TOML")
    assert nearest(tmp_path / "x.arch") == Config()
    (tmp_path / "archdsl.toml").write_text("[other]\n")
    assert nearest(tmp_path / "x.arch") == Config()
