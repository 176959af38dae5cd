"""Notebooks: networks show themselves, `%%arch` makes them, errors are in colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl import Network, zoo
from archdsl.backends.report import cell

SPEC = "param classes = 10\ninput 3x8x8\nconv 3x3 4; relu\ngap; fc classes\n"
PAIR = "network a { input 2; fc 3 }\nnetwork b { input 2; fc 4 }\n"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """IPython without its files."""
    pytest.importorskip("IPython", reason="no IPython here: it is in the extra `dev`")
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "archdsl")
        yield shell


# Display


def test_a_network_shows_itself() -> None:
    forms = zoo("resnet50")._repr_mimebundle_()
    assert set(forms) == {"text/plain", "text/html", "image/svg+xml"}
    assert forms["text/plain"] == "<Network resnet50: 174 layers>"
    assert forms["image/svg+xml"].startswith("<svg")
    page = forms["text/html"]
    assert "3x224x224 → 1000 · 25,557,032 parameters · 4,089,184,256 MACs · 174 layers" in page
    assert "<td>layer3</td>" in page and "0-5" not in page.split("<details>")[0]
    assert forms["image/svg+xml"] in page


def test_what_is_too_large_has_rows_alone() -> None:
    network = archdsl.parse("input 3x8x8\n" + "conv 1x1\n" * 600)
    forms = network._repr_mimebundle_()
    assert set(forms) == {"text/plain", "text/html"}
    assert "<svg" not in forms["text/html"] and "… 400 more" in forms["text/html"]


def test_without_graphviz_there_are_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    from archdsl.errors import BuildError, Diagnostic

    def refuse(*_: object) -> None:
        raise BuildError(Diagnostic("A703", None, "none here"))

    monkeypatch.setattr(cell.graphviz, "draw", refuse)
    assert zoo("lenet")._repr_svg_() is None
    assert "61,706" in zoo("lenet")._repr_html_()


# The magic


def test_the_magic_makes_a_network(shell: Any) -> None:
    shown = shell.run_cell_magic("arch", "net", SPEC)
    assert isinstance(shown, Network) and shell.user_ns["net"] is shown
    assert shown.graph == archdsl.parse(SPEC, file="net.arch").graph


def test_the_magic_sets_parameters_and_picks_a_network(shell: Any) -> None:
    shell.run_cell_magic("arch", "net -p classes=3", SPEC)
    assert shell.user_ns["net"].graph.outputs[0].shape == (3,)
    shell.run_cell_magic("arch", "net b", PAIR)
    assert shell.user_ns["net"].graph.outputs[0].shape == (4,)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "required: VARIABLE"),
        ("2a", "'2a' is no name of a variable"),
        ("for", "'for' is no name of a variable"),
        ("a -p x", "'x' is not of the form name=value"),
        ("a b c", "unrecognized arguments: c"),
        ("a 'b", "No closing quotation"),
    ],
)
def test_a_wrong_line_says_what_is_right(
    shell: Any, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    found = shell.run_cell(f"%%arch {line}\n{SPEC}")
    assert words in str(found.error_in_exec)
    assert "usage: %%arch" in str(found.error_in_exec)
    told = capsys.readouterr()
    assert words in told.out + told.err and "Traceback" not in told.out + told.err


def test_an_error_is_in_colour_and_stops(
    shell: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    source = "%%arch wrong\ninput 3x8x8\nconv 3x3 4; rellu\n"
    assert isinstance(shell.run_cell(source).error_in_exec, archdsl.ArchError)
    told = capsys.readouterr().out
    assert "\x1b[1;31merror[" in told and "wrong.arch:2:13" in told and "`relu`" in told
    assert "Traceback" not in told and "pipeline.py" not in told
    assert "wrong" not in shell.user_ns
    monkeypatch.setenv("NO_COLOR", "1")
    shell.run_cell(source)
    assert "\x1b[1;31merror[" not in capsys.readouterr().out


def test_loading_is_light() -> None:
    """The extension needs IPython, and archdsl does not."""
    text = Path(archdsl.__file__).with_name("notebook.py").read_text("utf-8")
    assert "import IPython" not in text
