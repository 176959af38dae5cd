"""archdsl train."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from archdsl.cli.settings import Settings, common, json_option, spec_options

if TYPE_CHECKING:
    from archdsl.network import Network
    from archdsl.train import Options, Outcome
    from archdsl.train.watch import Watch

INTERRUPTED = 130


@click.command("train")
@click.argument("spec", required=False)
@click.option(
    "--set", "changes", multiple=True, metavar="SETTING",
    help="Another setting than the spec's: optimizer.lr=0.01, batch=64, 'optimizer adam lr=3e-4'. "
    "Repeatable.",
)  # fmt: skip
@click.option("--data", metavar="PATH", help="Read the data from there, not where the spec says.")
@click.option("--epochs", metavar="N", type=click.IntRange(1), help="So many passes over the data.")
@click.option(
    "--from",
    "start",
    metavar="WEIGHTS",
    help="Begin with a run's folder, a .safetensors or a .pth file.",
)
@click.option(
    "--freeze", metavar="WHAT",
    help="What is not trained, as `freeze` says it: 'all except fc', 'until layer3 epochs=5'.",
)  # fmt: skip
@click.option("--name", metavar="NAME", help="Of the run.  [default: the network's]")
@click.option(
    "--runs", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False), default="runs",
    show_default=True, help="Where the run's folder is made.",
)  # fmt: skip
@click.option(
    "--resume", metavar="RUN", type=click.Path(path_type=Path),
    help="Go on with a run, given by its folder, as if it had never stopped.",
)  # fmt: skip
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="What to train on; auto takes CUDA where it is there.",
)  # fmt: skip
@click.option(
    "--devices", metavar="N", type=click.IntRange(1, 4096), default=1, show_default=True,
    help="Processes that share every batch, each with a device of its own.",
)  # fmt: skip
@click.option(
    "--strategy", type=click.Choice(["ddp", "fsdp"]), default="ddp", show_default=True,
    help="Whether each of several processes has all weights, or a part of them.",
)  # fmt: skip
@click.option(
    "--place", "places", multiple=True, metavar="PATHS=DEVICE",
    help="Compute parts on a device: layer1,layer2=cuda:0. A join may have a device for each "
    "of its branches: concat1=cuda:0,cuda:1. Repeatable.",
)  # fmt: skip
@click.option(
    "--save-every", metavar="STEPS", type=click.IntRange(1),
    help="Steps between two checkpoints.  [default: some 20 seconds]",
)  # fmt: skip
@click.option("--tensorboard", is_flag=True, help="Write the figures for TensorBoard too.")
@click.option(
    "--no-features", is_flag=True,
    help="Compute what is frozen anew in every epoch, and keep no features of it.",
)  # fmt: skip
@click.option("--onnx", is_flag=True, help="Export the best weights too, as NAME.onnx in the run.")
@spec_options
@json_option
@common
@click.pass_context
def command(
    ctx: click.Context,
    spec: str | None,
    changes: tuple[str, ...],
    data: str | None,
    epochs: int | None,
    start: str | None,
    freeze: str | None,
    name: str | None,
    runs: Path,
    resume: Path | None,
    device: Any,
    devices: int,
    strategy: Any,
    places: tuple[str, ...],
    save_every: int | None,
    tensorboard: bool,
    no_features: bool,
    onnx: bool,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> int:
    """Train a network as the `train` section of its spec says.

    A run has a folder of its own, runs/NAME: the weights of the best validation are in
    best.safetensors, for `export`, and the figures of every epoch in metrics.csv. Ctrl-C keeps
    everything, and --resume goes on from there; so it does after a crash, with the same result.
    """
    settings: Settings = ctx.obj
    from archdsl.train import Options

    options = Options(
        runs, name, device, devices, save_every, tensorboard, not no_features, strategy, places
    )
    if resume is not None:
        own = [p for p in ctx.command.params if p.name in _OF_A_START]
        if wrong := [p.opts[0] for p in own if _is_given(ctx, p.name or "")]:
            raise click.UsageError(f"--resume goes on with a run as it is, without {wrong[0]}")
        outcome = _resumed(resume, _changed(ctx, resume, options), settings)
    elif spec is None:
        raise click.UsageError("Missing argument 'SPEC', or --resume RUN")
    else:
        from archdsl.elaborate import Limits
        from archdsl.ir.training.running import From
        from archdsl.pipeline import open_to_train

        said = [*changes, *([f"epochs {epochs}"] if epochs else [])]
        said += [f"from {From.show('path', start)}"] if start is not None else []
        if freeze is not None and (not freeze.strip() or set(freeze) & set(";\n")):
            raise click.UsageError(f"--freeze {freeze!r}: one `freeze` is wanted, without the word")
        said += [f"freeze {freeze}"] if freeze else []
        network = open_to_train(spec, parameters, Limits(**limits), said, data)
        outcome = _started(network, options, settings)
    if not outcome.first:
        return 0 if outcome.finished else INTERRUPTED
    for warning in outcome.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not outcome.finished:
        again = f"archdsl train --resume {shlex.quote(str(outcome.folder))}"
        click.echo(f"stopped; everything is kept, and this goes on: {again}", err=True)
        return INTERRUPTED
    exported = _exported(outcome, settings) if onnx else None
    _tell(outcome, exported, settings)
    return 0


def _started(network: Network, options: Options, settings: Settings) -> Outcome:
    from archdsl import train
    from archdsl.train.launch import placement
    from archdsl.train.place import table

    where = placement(network.graph, options)
    if where is not None:
        settings.progress(table(where))
    with _watching(settings) as watch:
        return train.start(network.graph, options, network.files(), watch)


def _is_given(ctx: click.Context, parameter: str) -> bool:
    return ctx.get_parameter_source(parameter) is not ParameterSource.DEFAULT


_OF_A_START = frozenset(
    ["spec", "changes", "data", "epochs", "start", "freeze", "name", "runs", "parameters", "limits"]
)
"""The parameters that --resume does not take."""
_OF_A_RUN = {
    "device": "device",
    "devices": "devices",
    "strategy": "strategy",
    "place": "places",
    "save_every": "save_every",
    "tensorboard": "tensorboard",
    "features": "no_features",
}
"""The options that --resume takes, by their names in `Options`."""


def _changed(ctx: click.Context, folder: Path, options: Options) -> Options:
    """The options that a run began with, but for those that are given now."""
    from archdsl.train.record import read

    fields = {field for field, parameter in _OF_A_RUN.items() if _is_given(ctx, parameter)}
    if "device" in fields:  # all of it is computed there, but for what is placed now
        fields.add("place")
    _, about = read(folder)
    return replace(about.options, **{name: getattr(options, name) for name in fields})


def _resumed(folder: Path, options: Options, settings: Settings) -> Outcome:
    from archdsl import train

    with _watching(settings) as watch:
        return train.resume(folder, options, watch)


@contextmanager
def _watching(settings: Settings) -> Iterator[Watch | None]:
    """A bar on stderr, if that is a terminal; else what is to know alone."""
    from archdsl.cli.training import Bar, Notes

    if settings.quiet:
        yield None
    elif not sys.stderr.isatty():
        yield Notes()
    else:
        with Bar(settings.color(sys.stderr)) as bar:
            yield bar


def _exported(outcome: Outcome, settings: Settings) -> Path:
    """The best weights as an ONNX file in the run's folder."""
    from archdsl.backends.onnx import ExportOptions
    from archdsl.backends.torch import told
    from archdsl.network import Network
    from archdsl.train.record import read

    graph, _ = read(outcome.folder)
    path = outcome.folder / f"{graph.name}.onnx"
    settings.progress(f"writing {path}")
    trained = told(str(outcome.best))
    options = ExportOptions(
        classes=trained.classes, pictures=trained.pictures, fold=True, verify=True
    )
    Network(graph).to_onnx(path, str(outcome.best), options=options)
    return path


def _tell(outcome: Outcome, exported: Path | None, settings: Settings) -> None:
    """The summary at the end."""
    from archdsl.train.summary import best_row, summary

    if settings.json:
        best = best_row(outcome.rows)
        last = outcome.rows[-1].to_dict() if outcome.rows else None
        settings.print_json(
            {
                "run": str(outcome.folder),
                "best": best and _plain(best.to_dict()),
                "last": last and _plain(last),
                "weights": str(outcome.best),
                "onnx": exported and str(exported),
            }
        )
        return
    settings.print(summary(outcome.folder, outcome.rows))


def _plain(row: dict[str, int | float]) -> dict[str, int | float | None]:
    """What is no number has no place in JSON."""
    return {key: value if value == value else None for key, value in row.items()}
