"""archdsl card."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.settings import Settings, common, json_option, spec_options


@click.command("card")
@click.argument("spec")
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="The folder to write into; it is made if missing.  [default: build/NAME-card]",
)  # fmt: skip
@click.option("--weights", default="", metavar="FILE", help="The file of weights that it names.")
@click.option("--license", default="", metavar="TEXT", help="The licence of the weights.")
@spec_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    folder: Path | None,
    weights: str,
    license: str,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Write a model card: README.md with picture, table, spec and source, for a repository."""
    from archdsl import card
    from archdsl.cli.output import listing, measured
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    network = open_one(spec, parameters, Limits(**limits), check=False)
    made = card.write(network, folder or Path("build", f"{network.name}-card"), license, weights)
    files = measured(made)
    if settings.json:
        settings.print_json({"network": network.name, "files": [f.to_json() for f in files]})
    else:
        settings.print(listing(files))
