"""From DOT to SVG: by the Graphviz in pygraphviz's wheel, else by an installed `dot`.

The wheel comes first, so that a network looks alike on every machine. Distributions have older ones
(Debian 12 has 2.43), which take letters for narrower than they are: long texts leave their boxes.

Either runs as a process of its own. C code writes to file descriptor 2 as it likes (Fontconfig does
on many machines), and takes the whole process with it when it crashes. Here its words are read, and
nothing of the caller's, such as a thread that writes to stderr at that moment, is disturbed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from archdsl.backends.drawing.typeface import COVERED, FONTS
from archdsl.backends.graphviz.mended import mended
from archdsl.errors import BuildError, Diagnostic

PATIENCE = 55  # seconds

_HELP = "install Graphviz (https://graphviz.org/download), or write .gv and draw it elsewhere"
_SLOW = (
    "draw fewer levels: --depth 1 shows stages, 2 blocks; repeat layers with xN, which is drawn "
    "once; or write .gv and draw it elsewhere"
)
_CONFIGURATION = """\
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{folder}</cachedir>
  <!-- Hinted letters are whole pixels wide, so that small text looks spaced at random. -->
  <match target="font"><edit name="hinting"><bool>false</bool></edit></match>
  <match target="pattern"><edit name="hinting"><bool>false</bool></edit></match>
</fontconfig>
"""
_CHILD = Path(__file__).parent / "wheel.py"


def render(dot: str, form: Literal["svg", "json"] = "svg") -> str:
    """What Graphviz draws of DOT text: a picture, or as `json` where everything in it is.

    Raises:
        BuildError: there is no Graphviz, or it fails, or takes too long.
    """
    said = "neither the package pygraphviz nor a `dot` program is installed"
    with fonts(dot) as environment:
        for command in _commands(form):
            try:
                done = subprocess.run(
                    command,
                    input=dot.encode(),
                    capture_output=True,
                    env=environment,
                    timeout=PATIENCE,
                    check=False,
                )
            except OSError as error:
                said = f"{command[0]}: {error.strerror or error}"
                continue
            except subprocess.TimeoutExpired:
                label = f"Graphviz was still at work after {PATIENCE} seconds"
                raise BuildError(Diagnostic("A701", None, label, help=_SLOW)) from None
            if done.returncode == 0 and done.stdout:
                found = done.stdout.decode()
                return mended(found) if form == "svg" else found
            said = _reason(done)
    raise BuildError(Diagnostic("A703", None, said, help=_HELP))


def _commands(form: str) -> Iterator[list[str]]:
    """The ways to run Graphviz here, the preferred one first."""
    if child := wheel_command():
        yield [*child, form]
    if program := shutil.which("dot"):
        yield [program, f"-T{form}"]


def wheel_command() -> list[str] | None:
    """How the Graphviz of the wheel is run; None if it is not installed."""
    package = find_spec("pygraphviz")
    if not (package and package.origin and sys.executable):
        return None
    return [sys.executable, "-I", "-S", str(_CHILD), str(Path(package.origin).parent.parent)]


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    words = [w for w in done.stderr.decode(errors="replace").splitlines() if w.strip()]
    words = [w for w in words if not w.startswith("Fontconfig")] or words
    return words[-1].strip() if words else f"Graphviz ended with status {done.returncode}"


@contextmanager
def fonts(text: str) -> Iterator[Mapping[str, str]]:
    """The environment for Graphviz, in which it finds the fonts that come with archdsl.

    A bare machine has no font, and Graphviz writes little squares there; and a box is as wide as
    its text, so that the fonts decide the layout. The system's fonts are used where the text has
    characters that ours lack, or where the user says which with FONTCONFIG_FILE. Fontconfig leaves
    files beside the fonts that it reads, so it gets copies.
    """
    if "FONTCONFIG_FILE" in os.environ or not COVERED.fullmatch(text):
        yield os.environ
        return
    with tempfile.TemporaryDirectory(prefix="archdsl-") as name:
        folder = Path(name)
        for font in FONTS.glob("*.ttf"):
            shutil.copyfile(font, folder / font.name)
        configuration = folder / "fonts.conf"
        configuration.write_text(_CONFIGURATION.format(folder=escape(name)), "utf-8")
        yield {**os.environ, "FONTCONFIG_FILE": str(configuration)}
