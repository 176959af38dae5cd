"""archdsl watch."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

import click

from archdsl.cli.settings import Settings, common, limits_option, parameters_option

NEEDED = ("starlette", "uvicorn", "watchfiles")


@click.command("watch")
@click.argument("spec")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8127, show_default=True, metavar="N",
    help="Where the page is served; 0 is any port that is free.",
)  # fmt: skip
@click.option("--open", "browse", is_flag=True, help="Open the page in the browser.")
@parameters_option
@limits_option
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
        text = f"watch needs {', '.join(missing)}: pip install 'archdsl[report]'"
        raise click.ClickException(text)
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one
    from archdsl.watch import HOST, Live, first, listen, serve

    path = Path(spec)
    if not path.exists() and ".arch:" in spec:
        path = Path(spec.rpartition(":")[0])

    async def run() -> None:
        live = Live(path, lambda: open_one(spec, parameters, Limits(**limits), check=False))
        first(live)
        try:
            at = listen(port)
        except OSError as error:
            reason = f"port {port}: {error.strerror}; --port 0 takes one that is free"
            raise click.BadParameter(reason, param_hint="--port") from None
        with at:
            url = f"http://{HOST}:{at.getsockname()[1]}/"
            if live.errors:
                click.echo(live.errors, err=True)
            await serve(live, at, lambda: started(url))

    def started(url: str) -> None:
        settings.print(f"{path} at {url}  (Ctrl-C ends it)")
        if browse:
            click.launch(url)

    asyncio.run(run())
