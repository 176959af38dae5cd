"""archdsl explain."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings, common


@click.command("explain")
@click.argument("word")
@common
@click.pass_obj
def command(settings: Settings, word: str) -> None:
    """Print the page of a layer, an error, a rule of lint, or a word of the `train` section.

    For example `archdsl explain conv`, `archdsl explain A204`, `archdsl explain L101`,
    `archdsl explain sgd`.
    """
    from archdsl.codes import CODES
    from archdsl.errors import suggestion
    from archdsl.ir.op import known_elsewhere, registry
    from archdsl.ir.training.setting import settings as training_settings
    from archdsl.lint import all_rules
    from archdsl.lint.page import page as rule_page
    from archdsl.reference import error_page, layer_page, setting_page

    of_training = [s for s in training_settings() if word in (s.name, s.slot)]
    rules = {rule.code: rule for rule in all_rules()}
    if word.upper() in CODES:
        page = error_page(word.upper())
    elif word.upper() in rules:
        page = rule_page(rules[word.upper()])
    elif word in registry():
        page = layer_page(registry()[word])
    elif not of_training and (ours := known_elsewhere(word)):
        page = f"`{word}` is called `{ours}` here.\n\n{layer_page(registry()[ours])}"
    elif of_training:
        page = "\n".join(setting_page(s) for s in of_training)
    else:
        known = [*registry(), *CODES, *rules, *(s.name for s in training_settings())]
        hint = suggestion(word, known) or "`archdsl list layers` shows the layers"
        raise click.UsageError(f"{word!r} is no layer, error, rule or setting: {hint}")
    settings.print_markdown(page)
