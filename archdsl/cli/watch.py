"""archdsl watch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, spec_options

if TYPE_CHECKING:
    from archdsl.errors import BuildError

NEEDED = ("starlette", "uvicorn", "watchfiles")


@click.command("watch")
@click.argument("spec")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8127, show_default=True, metavar="N",
    help="Where the page is served; 0 is any port that is free.",
)  # fmt: skip
@click.option("--open", "browse", is_flag=True, help="Open the page in the browser.")
@spec_options
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    port: int,
    browse: bool,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Serve the page of a spec to this machine, and follow each save.

    The page is that of `draw -o FILE.html`. When the spec or a file that it imports is saved, the
    page shows the new network, or the errors over the last good one. SPEC is a file or
    file.arch:network. Ctrl-C ends it.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise lacking(missing)
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one
    from archdsl.watch import HOST, Live, first, listen, serve

    path = Path(spec)
    if not path.exists() and ".arch:" in spec:
        path = Path(spec.rpartition(":")[0])

    async def run() -> None:
        live = Live(path, lambda: open_one(spec, parameters, Limits(**limits), check=False))
        with listen(port) as at:
            first(live)
            url = f"http://{HOST}:{at.getsockname()[1]}/"
            if live.errors:
                click.echo(live.errors, err=True)
            await serve(live, at, lambda: started(url))

    def started(url: str) -> None:
        settings.print(f"{path} at {url}  (Ctrl-C ends it)")
        if browse:
            click.launch(url)

    asyncio.run(run())


def lacking(packages: Sequence[str]) -> BuildError:
    """The error of packages that are not installed."""
    from archdsl.errors import BuildError, Diagnostic

    label = f"{', '.join(packages)} cannot be imported"
    return BuildError(Diagnostic("A985", None, label, help="pip install 'archdsl[report]'"))
