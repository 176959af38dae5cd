"""archdsl explain."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings, common


@click.command("explain")
@click.argument("word")
@common
@click.pass_obj
def command(settings: Settings, word: str) -> None:
    """Print the page of a layer or of an error: `archdsl explain conv`, `archdsl explain A204`."""
    from archdsl.codes import CODES
    from archdsl.errors import suggestion
    from archdsl.ir.op import registry
    from archdsl.reference import error_page, layer_page

    if word.upper() in CODES:
        page = error_page(word.upper())
    elif word in registry():
        page = layer_page(registry()[word])
    else:
        hint = suggestion(word, [*registry(), *CODES]) or "`archdsl list layers` shows the layers"
        raise click.UsageError(f"{word!r} is neither a layer nor an error: {hint}")
    settings.print_markdown(page)
