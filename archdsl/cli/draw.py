"""archdsl draw."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.settings import Settings, common, json_option, limits_option, parameters_option

FORMATS = ("svg", "png", "pdf", "gv")


@click.command("draw")
@click.argument("spec")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to; the ending, .svg, .png, .pdf or .gv, says as what.  [default: build/NAME.svg]",
)  # fmt: skip
@parameters_option
@limits_option
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    output: Path | None,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Draw a network: layers, shapes, branches, repetitions."""
    if output is not None and output.suffix.lower().lstrip(".") not in FORMATS:
        endings = ", ".join(f".{f}" for f in FORMATS)
        raise click.BadParameter(f"{str(output)!r} ends in none of {endings}", param_hint="-o")
    from archdsl.cli.output import listing, written
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    network = open_one(spec, parameters, Limits(**limits), check=False)
    path = output or Path("build", f"{network.name}.svg")
    settings.progress(f"drawing {path}")
    files = written(path, lambda: network.draw(path))
    if settings.json:
        settings.print_json({"network": network.name, "files": [f.to_json() for f in files]})
    else:
        settings.print(listing(files))
