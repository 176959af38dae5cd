"""archdsl check."""

from __future__ import annotations

import click

from archdsl.cli.settings import Settings, common, json_option, spec_options


@click.command("check")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@spec_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings, specs: tuple[str, ...], parameters: dict[str, str], limits: dict[str, int]
) -> None:
    """Print the errors of specs, of all of them in one run.

    Each network without one gets a line `ok`. Blocks are checked where networks call them: of a
    file that holds nothing else, only how it is written is.
    """
    from archdsl.elaborate import Limits
    from archdsl.errors import ArchError, Diagnostic
    from archdsl.pipeline import open_spec

    networks: list[str] = []
    found: list[Diagnostic] = []
    for spec in specs:
        settings.progress(f"checking {spec}")
        try:
            opened = open_spec(spec, parameters, Limits(**limits), library=True)
        except ArchError as error:
            found.extend(error.diagnostics)
            continue
        if not opened and not settings.json:
            settings.print(f"ok {spec}, of blocks alone")
        for network in opened:
            networks.append(_called(spec, network.name))
            if not settings.json:
                settings.print(f"ok {networks[-1]}")
    if found:
        raise ArchError(found)
    if settings.json:
        settings.print_json({"networks": networks, "errors": []})


def _called(spec: str, name: str) -> str:
    """The network as a SPEC names it."""
    named = spec == name or spec.endswith(f":{name}")
    return spec if named else f"{spec}:{name}"
