"""archdsl explain."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings, common


@click.command("explain")
@click.argument("word")
@common
@click.pass_obj
def command(settings: Settings, word: str) -> None:
    """Print the page of a layer, of an error, or of a word of the `train` section.

    For example `archdsl explain conv`, `archdsl explain A204`, `archdsl explain sgd`.
    """
    from archdsl.codes import CODES
    from archdsl.errors import suggestion
    from archdsl.ir.op import registry
    from archdsl.ir.training.setting import settings as training_settings
    from archdsl.reference import error_page, layer_page, setting_page

    of_training = [s for s in training_settings() if word in (s.name, s.slot)]
    if word.upper() in CODES:
        page = error_page(word.upper())
    elif word in registry():
        page = layer_page(registry()[word])
    elif of_training:
        page = "\n".join(setting_page(s) for s in of_training)
    else:
        known = [*registry(), *CODES, *(s.name for s in training_settings())]
        hint = suggestion(word, known) or "`archdsl list layers` shows the layers"
        raise click.UsageError(f"{word!r} is no layer, no error, no setting: {hint}")
    settings.print_markdown(page)
