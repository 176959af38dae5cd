"""The page of a spec, served on the loopback: each save is checked, drawn and told to the page.

    watchfiles ── a save ──> Live.build, in a thread ── a version, errors ──> /events ──> page
                                     │                                                    │
                                     └─ Live.finish, in a thread ─> /state <──────────────┘

A version has two stages. `RUN-N.1` has what is seen at once, the text, the figures and the picture
that a page begins with, and is told as soon as it is there; `RUN-N.2` has the other pictures and
the PyTorch text too. The page compares the version with its own and changes itself, or shows the
errors. Two Graphviz processes stay, one for each stage, so that a save need not wait for the
pictures of the one before.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.backends.graphviz.resident import Ended, Resident
from archdsl.backends.report import LivePage, first_level, levels, waiting
from archdsl.errors import ArchError, BuildError, Diagnostic
from archdsl.files import MAX_SPEC_BYTES

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from archdsl.network import Network

HOST = "127.0.0.1"
NAMES = ("localhost", HOST)
STEP = 10  # milliseconds without a further change after which a save is over
LOOK = 250  # milliseconds after which the files are compared although nothing was told
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page's own says the rest
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Live:
    """What is served: the last good page, what is wrong since, and which files it comes from."""

    def __init__(self, spec: Path, load: Callable[[], Network]) -> None:
        self.spec = spec
        self.errors: str | None = None
        self.files = {spec.resolve()}
        self.closed = False
        self._load = load
        self._run, self._count = secrets.token_hex(4), 0  # another server's pages are not ours
        self._network: Network | None = None
        self._shown: LivePage | None = None
        self._seen: dict[Path, bytes | None] = {}
        self._changed = asyncio.Event()
        self._at_once, self._later = Resident(), Resident()

    @property
    def version(self) -> str:
        return self._shown.version if self._shown else f"{self._run}-0"

    @property
    def page(self) -> str:
        return self._shown.html() if self._shown else waiting(self.spec.name, self.version)

    @property
    def state(self) -> str:
        """What an open page changes itself by, as JSON."""
        return self._shown.json() if self._shown else "null"

    def build(self) -> None:
        """Read the spec and draw it anew, or say why not; the last good page stays."""
        self._later.close()
        self._later = Resident()
        self._seen = _contents(self.files)
        try:
            network = self._load()
            self.files = _files(self.spec, network)
            self._seen = _contents(self.files - self._seen.keys()) | self._seen
            version = f"{self._run}-{self._count + 1}.1"
            drawing = first_level(network.graph, self._at_once.svg)
            subject = network.subject(torch=False)
            self._shown = LivePage.of(subject, drawing(), version)
            self._network, self._count, self.errors = network, self._count + 1, None
        except Exception as error:
            self._refuse(error)

    def finish(self) -> bool:
        """Draw what is not seen at once; whether it is still wanted then."""
        network, count, draw = self._network, self._count, self._later
        if network is None or self.errors is not None:
            return False
        try:
            drawn = levels(network.graph, draw.svg)
            shown = LivePage.of(network.subject(), drawn, f"{self._run}-{count}.2")
        except Ended:
            return False
        except Exception as error:
            if draw is self._later:
                self._refuse(error)
        else:
            if draw is self._later:
                self._shown = shown
        return draw is self._later

    def _refuse(self, error: Exception) -> None:
        if not isinstance(error, ArchError):  # a defect ends no session of work
            self.errors = f"a defect of archdsl: {type(error).__name__}: {error}"
            return
        self.errors = str(error)
        paths = [d.span.source.path for d in error.diagnostics if d.span is not None]
        more = {path.resolve() for path in paths if path is not None} - self.files
        self.files |= more
        self._seen |= _contents(more)

    def warm(self) -> None:
        """Start what draws."""
        self._at_once.warm()
        self._later.warm()

    def concerns(self, path: str) -> bool:
        """Whether a changed file is one of ours; with errors, it may be one that was missing."""
        found = Path(path)
        return found in self.files or (self.errors is not None and found.suffix == ".arch")

    def tell(self) -> None:
        """Wake those who listen."""
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    def close(self) -> None:
        self.closed = True
        self._at_once.close()
        self._later.close()
        self.tell()

    async def news(self) -> AsyncIterator[str]:
        """What is so now and whenever it changes, as server-sent events."""
        while not self.closed:
            changed = self._changed
            yield f"data: {json.dumps({'version': self.version, 'errors': self.errors})}\n\n"
            await changed.wait()

    async def follow(self) -> None:
        """Build after each save, for ever. Folders are watched, as editors save by renaming.

        What is told is no more than a reason to look: a save while the folders that are watched
        change, or on a drive that tells nothing, is found by comparing the files.
        """
        from watchfiles import awatch

        finishing = asyncio.create_task(self._finish())
        while True:
            folders = self._folders()
            if not folders:  # moved away, and maybe back soon
                await asyncio.sleep(LOOK / 1000)
                continue
            watched = awatch(
                *folders,
                recursive=False,
                step=STEP,
                rust_timeout=LOOK,
                yield_on_timeout=True,
                watch_filter=lambda _, path: self.concerns(path),
            )
            async for told in watched:
                if not self._is_new(told):
                    continue
                finishing.cancel()
                await asyncio.to_thread(self.build)
                self.tell()
                finishing = asyncio.create_task(self._finish())
                if self._folders() != folders:
                    break

    def _is_new(self, told: Iterable[tuple[Any, str]]) -> bool:
        """Whether a file is another than when it was read, or may be one that was missing."""
        if self.errors is not None and any(Path(path) not in self.files for _, path in told):
            return True
        return _contents(self.files) != self._seen

    async def _finish(self) -> None:
        if await asyncio.to_thread(self.finish):
            self.tell()

    def _folders(self) -> set[Path]:
        return {folder for file in self.files if (folder := file.parent).is_dir()}


def _files(spec: Path, network: Network) -> set[Path]:
    """The spec and what it imports, which is named from the spec's folder."""
    own = spec.resolve()
    return {own} | {(own.parent / name).resolve() for name in network.graph.origin.imports}


