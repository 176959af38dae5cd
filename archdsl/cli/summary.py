"""archdsl summary."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings, common, json_option, limits_option, parameters_option


@click.command("summary")
@click.argument("spec")
@parameters_option
@limits_option
@click.option("--csv", is_flag=True, help="Print the rows as CSV.")
@json_option
@common
@click.pass_obj
def command(
    settings: Settings, spec: str, parameters: dict[str, str], limits: dict[str, int], csv: bool
) -> None:
    """Print a network's table: layers, shapes, parameters, MACs, receptive fields.

    A MAC is one multiply-add of a convolution, a linear layer or a matrix product, for one example;
    other work is counted apart. A field of 195/32 is 195 input positions wide and moves by 32 from
    one position to the next; "all" is the whole input. Expectations of the spec that do not hold
    are told after the table.
    """
    if csv and settings.json:
        raise click.UsageError("--csv and --json exclude each other")
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    # The table shows why an expectation does not hold; for machines one document is printed.
    network = open_one(spec, parameters, Limits(**limits), check=settings.json)
    summary = network.summary()
    if csv:
        click.echo(summary.to_csv(), nl=False)
    elif settings.json:
        click.echo(summary.to_json(), nl=False)
    else:
        settings.print_table(summary)
    network.check()
