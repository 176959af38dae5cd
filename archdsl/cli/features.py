"""`archdsl draw --filters` and `--activations`: what a network has learnt, instead of its plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from archdsl.cli.settings import Settings
from archdsl.cli.weights import seed_option, weights_options

if TYPE_CHECKING:
    from archdsl.network import Network

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--filters", metavar="PATH", help="Draw the filters of a convolution instead.",
    ),
    click.option(
        "--activations", metavar="IMAGE",
        help="Draw what the layers make of a picture instead.",
    ),
    click.option(
        "--at", metavar="PATH",
        help="With --activations: of this layer alone, with more of its maps.",
    ),
    weights_options,
    seed_option,
)  # fmt: skip

NAMES = ("filters", "activations", "at", "weights", "renaming", "seed")
_FLAGS = {"renaming": "weights-map"}
# What a picture of features heeds beside its own options.
_HEEDED = {"specs", "output", "parameters", "limits", "json", "quiet", "verbose"}


def feature_options(command: _Command) -> _Command:
    """--filters and --activations, and what goes with them: the keywords of `draw_features`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asked_for(ctx: click.Context, options: dict[str, Any]) -> dict[str, Any] | None:
    """Take the options of features out of a command's; None if neither is asked for.

    Raises:
        UsageError: options are given that do not go together.
    """
    from archdsl.backends.drawing.forms import FEATURES, ending, listed

    own = {name: options.pop(name) for name in NAMES}
    given = [n for n in ctx.params if ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE]
    if own["filters"] is None and own["activations"] is None:
        for name in given:
            if name in NAMES:
                goes = "--activations" if name == "at" else "--filters or --activations"
                raise click.UsageError(f"{_flag(name)} goes with {goes}")
        return None
    if own["filters"] is not None and own["activations"] is not None:
        raise click.UsageError("--filters and --activations exclude one another")
    form = "--filters" if own["filters"] is not None else "--activations"
    if own["filters"] is not None and own["at"] is not None:
        raise click.UsageError("--at goes with --activations; --filters names its layer itself")
    for name in given:
        if name not in _HEEDED and name not in NAMES:
            takes = "-o, --weights, --weights-map and --seed"
            raise click.UsageError(f"{_flag(name)} does not go with {form}, which takes {takes}")
    if len(ctx.params["specs"]) > 1:
        raise click.UsageError(f"{form} is of one network; here are {len(ctx.params['specs'])}")
    if own["weights"] is not None and "seed" in given:
        raise click.UsageError("--seed is for fresh weights; here is --weights")
    if own["weights"] is None and own["renaming"]:
        raise click.UsageError("--weights-map goes with --weights")
    output: Path | None = ctx.params["output"]
    if output is not None and ending(output) not in FEATURES:
        text = f"{str(output)!r} ends in none of {listed(FEATURES)}, which {form} writes"
        raise click.BadParameter(text, param_hint="-o")
    return own


def _flag(name: str) -> str:
    return f"--{_FLAGS.get(name, name).replace('_', '-')}"


def draw_features(
    settings: Settings,
    network: Network,
    output: Path | None,
    filters: str | None,
    activations: str | None,
    at: str | None,
    weights: str | None,
    renaming: dict[str, str],
    seed: int,
) -> None:
    """Write the picture that is asked for, and tell what it leaves out."""
    from archdsl.backends import features
    from archdsl.backends.torch import arrays, told
    from archdsl.cli.output import listing, written
    from archdsl.cli.weights import module

    graph = network.graph
    if filters is not None:
        features.layer_with_filters(graph, filters)  # before weights are read for nothing
    model = module(network, weights, renaming, seed)
    if weights is None and not settings.quiet:
        text = f"the weights are fresh, of seed {seed}; --weights FILE takes trained ones"
        click.echo(f"note: {text}", err=True)
    if filters is not None:
        sheet, what = features.filters(graph, filters, arrays(graph, model)), filters
    else:
        how = told(weights).pictures
        sheet = features.activations(graph, activations, model, at, how)
        what = at or "layers"
    kind = "filters" if filters is not None else "activations"
    path = output or Path("build", f"{network.name}.{what}.{kind}.png")
    settings.progress(f"drawing {path}")
    files = written(path, lambda: sheet.save(path))
    for note in () if settings.quiet else sheet.notes:
        click.echo(f"note: {note}", err=True)
    if settings.json:
        shown = [{"path": p.path, "channels": p.channels, "of": p.of} for p in sheet.panels]
        data = {"network": network.name, "kind": kind, "fresh": weights is None, "shown": shown}
        settings.print_json(data | {"files": [file.to_json() for file in files]})
    else:
        settings.print(listing(files))
