"""A Graphviz that stays: a picture then takes as long as its layout, and no process is started.

It is the one in pygraphviz's wheel, in a process of its own (see `rendering`). Where that is not
installed, where a text wants fonts that do not come with archdsl, or where the process ends,
`rendering` draws.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, suppress
from threading import Lock, Timer

from archdsl.backends.drawing.typeface import COVERED
from archdsl.backends.graphviz.mended import mended
from archdsl.backends.graphviz.rendering import PATIENCE, fonts, render, wheel_command

_FIRST = "graph { a }"  # after which plugins and fonts are loaded


class Ended(Exception):
    """The picture is not wanted any more."""


class Resident:
    """Draws SVGs until it is closed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        self._lock = Lock()
        self._closed = False

    def warm(self) -> None:
        """Start, so that the first picture need not wait for it."""
        with self._lock:
            self._asked(_FIRST)

    def svg(self, dot: str) -> str:
        """DOT text as SVG.

        Raises:
            BuildError: there is no Graphviz, or it fails, or takes too long.
            Ended: this was closed.
        """
        with self._lock:
            svg = self._asked(dot) if COVERED.fullmatch(dot) else None
        if svg is None and self._closed:
            raise Ended
        return svg if svg is not None else render(dot)

    def close(self) -> None:
        """End, from whatever thread: a picture that is being drawn is given up."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        stack, self._stack = self._stack, ExitStack()
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what it was not told yet
                        pipe.close()
        stack.close()

    def _asked(self, dot: str) -> str | None:
        """What the process answers; None if there is none, or it has ended."""
        process = self._process or self._started()
        if process is None or process.stdin is None or process.stdout is None:
            return None
        timer = Timer(PATIENCE, process.kill)
        timer.start()
        try:
            data = dot.encode()
            process.stdin.write(b"%d\n" % len(data) + data)
            process.stdin.flush()
            length = int(process.stdout.readline())
            answer = process.stdout.read(length)
            if len(answer) == length:
                return mended(answer.decode())
        except (OSError, ValueError):  # it has ended: DOT that is none, or a crash of C code
            pass
        finally:
            timer.cancel()
        self._end()
        return None

    def _started(self) -> subprocess.Popen[bytes] | None:
        command = None if self._closed else wheel_command()
        if command is None:
            return None
        with suppress(OSError):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._stack.enter_context(fonts(_FIRST)),
                start_new_session=True,  # Ctrl-C is for who asked, who then closes this
            )
        return self._process
