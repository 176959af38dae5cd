"""archdsl summary --symbolic: parameters and MACs as polynomials."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings


def print_formulas(
    settings: Settings,
    spec: str,
    names: tuple[str, ...],
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Print the parameters and MACs of a network in one of its parameters."""
    name, *others = names
    if others:
        raise click.UsageError("--symbolic takes one parameter; set the others with -p")
    from archdsl.analyses.symbolic import symbolic
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_family

    network, at = open_family(spec, name, parameters, Limits(**limits))
    found = symbolic(at, network.graph, name)
    if settings.json:
        click.echo(found.to_json(), nl=False)
    else:
        settings.print(str(found))
