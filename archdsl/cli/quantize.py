"""archdsl quantize."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.pictures import expanded
from archdsl.cli.settings import Settings, common, json_option

if TYPE_CHECKING:
    from archdsl.race.timing import Timing
    from archdsl.serve.quantize import Mode, Report


@click.command("quantize")
@click.argument("model")
@click.option(
    "--data", "data", multiple=True, required=True, metavar="IMAGE|FOLDER",
    help="Pictures like those that it will see; in folders named after the classes, the accuracy "
    "is told too. Repeatable.",
)  # fmt: skip
@click.option(
    "-o", "output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where to.  [default: MODEL.int8.onnx beside it]",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["static", "dynamic"]), default="static", show_default=True,
    help="static: weights and activations, calibrated; dynamic: the weights of matrix products.",
)  # fmt: skip
@click.option(
    "--calibrate", type=click.IntRange(1, 100_000), default=100, show_default=True, metavar="N",
    help="Pictures to measure ranges on, at most half of them; the others test it.",
)  # fmt: skip
@click.option(
    "--min-agreement", "minimum", type=click.FloatRange(0, 1), default=0.9, show_default=True,
    metavar="SHARE", help="Write nothing if fewer of the answers stay the same.",
)  # fmt: skip
@click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="What the pictures are shuffled by.",
)  # fmt: skip
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    model: str,
    data: tuple[str, ...],
    output: Path | None,
    mode: Mode,
    calibrate: int,
    minimum: float,
    seed: int,
) -> int:
    """Write an ONNX file in 8-bit integers, and tell what became of it.

    The answers before and after are compared on pictures that it was not calibrated with; if too
    many change, nothing is written. The latency is that of one picture on one core of the CPU.
    """
    from archdsl.serve.quantize import quantize

    output = output or Path(model).with_suffix(".int8.onnx")
    paths, missing = expanded(data)
    for _, error in missing:
        click.echo(str(error), err=True)
    settings.progress(f"{len(paths)} pictures")
    pictures = [Path(path) for path in paths]
    report = quantize(
        model, output, pictures, mode=mode, calibrate=calibrate, minimum=minimum, seed=seed
    )
    times = _latency(model, output, pictures)
    if settings.json:
        seconds = {name: timing.median for name, timing in times.items()}
        settings.print_json({"file": str(output), **report.to_dict(), "latency": seconds})
    else:
        settings.print(_told(output, report, times))
    return 1 if missing else 0


def _latency(model: str, output: Path, pictures: list[Path]) -> dict[str, Timing]:
    """Of the model alone, one picture at a time, in turns."""
    from archdsl.race.timing import race
    from archdsl.serve import Session

    sessions = {
        name: Session(path, device="cpu") for name, path in (("before", model), ("after", output))
    }
    feeds = {name: next(session.feeds(pictures)) for name, session in sessions.items()}
    runs = {name: lambda s=s, f=feeds[name]: s.run(f) for name, s in sessions.items()}
    return race(runs, seconds=1.0)


def _told(output: Path, report: Report, times: dict[str, Timing]) -> str:
    from archdsl.quantity import show_bytes, show_time
    from archdsl.race.timing import ratio

    faster = ratio(times["after"], times["before"])
    noise = ", no more than the noise" if faster.is_noise else ""
    lines = [
        f"wrote      {output}",
        f"pictures   {report.calibrated:,} to calibrate, {report.tested:,} others to test",
        f"agreement  {report.agreement:.1%} of the answers stay the same",
    ]
    if report.accuracy is not None:
        lines.append(f"accuracy   {report.accuracy[0]:.1%} before, {report.accuracy[1]:.1%} after")
    sizes = [show_bytes(n) for n in report.size]
    lines.append(f"size       {sizes[0]} before, {sizes[1]} after")
    medians = [show_time(times[name].median) for name in ("before", "after")]
    ratios = f"{faster.value:.2f}x as fast{noise}"
    lines.append(f"latency    {medians[0]} before, {medians[1]} after: {ratios}")
    return "\n".join(lines)
