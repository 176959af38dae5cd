"""archdsl compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, json_option, limits_option, parameters_option

if TYPE_CHECKING:
    from torch.nn import Module

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
TOLERANCE = 1e-4  # of the largest output, between onnxruntime and PyTorch


def _kinds(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str]:
    asked = [word.strip() for text in values for word in text.split(",")]
    for word in asked:
        if word not in ENDINGS:
            from archdsl.errors import suggestion

            hint = suggestion(word, ENDINGS) or f"there are {', '.join(ENDINGS)}"
            raise click.BadParameter(f"{word!r} cannot be emitted: {hint}", ctx, param)
    return [kind for kind in ENDINGS if kind in asked]


def _renaming(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    for text in values:
        if "=" not in text:
            raise click.BadParameter(f"{text!r} is not OLD=NEW", ctx, param)
    return dict(text.split("=", 1) for text in values)


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
@click.option(
    "--weights", metavar="FILE", help="A .safetensors or .pth file; without it they are fresh.",
)  # fmt: skip
@click.option(
    "--weights-map", "renaming", metavar="OLD=NEW", multiple=True, callback=_renaming,
    help="Keys of the weights that begin with OLD begin with NEW here. Repeatable.",
)  # fmt: skip
@click.option("--verify", is_flag=True, help="Hold the ONNX file against PyTorch.")
@click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="The seed of fresh weights.",
)  # fmt: skip
@parameters_option
@limits_option
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

    Writes NAME.py (PyTorch), NAME.onnx (large weights in NAME.onnx.data beside it), NAME.svg (a
    picture) and NAME.json (the graph), and prints the table. NAME.safetensors holds the weights
    alone. Each file appears whole or not at all.
    """
    from archdsl.cli.output import listing
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    network = open_one(spec, parameters, Limits(**limits))
    summary = network.summary()
    model = _model(network, kinds, weights, renaming, seed)
    files = [file for kind in kinds for file in _write(network, kind, folder, model, settings)]
    if settings.json:
        parts = {"network": network.name, "files": [f.to_json() for f in files]}
        settings.print_json({**parts, "summary": summary.to_dict()})
    else:
        settings.print_table(summary)
        settings.print(f"\n{listing(files)}")
    if verify and model is not None and "onnx" in kinds:
        _verify(network, folder / f"{network.name}.onnx", model, settings)


def _model(
    network: Network,
    kinds: list[str],
    weights: str | None,
    renaming: dict[str, str],
    seed: int,
) -> Module | None:
    """The module whose weights are written, if any are; a head left fresh is told."""
    if weights is None and not {"onnx", "weights"} & set(kinds):
        return None
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model = network.to_torch(weights, seed, renaming)
    for warning in caught:
        click.echo(f"warning: {warning.message}", err=True)
    return model


def _verify(network: Network, path: Path, model: Module, settings: Settings) -> None:
    """Run the ONNX file and the module side by side.

    Raises:
        BuildError: they differ.
    """
    from archdsl.backends.onnx.session import compare
    from archdsl.errors import BuildError, Diagnostic

    found = compare(network.graph, path, model)
    if not found.relative <= TOLERANCE:
        label = f"{path} differs from PyTorch by {found.relative:.1e} of the largest output"
        raise BuildError(Diagnostic("A704", None, label))
    settings.print(
        f"{path} equals PyTorch: largest difference {found.absolute:.1e}, {found.relative:.1e} of "
        f"the largest output (onnxruntime on {found.device})"
    )


def _write(
    network: Network, kind: str, folder: Path, model: Module | None, settings: Settings
) -> list[File]:
    from archdsl.cli.output import written
    from archdsl.files import write_text

    path = folder / f"{network.name}{ENDINGS[kind]}"
    writers: dict[str, Callable[[], object]] = {
        "json": lambda: write_text(path, network.graph.to_json()),
        "torch": lambda: write_text(path, network.torch_source()),
        "onnx": lambda: network.to_onnx(path, model),
        "weights": lambda: network.save_weights(path, model) if model is not None else None,
    }
    settings.progress(f"writing {path}")
    return written(path, writers.get(kind, lambda: network.draw(path)))
