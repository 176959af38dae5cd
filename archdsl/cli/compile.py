"""archdsl compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, json_option, spec_options
from archdsl.cli.weights import module, seed_option, weights_options

if TYPE_CHECKING:
    from torch.nn import Module

    from archdsl.backends.onnx import Exported
    from archdsl.cli.output import File
    from archdsl.network import Network

# What can be written, in that order; the pictures last, as they need a tool beside us.
ENDINGS = {
    "json": ".json",
    "torch": ".py",
    "weights": ".safetensors",
    "onnx": ".onnx",
    "gv": ".gv",
    "svg": ".svg",
    "png": ".png",
    "pdf": ".pdf",
}
DEFAULT = "torch,onnx,svg,json"


def _kinds(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str]:
    asked = [word.strip() for text in values for word in text.split(",")]
    for word in asked:
        if word not in ENDINGS:
            from archdsl.errors import suggestion

            hint = suggestion(word, ENDINGS) or f"there are {', '.join(ENDINGS)}"
            raise click.BadParameter(f"{word!r} cannot be emitted: {hint}", ctx, param)
    return [kind for kind in ENDINGS if kind in asked]


@click.command("compile")
@click.argument("spec")
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), default=Path("build"),
    show_default=True, metavar="DIR", help="The folder to write into; it is made if missing.",
)  # fmt: skip
@click.option(
    "--emit", "kinds", multiple=True, default=[DEFAULT], metavar="KIND,...", callback=_kinds,
    help=f"What to write, of {', '.join(ENDINGS)}. Repeatable.  [default: {DEFAULT}]",
)  # fmt: skip
@weights_options
@click.option("--verify", is_flag=True, help="Hold the ONNX file against PyTorch.")
@seed_option
@spec_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    folder: Path,
    kinds: list[str],
    weights: str | None,
    renaming: dict[str, str],
    verify: bool,
    seed: int,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Compile a network.

    Writes NAME.py (PyTorch), NAME.onnx (large weights in a file beside it), NAME.svg (a
    picture) and NAME.json (the graph), and prints the table. NAME.safetensors holds the weights
    alone. Each file appears whole or not at all.
    """
    from archdsl.cli.output import listing
    from archdsl.elaborate import Limits
    from archdsl.files import check_writable
    from archdsl.pipeline import open_one

    network = open_one(spec, parameters, Limits(**limits))
    for kind in kinds:
        check_writable(folder / f"{network.name}{ENDINGS[kind]}")  # before the slow work
    summary = network.summary()
    wanted = weights is not None or {"onnx", "weights"} & set(kinds)
    model = module(network, weights, renaming, seed) if wanted else None
    made: list[Exported] = []
    files = [
        file
        for kind in kinds
        for file in _write(network, kind, folder, model, settings, verify, made)
    ]
    if settings.json:
        parts = {"network": network.name, "files": [f.to_json() for f in files]}
        settings.print_json({**parts, "summary": summary.to_dict()})
    else:
        settings.print_table(summary)
        settings.print(f"\n{listing(files)}")
    for exported in made:
        if exported.agreement is not None:
            settings.print(f"{exported.files[0]} {exported.agreement}")


def _write(
    network: Network,
    kind: str,
    folder: Path,
    model: Module | None,
    settings: Settings,
    verify: bool,
    made: list[Exported],
) -> list[File]:
    """Write one kind of file; `made` is added what is told of an ONNX file."""
    from archdsl.cli.output import written
    from archdsl.files import write_text

    path = folder / f"{network.name}{ENDINGS[kind]}"
    writers: dict[str, Callable[[], object]] = {
        "json": lambda: write_text(path, network.graph.to_json()),
        "torch": lambda: write_text(path, network.torch_source()),
        "onnx": lambda: _onnx(network, path, model, verify, made),
        "weights": lambda: network.save_weights(path, model) if model is not None else None,
    }
    settings.progress(f"writing {path}")
    return written(path, writers.get(kind, lambda: network.draw(path)))


def _onnx(
    network: Network, path: Path, model: Module | None, verify: bool, made: list[Exported]
) -> tuple[Path, ...]:
    from archdsl.backends.onnx import ExportOptions

    made.append(network.to_onnx(path, model, options=ExportOptions(verify=verify)))
    return made[-1].files
