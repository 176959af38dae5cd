"""archdsl compare."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.report import names_apart
from archdsl.cli.settings import Settings, common, json_option, spec_options

if TYPE_CHECKING:
    from archdsl.analyses.compare import Comparison

_COLORS = {"-": "red", "+": "green", "~": "yellow"}


@click.command("compare")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@spec_options
@click.option(
    "--batch", type=click.IntRange(1, 2**40), default=1, show_default=True, metavar="N",
    help="Examples that memory is for.",
)  # fmt: skip
@click.option(
    "--diff/--no-diff", "diff", default=None,
    help="Align the layers of two networks; --diff insists on two.",
)  # fmt: skip
@click.option("--markdown", is_flag=True, help="Print a table of Markdown.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE.html",
    help="Write a page that shows them side by side, and each by itself.",
)  # fmt: skip
@json_option
@common
@click.pass_obj
def command(
    settings: Settings, specs: tuple[str, ...], parameters: dict[str, str],
    limits: dict[str, int], batch: int, diff: bool | None, markdown: bool, output: Path | None,
) -> None:  # fmt: skip
    """Print networks side by side, and where two of them differ.

    Of a single SPEC that is a file, all networks are compared. -p sets a parameter of each network
    that has it. 1.04x is the ratio to the first network, "same" is exact.

    Memory is the peak of an inference without gradients, and of a step of training with the spec's
    own optimizer or AdamW. The field is that of the last layer that does not see the whole input.
    Depth counts the layers with kernels (convolutions, fully connected layers, attention) on the
    longest way from an input to an output.

    The layers of two networks are aligned: "-" is only in the first, "+" only in the second, "~"
    is in both and changed, "…" stands for layers that are alike or repeat what is above.
    """
    if markdown and settings.json:
        raise click.UsageError("--markdown and --json exclude each other")
    if output is not None and (markdown or diff is not None):
        raise click.UsageError("a page has no --markdown and no --diff")
    from archdsl.analyses.compare import compare
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_several

    networks = open_several(specs, parameters, Limits(**limits))
    if len(networks) < 2:
        raise click.UsageError(f"{specs[0]} is one network; name another to compare it with")
    if diff and len(networks) != 2:
        raise click.UsageError(f"--diff aligns two networks; here are {len(networks)}")
    names = names_apart(specs, networks)
    if output is not None:
        from archdsl.cli.report import write_report

        write_report(settings, specs, networks, output, batch)
        return
    graphs = [network.graph for network in networks]
    found = compare(*graphs, names=names, batch=batch, aligned=diff is not False)
    if settings.json:
        click.echo(found.to_json(), nl=False)
    elif markdown:
        settings.print(found.to_markdown().rstrip("\n"))
    else:
        _print(settings, found)


def _print(settings: Settings, found: Comparison) -> None:
    """The tables, as wide as the terminal; in colour on one that has it."""
    from archdsl.analyses import side_by_side

    width = side_by_side.WIDTH
    if sys.stdout.isatty():
        width = max(20, shutil.get_terminal_size().columns)
    settings.print("\n".join(side_by_side.table(found, width)))
    if found.difference is None:
        return
    settings.print("")
    for sign, text in side_by_side.diff(found.difference, width):
        color = _COLORS.get(sign) if settings.color(sys.stdout) else None
        settings.print(click.style(text, fg=color) if color else text)
