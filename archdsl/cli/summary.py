"""archdsl summary."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings, common, json_option, limits_option, parameters_option


@click.command("summary")
@click.argument("spec")
@parameters_option
@limits_option
@click.option("--csv", is_flag=True, help="Print the rows as CSV.")
@click.option(
    "--symbolic", multiple=True, metavar="NAME",
    help="Print parameters and MACs as polynomials of a parameter.",
)  # fmt: skip
@json_option
@common
@click.pass_obj
def command(
    settings: Settings, spec: str, parameters: dict[str, str], limits: dict[str, int], csv: bool,
    symbolic: tuple[str, ...],
) -> None:  # fmt: skip
    """Print a network's table: layers, shapes, parameters, MACs, receptive fields.

    A MAC is one multiply-add of a convolution, a linear layer or a matrix product, for one example;
    other work is counted apart. A field of 195/32 is 195 input positions wide and moves by 32 from
    one position to the next; "all" is the whole input.
    """
    if csv and settings.json:
        raise click.UsageError("--csv and --json exclude each other")
    if symbolic:
        from archdsl.cli.symbolic import print_formulas

        print_formulas(settings, spec, symbolic, parameters, limits)
        return
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    summary = open_one(spec, parameters, Limits(**limits)).summary()
    if csv:
        click.echo(summary.to_csv(), nl=False)
    elif settings.json:
        click.echo(summary.to_json(), nl=False)
    else:
        settings.print_table(summary)
