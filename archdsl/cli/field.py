"""What `archdsl summary` does when it is asked for the field of one layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archdsl.cli.settings import Settings

if TYPE_CHECKING:
    from archdsl.network import Network

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _indices(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
        message = f"{value!r} is not a row and a column, as in 3,4, or the number of a token"
        raise click.BadParameter(message, ctx, param)
    return tuple(map(int, parts))


def _png(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value.suffix.lower() != ".png":
        raise click.BadParameter(f"{str(value)!r} does not end in .png", ctx, param)
    return value


_OPTIONS = (
    click.option(
        "--field-at", "at", metavar="PATH",
        help="Tell the receptive field of a layer or a block instead.",
    ),
    click.option(
        "--position", metavar="I,J", callback=_indices,
        help="With --field-at: tell what this position sees.  [default: the middle]",
    ),
    click.option(
        "--effective", is_flag=True,
        help="With --field-at: measure how much of it is used, by gradient.",
    ),
    click.option(
        "-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png", callback=_png,
        help="With --effective: draw it too.",
    ),
    click.option(
        "--samples", type=click.IntRange(1, 10_000), metavar="N",
        help="With --effective: random inputs to measure with.  [default: 16]",
    ),
)  # fmt: skip


_NAMES = ("at", "position", "effective", "output", "samples")


def field_options(command: _Command) -> _Command:
    """--field-at, and what goes with it: the keywords of `tell`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asked_for(options: dict[str, Any]) -> dict[str, Any] | None:
    """Take the options of a field out of a command's; None if no field is asked for.

    Raises:
        UsageError: an option is given without the one that it goes with.
    """
    field = {name: options.pop(name) for name in _NAMES}
    if field["at"] is None and (field["position"] or field["effective"]):
        name = "--position" if field["position"] else "--effective"
        raise click.UsageError(f"{name} goes with --field-at")
    if not field["effective"] and (field["output"] or field["samples"]):
        name = "-o" if field["output"] else "--samples"
        raise click.UsageError(f"{name} goes with --effective")
    return None if field["at"] is None else field


def tell(
    settings: Settings,
    network: Network,
    at: str,
    position: tuple[int, ...] | None,
    effective: bool,
    output: Path | None,
    samples: int | None,
) -> None:
    """Print the report of a field; measure it, and draw what was measured, if asked."""
    from archdsl.analyses import field_report

    field = network.receptive_field(at)
    region = field.region(*(position or ()))
    data = field_report.to_dict(network.graph, field, region)
    rows: list[tuple[str, str]] = []
    if effective:
        settings.progress(f"measuring {field.path}")
        found = network.effective_field(at, region.position, **_given(inputs=samples))
        data["effective"] = found.to_dict()
        rows.append(("effective", str(found)))
        if output:
            from archdsl.cli.output import listing, written

            files = written(output, lambda: found.save(output))
            data["files"] = [file.to_json() for file in files]
            rows.append(("picture", listing(files)))
    if settings.json:
        settings.print_json(data)
    else:
        settings.print(field_report.text(network.graph, field, region, rows))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
