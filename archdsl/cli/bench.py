"""archdsl bench."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, json_option, spec_options

if TYPE_CHECKING:
    from archdsl.network import Network
    from archdsl.race.result import Heat, Result
    from archdsl.race.runners import Setup, Way


def _read_batches(ctx: click.Context, param: click.Parameter, text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 1 <= int(word) <= 2**20 for word in words):
        raise click.BadParameter(f"{text!r} is no list of sizes, such as 1,8", ctx, param)
    return list(dict.fromkeys(map(int, words)))


def _read_ways(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str]:
    from archdsl.race.runners import ways

    known = [way.name for way in ways()]
    if text is None:
        return known
    words = list(dict.fromkeys(word.strip() for word in text.split(",")))
    if wrong := [word for word in words if word not in known]:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(known)}", ctx, param)
    return words


@click.command("bench")
@click.argument("spec")
@click.option(
    "--batch", "batches", default="1,8", show_default=True, metavar="N,...",
    callback=_read_batches, help="Examples at once.",
)  # fmt: skip
@click.option(
    "--ways", metavar="WAY,...", callback=_read_ways,
    help="Of eager, channels_last, compile, bf16, fp16, onnxruntime, onnxruntime-cuda, "
    "onnxruntime-tensorrt; the first is what the others are held against.  [default: all]",
)  # fmt: skip
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where they run.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0.05, 600), default=3.0, show_default=True, metavar="S",
    help="For each way and batch, its warm-up aside.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N",
    help="On the CPU.  [default: as many as there are cores]",
)  # fmt: skip
@click.option(
    "--memory",
    is_flag=True,
    help="Measure the memory that each way takes too, in processes of their own.",
)
@click.option(
    "-o", "plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.svg",
    help="Draw the times.",
)  # fmt: skip
@click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="The seed of weights and inputs.",
)  # fmt: skip
@spec_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    batches: list[int],
    ways: list[str],
    device: str,
    seconds: float,
    threads: int | None,
    memory: bool,
    plot: Path | None,
    seed: int,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Time a network at inference: PyTorch's ways against onnxruntime's.

    The ways take turns, so that what else the machine does falls on all alike. The median, the 90th
    and the 99th percentile are over single calls; a ratio is the median over rounds, in brackets
    where it lies with 95% certainty. Where that holds 1, the difference is no more than the noise.
    """
    if plot is not None and plot.suffix != ".svg":
        raise click.UsageError("-o writes .svg alone")
    from archdsl.elaborate import Limits
    from archdsl.files import write_text
    from archdsl.pipeline import open_one
    from archdsl.race import result as results
    from archdsl.race.runners import default_device, prepared
    from archdsl.race.runners import ways as all_ways

    network = open_one(spec, parameters, Limits(**limits))
    device = default_device() if device == "auto" else device
    by_name = {way.name: way for way in all_ways()}
    chosen = [by_name[name] for name in ways if device in by_name[name].on]
    if not chosen:
        raise click.UsageError(f"none of these ways runs on {device}")
    threads = threads or os.cpu_count() or 1
    heats: list[Heat] = []
    for batch in batches:
        settings.progress(f"batch {batch}")
        with prepared(network, batch, device, threads, seed) as setup:
            heat = _heat(setup, chosen, seconds, settings)
            heats.append(_weighed(heat, setup, settings) if memory else heat)
    found = _result(network, device, threads, heats)
    if plot is not None:
        write_text(plot, results.plot(found))
    if settings.json:
        settings.print_json(found.to_dict())
    else:
        settings.print(results.table(found))


def _heat(setup: Setup, chosen: list[Way], seconds: float, settings: Settings) -> Heat:
    """One batch size: set up what runs, then let them race.

    Raises:
        BuildError: nothing runs.
    """
    from archdsl.errors import BuildError, Diagnostic
    from archdsl.race.result import Heat
    from archdsl.race.runners import CannotRun
    from archdsl.race.timing import Run, race

    runs: dict[str, Run] = {}
    refused: dict[str, str] = {}
    for way in chosen:
        settings.progress(f"preparing {way.name}")
        try:
            runs[way.name] = way.make(setup)
        except CannotRun as error:
            refused[way.name] = str(error)
    if not runs:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise BuildError(Diagnostic("A709", None, f"nothing can run: {reasons}"))
    return Heat(setup.batch, race(runs, seconds), refused)


def _weighed(heat: Heat, setup: Setup, settings: Settings) -> Heat:
    """The same with the memory that its ways take."""
    from dataclasses import replace

    from archdsl.race.memory import Load, measure

    graph = setup.network.graph.to_json()
    found: dict[str, int] = {}
    for name in heat.timings:
        settings.progress(f"weighing {name}")
        given = (setup.batch, setup.device, setup.threads, setup.seed)
        took = measure(Load(graph, name, *given, str(setup.onnx)))
        if took is not None:
            found[name] = took
    return replace(heat, memory=found)


def _result(network: Network, device: str, threads: int, heats: list[Heat]) -> Result:
    import onnxruntime
    import torch

    from archdsl.race.result import Result

    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    versions = {"PyTorch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    return Result(network.name, name, threads, versions, tuple(heats))
