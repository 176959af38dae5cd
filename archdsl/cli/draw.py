"""archdsl draw."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from archdsl.backends.drawing import THEMES, Options
from archdsl.backends.drawing.forms import REPORT, ending, listed
from archdsl.backends.drawing.options import (
    DPI,
    LEAST_DPI,
    MOST_DPI,
    Direction,
    Mark,
    Quantity,
    read_length,
)
from archdsl.cli.features import asked_for, draw_features, feature_options
from archdsl.cli.settings import Settings, common, json_option, spec_options
from archdsl.styles import STYLES, Style, complaint


def _length(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return read_length(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _depth(ctx: click.Context, param: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == "all":
        return value
    if not re.fullmatch("[1-9][0-9]{0,3}", value):
        raise click.BadParameter(f"{value!r} is no number of levels, nor `all`", ctx, param)
    return int(value)


def _words(known: tuple[str, ...]) -> Any:
    """A callback for options of several words: `--label-with macs,path`."""

    def read(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Any:
        words = tuple(dict.fromkeys(w.strip() for text in values for w in text.split(",")))
        for word in words:
            if word not in known:
                text = f"{word!r} is none of {', '.join(known)}"
                raise click.BadParameter(text, ctx, param)
        return words

    return read


@click.command("draw")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to; the ending says as what.  [default: build/NAME.svg]",
)  # fmt: skip
@click.option("--style", type=click.Choice(tuple(STYLES)), default="graph", show_default=True)
@click.option(
    "--depth", callback=_depth, metavar="N|all",
    help="Levels that are open: 1 shows stages, 2 blocks, all every layer.  [default: what fits]",
)  # fmt: skip
@click.option("--direction", type=click.Choice(get_args(Direction)), default="down")
@click.option("--theme", type=click.Choice(tuple(THEMES)), default="light", show_default=True)
@click.option(
    "--label-with", multiple=True, metavar="WORD,...", callback=_words(get_args(Mark)),
    help=f"Write beside each layer, of {', '.join(get_args(Mark))}.",
)  # fmt: skip
@click.option("--heat", type=click.Choice(get_args(Quantity)), help="Colour by cost, not by kind.")
@click.option(
    "--highlight", multiple=True, metavar="PATH", help="Let a layer or block stand out. Repeatable."
)
@click.option("--legend/--no-legend", default=True, help="Say what the colours mean.")
@click.option("--width", callback=_length, metavar="LENGTH", help="Such as 8cm, 3.5in or 252pt.")
@click.option(
    "--dpi", type=click.IntRange(LEAST_DPI, MOST_DPI), default=DPI, show_default=True, metavar="N",
    help="Pixels of an inch, of a PNG.",
)  # fmt: skip
@feature_options
@spec_options
@json_option
@common
@click.pass_context
def command(
    ctx: click.Context,
    specs: tuple[str, ...],
    output: Path | None,
    style: str,
    parameters: dict[str, str],
    limits: dict[str, int],
    **given: Any,
) -> None:
    """Draw a network, or the table of several.

    --style graph has boxes for layers and arrows for tensors; copies of a repetition are one,
    marked with their number. --style volumes has tensors in perspective. --style table is the
    layer table of a paper, a column a network; without -o it is printed.

    With -o FILE.html and no --style it is a page to walk around in: the spec with its costs, the
    diagram, the layers, memory and receptive fields, the PyTorch module. It is one file that needs
    no network; of several SPECs it is a comparison too.

    --filters and --activations show what a network has learnt: the weights of a convolution as
    tiles, and the maps that layers give for a picture, prepared as the spec says. -o is then a
    .png, .webp or .svg.
    """
    from archdsl.cli.output import listing, written
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one, open_several

    settings: Settings = ctx.obj
    features = asked_for(ctx, given)
    if features is not None:
        network = open_one(specs[0], parameters, Limits(**limits), check=False)
        draw_features(settings, network, output, **features)
        return
    if output is not None and _is_report(ctx, output):
        _report(ctx, specs, output, parameters, limits)
        return
    chosen = STYLES[style]
    _check(ctx, style, chosen, len(specs), output)
    options = Options(**given)
    draw = chosen.load()
    first, *others = specs
    if others:
        networks = open_several(specs, parameters, Limits(**limits))
    else:
        networks = [open_one(first, parameters, Limits(**limits), check=False)]
    graphs = [network.graph for network in networks]
    if output is None and chosen.prints is not None and not settings.json:
        settings.print(chosen.prints()(graphs))
        return
    path = output or Path("build", f"{networks[0].name}.{chosen.endings[0]}")
    settings.progress(f"drawing {path}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        files = written(path, lambda: draw(graphs, path, options))
    for warning in caught:
        click.echo(f"warning: {warning.message}", err=True)
    if settings.json:
        names = [network.name for network in networks]
        settings.print_json({"network": names[0], "files": [f.to_json() for f in files]})
    else:
        settings.print(listing(files))


def _is_report(ctx: click.Context, output: Path) -> bool:
    """Whether a page is meant, and no picture."""
    chosen = ctx.get_parameter_source("style") != ParameterSource.DEFAULT
    return not chosen and ending(output) in REPORT


def _report(
    ctx: click.Context,
    specs: tuple[str, ...],
    output: Path,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    from archdsl.cli.report import write_report
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one, open_several

    if given := _given(ctx):
        flag = given[0].replace("_", "-")
        raise click.UsageError(f"--{flag} is for pictures; {output} is a page with several")
    if len(specs) == 1:
        networks = [open_one(specs[0], parameters, Limits(**limits), check=False)]
    else:
        networks = open_several(specs, parameters, Limits(**limits))
    write_report(ctx.obj, specs, networks, output)


def _given(ctx: click.Context) -> list[str]:
    """The options of pictures that were given."""
    named = [key for key in ctx.params if key in Options.__dataclass_fields__]
    return [key for key in named if ctx.get_parameter_source(key) != ParameterSource.DEFAULT]


def _check(ctx: click.Context, name: str, style: Style, networks: int, output: Path | None) -> None:
    """Refuse what the style does not do, and say which styles do it."""
    if networks > 1 and not style.several:
        several = [other for other, s in STYLES.items() if s.several]
        raise click.UsageError(
            f"--style {name} draws one network; here are {networks} (several: "
            f"--style {', '.join(several)})"
        )
    if wrong := complaint(name, _given(ctx)):
        raise click.UsageError(wrong)
    if output is not None and ending(output) not in style.endings:
        known = listed(style.endings)
        text = f"{str(output)!r} ends in none of {known}, which --style {name} writes"
        raise click.BadParameter(text, param_hint="-o")
