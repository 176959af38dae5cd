"""From DOT to SVG, PNG or PDF: by an installed `dot`, else by the Graphviz in pygraphviz's wheel.

Either runs as a process of its own. C code writes to file descriptor 2 as it likes (Fontconfig does
on many machines), and takes the whole process with it when it crashes. Here its words are read, and
nothing of the caller's, such as a thread that writes to stderr at that moment, is disturbed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from pathlib import Path

from archdsl.backends.drawing.options import DPI
from archdsl.errors import BuildError, Diagnostic

FORMATS = ("svg", "png", "pdf")
PATIENCE = 55  # seconds

_HELP = "install Graphviz (https://graphviz.org/download), or write .gv and draw it elsewhere"
_SLOW = (
    "draw fewer levels: --depth 1 shows stages, 2 blocks; repeat layers with xN, which is drawn "
    "once; or write .gv and draw it elsewhere"
)
_FONTS = Path(__file__).parent / "fonts"
_COVERED = re.compile(r"[\t\n -~\xa0-\u024f\u038e-\u03a1\u03a3-\u045f…‹]*")  # by the fonts there
_CONFIGURATION = """\
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{folder}</cachedir>
  <!-- Hinted letters are whole pixels wide, so that small text looks spaced at random. -->
  <match target="font"><edit name="hinting"><bool>false</bool></edit></match>
  <match target="pattern"><edit name="hinting"><bool>false</bool></edit></match>
</fontconfig>
"""
_DATE = re.compile(rb"(/CreationDate \(D:)\d{14}")  # of a PDF; the same network is the same bytes
_CHILD = Path(__file__).parent / "wheel.py"


def render(dot: str, form: str, path: Path, dpi: int = DPI) -> None:
    """Draw DOT text into a file, in one of `FORMATS`, or as `json`: where everything is.

    Raises:
        BuildError: there is no Graphviz, or it fails, or takes too long.
    """
    said = "neither a `dot` program nor the package pygraphviz is installed"
    with fonts(dot) as environment:
        for command in _commands(form, path, dpi):
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
            if done.returncode == 0 and path.stat().st_size:
                if form == "pdf":
                    path.write_bytes(_DATE.sub(rb"\g<1>19700101000000", path.read_bytes()))
                return
            said = _reason(done)
    raise BuildError(Diagnostic("A703", None, said, help=_HELP))


def _commands(form: str, path: Path, dpi: int) -> Iterator[list[str]]:
    """The ways to run Graphviz here, the preferred one first."""
    if program := shutil.which("dot"):
        yield [program, f"-T{form}", *([f"-Gdpi={dpi}"] if form == "png" else []), "-o", str(path)]
    if child := wheel_command():
        yield [*child, form, str(dpi), str(path)]


def wheel_command() -> list[str] | None:
    """How the Graphviz of the wheel is run; None if it is not installed."""
    package = find_spec("pygraphviz")
    if not (package and package.origin and sys.executable):
        return None
    return [sys.executable, "-I", "-S", str(_CHILD), str(Path(package.origin).parent.parent)]


def covered(text: str) -> bool:
    """Whether the fonts that come with archdsl have all characters of a text."""
    return _COVERED.fullmatch(text) is not None


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
    environment = {**os.environ, "TZ": "UTC"}  # which the date in a PDF is long or short by
    if "FONTCONFIG_FILE" in environment or not covered(text):
        yield environment
        return
    with tempfile.TemporaryDirectory(prefix="archdsl-") as name:
        folder = Path(name)
        for font in _FONTS.glob("*.ttf"):
            shutil.copyfile(font, folder / font.name)
        configuration = folder / "fonts.conf"
        configuration.write_text(_CONFIGURATION.format(folder=escape(name)), "utf-8")
        yield environment | {"FONTCONFIG_FILE": str(configuration)}
