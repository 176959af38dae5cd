"""archdsl summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from archdsl.cli.field import asked_for, field_options, tell
from archdsl.cli.settings import Settings, common, json_option, limits_option, parameters_option

if TYPE_CHECKING:
    from archdsl.analyses.summary import Plan
    from archdsl.analyses.table import Depth
    from archdsl.ir.shapes import Shape
    from archdsl.network import Network


def _read_depth(ctx: click.Context, param: click.Parameter, text: str | None) -> int | str | None:
    if text is None or text == "all":
        return text
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise click.BadParameter(f"{text!r} is neither a number of levels nor `all`", ctx, param)
    return int(text)


def _read_inputs(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for text in texts:
        name, equals, shape = text.rpartition("=")
        if not re.fullmatch(r"[0-9]{1,10}(x[0-9]{1,10}){0,2}", shape) or (equals and not name):
            label = f"{text!r} is no shape such as 3x256x256 or board=48x19x19"
            raise click.BadParameter(label, ctx, param)
        found[name] = tuple(map(int, shape.split("x")))
    return found


def _read_type(ctx: click.Context, param: click.Parameter, text: str) -> str:
    from archdsl.analyses.memory import SHORT, width_of

    try:
        width_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return SHORT.get(text, text)


def _read_size(ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:
    from archdsl.quantity import read_bytes

    try:
        return None if text is None else read_bytes(text)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


# The forms of the output, and which options each heeds; any other given with it is refused.
_PLANNED = {"batch", "dtype", "optimizer", "checkpoint", "fits", "device"}
_HEEDED = {
    "--symbolic": {"symbolic", "json"},
    "--field-at": {"at", "position", "effective", "output", "samples", "inputs", "json"},
    "--by source": {"by", "inputs", "batch", "dtype"},
    "--csv": {"csv", "inputs"},
    "--json": {"json", "inputs", *_PLANNED},
    "--markdown": {"markdown", "inputs", "depth", *_PLANNED},
}
_ALWAYS = {"spec", "parameters", "limits", "quiet", "verbose"}


def _refuse_what_is_not_heeded(ctx: click.Context, form: str) -> None:
    """Refuse options that say nothing about this form of the output: none is dropped silently."""
    heeded = _HEEDED[form] | _ALWAYS
    for param in ctx.command.params:
        name = param.name or ""
        given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in heeded:
            raise click.UsageError(f"{max(param.opts, key=len)} does not go with {form}", ctx)


@click.command("summary")
@click.argument("spec")
@parameters_option
@click.option(
    "--input", "inputs", multiple=True, metavar="[NAME=]SHAPE", callback=_read_inputs,
    help="Another size than the spec's, such as 3x256x256. Repeatable, with names.",
)  # fmt: skip
@click.option(
    "--depth", metavar="N|all", callback=_read_depth,
    help="Levels of blocks and sequences; `all` is a row for each layer.  [default: one page]",
)  # fmt: skip
@click.option(
    "--by", type=click.Choice(["layer", "source"]), default="layer",
    help="`source` prints the spec itself with the numbers of each line in its margin.",
)  # fmt: skip
@click.option(
    "--batch", type=click.IntRange(1, 2**40), default=1, show_default=True, metavar="N",
    help="Examples that memory and time are for; parameters and MACs are for one.",
)  # fmt: skip
@click.option(
    "--dtype", default="fp32", show_default=True, metavar="TYPE", callback=_read_type,
    help="The numbers' type, for memory and time: fp64, fp32, bf16, fp16.",
)  # fmt: skip
@click.option(
    "--optimizer", metavar="TEXT",
    help='For training, such as "sgd momentum=0.9".  [default: the spec\'s, or adamw]',
)  # fmt: skip
@click.option(
    "--checkpoint", multiple=True, metavar="PATH",
    help="A part that runs again in training to save memory; `blocks.*` is each. Repeatable.",
)  # fmt: skip
@click.option(
    "--fits", metavar="SIZE", callback=_read_size,
    help="The largest batch that takes at most 8GB, 16GiB, ….",
)  # fmt: skip
@click.option(
    "--device", metavar="NAME|FILE",
    help="Estimate the time on a device: a100, h100, h200, t4, or a .toml file like theirs.",
)  # fmt: skip
@click.option("--csv", is_flag=True, help="Print the layers as CSV.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@field_options
@limits_option
@click.option(
    "--symbolic", multiple=True, metavar="NAME",
    help="Print parameters and MACs as polynomials of a parameter.",
)  # fmt: skip
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    parameters: dict[str, str],
    inputs: dict[str, Shape],
    limits: dict[str, int],
    by: str,
    csv: bool,
    markdown: bool,
    symbolic: tuple[str, ...],
    **options: Any,
) -> None:
    """Print a network's table: layers, shapes, parameters, MACs, receptive fields, memory.

    A MAC is one multiply-add of a convolution, a linear layer or a matrix product, for one example;
    other work is counted apart. A field of 195/32 is 195 input positions wide and moves by 32 from
    one position to the next; "all" is the whole input. Expectations of the spec that do not hold
    are told after the table. Memory and time are explained in docs/memory.md, and what other tools
    count in docs/costs.md.
    """
    field = asked_for(options)
    wanted = (symbolic, field, by == "source", csv, settings.json, markdown)
    form = next((form for form, is_wanted in zip(_HEEDED, wanted, strict=True) if is_wanted), "")
    if form:
        _refuse_what_is_not_heeded(click.get_current_context(), form)
    if symbolic:
        from archdsl.cli.symbolic import print_formulas

        print_formulas(settings, spec, symbolic, parameters, limits)
        return
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    # The table shows why an expectation does not hold; for machines one document is printed.
    network = open_one(spec, parameters, Limits(**limits), inputs, check=settings.json)
    if field:
        tell(settings, network, **field)
    else:
        _print(settings, network, form, _plan(**options), options["depth"])
    network.check()


def _print(settings: Settings, network: Network, form: str, plan: Plan, depth: Depth) -> None:
    """The table, in one of its forms."""
    if form == "--by source":
        settings.print(network.annotated_source(plan.batch, plan.dtype))
        return
    summary = network.summary(plan)
    if form == "--csv":
        click.echo(summary.to_csv(), nl=False)
    elif form == "--json":
        click.echo(summary.to_json(), nl=False)
    elif form == "--markdown":
        from archdsl.analyses.table import markdown

        click.echo(markdown(summary, depth), nl=False)
    else:
        settings.print_table(summary, depth)


def _plan(
    batch: int,
    dtype: str,
    optimizer: str | None,
    checkpoint: tuple[str, ...],
    fits: int | None,
    device: str | None,
    **_: Any,
) -> Plan:
    from archdsl import devices, pipeline
    from archdsl.analyses.summary import Plan

    found = None if device is None else devices.device(device)
    if found is not None and dtype not in found.matrix:
        known = ", ".join(found.matrix)
        raise click.UsageError(f"{found.name} has no rate for {dtype}; it has {known}")
    by = None if optimizer is None else pipeline.optimizer(optimizer)
    return Plan(batch, dtype, by, checkpoint, fits, found)