def _contents(files: Iterable[Path]) -> dict[Path, bytes | None]:
    """What is in files; None of one that cannot be read."""
    found: dict[Path, bytes | None] = {}
    for file in files:
        found[file] = None
        with suppress(OSError):
            if file.is_file():
                with file.open("rb") as opened:
                    found[file] = opened.read(MAX_SPEC_BYTES + 1)
    return found


def listen(port: int) -> socket.socket:
    """A socket of the loopback alone; port 0 is any that is free.

    Raises:
        BuildError: the port is taken, or not allowed.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen()
    except OSError as error:
        made.close()
        label = f"port {port}: {(error.strerror or str(error)).lower()}"
        help = "--port 0 takes one that is free"
        raise BuildError(Diagnostic("A986", None, label, help=help)) from None
    return made


def allowed(headers: Mapping[str, str]) -> bool:
    """Whether a request is from our own page or the address bar, under one of our own names.

    Another site could reach us by a name of its own that it lets point here (DNS rebinding), or
    from a page of its own.
    """
    host = headers.get("host", "")
    name, _, port = host.partition(":")
    own = name.lower() in NAMES and (not port or port.isdecimal())
    site = headers.get("sec-fetch-site", "none")
    return own and headers.get("origin", f"http://{host}") == f"http://{host}" and site in (
        "none", "same-origin",
    )  # fmt: skip


def application(live: Live) -> Starlette:
    """`/` is the page, `/events` its news, `/state` what it changes itself by."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
    from starlette.routing import Route

    def guarded(answer: Callable[[], Response]) -> Any:
        async def endpoint(request: Request) -> Response:
            if not allowed(request.headers):
                return PlainTextResponse("not from here\n", 403, HEADERS)
            return answer()

        return endpoint

    def state() -> Response:
        return Response(live.state, 200, HEADERS, "application/json")

    def events() -> Response:
        return StreamingResponse(live.news(), 200, HEADERS, "text/event-stream")

    return Starlette(
        routes=[
            Route("/", guarded(lambda: HTMLResponse(live.page, 200, HEADERS))),
            Route("/state", guarded(state)),
            Route("/events", guarded(events)),
        ]
    )


async def serve(live: Live, at: socket.socket, started: Callable[[], object]) -> None:
    """Serve until interrupted.

    Raises:
        KeyboardInterrupt: by way of the event loop, once all is closed.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            live.close()  # else it waits for pages that listen
            await super().shutdown(sockets)

    config = uvicorn.Config(
        application(live), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    following = asyncio.create_task(live.follow())
    try:
        await Server(config).serve(sockets=[at])
    finally:
        following.cancel()
        live.close()


def first(live: Live) -> None:
    """Build for the first time.

    Raises:
        ReadError: there is no such file.
    """
    if not live.spec.is_file():
        from archdsl.files import read_source

        read_source(live.spec)
    live.warm()
    live.build()
