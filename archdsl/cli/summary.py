"""archdsl summary."""

from __future__ import annotations

from typing import Any

import click

from archdsl.cli.field import check, field_options, tell
from archdsl.cli.settings import Settings, common, json_option, limits_option, parameters_option


@click.command("summary")
@click.argument("spec")
@parameters_option
@limits_option
@click.option("--csv", is_flag=True, help="Print the rows as CSV.")
@field_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    parameters: dict[str, str],
    limits: dict[str, int],
    csv: bool,
    **field: Any,
) -> None:
    """Print a network's table: layers, shapes, parameters, MACs, receptive fields.

    A MAC is one multiply-add of a convolution, a linear layer or a matrix product, for one example;
    other work is counted apart. A field of 195/32 is 195 input positions wide and moves by 32 from
    one position to the next; "all" is the whole input.
    """
    if csv and (settings.json or field["at"]):
        other = "--json" if settings.json else "--field-at"
        raise click.UsageError(f"--csv and {other} exclude each other")
    asked = check(**field)
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    network = open_one(spec, parameters, Limits(**limits))
    if asked:
        tell(settings, network, **field)
        return
    summary = network.summary()
    if csv:
        click.echo(summary.to_csv(), nl=False)
    elif settings.json:
        click.echo(summary.to_json(), nl=False)
    else:
        settings.print_table(summary)
