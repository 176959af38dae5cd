"""The page of a spec, served on the loopback: each save is checked, drawn and told to the page.

    watchfiles ── a save ──> Live.build, in a thread ── a version, errors ──> /events ──> page

The page compares the version with its own, and loads itself again or shows the errors.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import ArchError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from archdsl.network import Network

HOST = "127.0.0.1"
NAMES = ("localhost", HOST)
STEP = 20  # milliseconds without a further change after which a save is over
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
        self._page: str | None = None
        self._changed = asyncio.Event()

    @property
    def version(self) -> str:
        return f"{self._run}-{self._count}"

    @property
    def page(self) -> str:
        from archdsl.backends.report import waiting

        return self._page if self._page is not None else waiting(self.spec.name, self.version)

    def build(self) -> None:
        """Read the spec and draw it anew, or say why not; the last good page stays."""
        try:
            network = self._load()
            self.files = _files(self.spec, network)
            version = f"{self._run}-{self._count + 1}"
            self._page = network.live_report(version)
            self._count, self.errors = self._count + 1, None
        except ArchError as error:
            self.errors = str(error)
            paths = [d.span.source.path for d in error.diagnostics if d.span is not None]
            self.files |= {path.resolve() for path in paths if path is not None}
        except Exception as error:  # a defect ends no session of work
            self.errors = f"a defect of archdsl: {type(error).__name__}: {error}"

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
        self.tell()

    async def news(self) -> AsyncIterator[str]:
        """What is so now and whenever it changes, as server-sent events."""
        while not self.closed:
            changed = self._changed
            yield f"data: {json.dumps({'version': self.version, 'errors': self.errors})}\n\n"
            await changed.wait()

    async def follow(self) -> None:
        """Build after each save, for ever. Folders are watched, as editors save by renaming."""
        from watchfiles import awatch

        while True:
            folders = self._folders()
            if not folders:  # moved away, and maybe back soon
                await asyncio.sleep(0.2)
                continue
            watched = awatch(
                *folders,
                recursive=False,
                step=STEP,
                watch_filter=lambda _, path: self.concerns(path),
            )
            async for _ in watched:
                await asyncio.to_thread(self.build)
                self.tell()
                if self._folders() != folders:
                    break

    def _folders(self) -> set[Path]:
        return {folder for file in self.files if (folder := file.parent).is_dir()}


def _files(spec: Path, network: Network) -> set[Path]:
    """The spec and what it imports, which is named from the spec's folder."""
    own = spec.resolve()
    return {own} | {(own.parent / name).resolve() for name in network.graph.origin.imports}


def listen(port: int) -> socket.socket:
    """A socket of the loopback alone; port 0 is any that is free.

    Raises:
        OSError: the port is taken, or not allowed.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen()
    except OSError:
        made.close()
        raise
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
    """`/` is the page and `/events` its news."""
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

    def events() -> Response:
        return StreamingResponse(live.news(), 200, HEADERS, "text/event-stream")

    return Starlette(
        routes=[
            Route("/", guarded(lambda: HTMLResponse(live.page, 200, HEADERS))),
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


def first(live: Live) -> None:
    """Build for the first time.

    Raises:
        ReadError: there is no such file.
    """
    if not live.spec.is_file():
        from archdsl.files import read_source

        read_source(live.spec)
    live.build()
