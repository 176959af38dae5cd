"""archdsl compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, json_option, parameters_option

if TYPE_CHECKING:
    from archdsl.cli.output import File
    from archdsl.network import Network

# What can be written, in that order; the pictures last, as they need a tool beside us.
ENDINGS = {
    "json": ".json",
    "torch": ".py",
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
@click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="The seed of the weights in the ONNX file.",
)  # fmt: skip
@parameters_option
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    folder: Path,
    kinds: list[str],
    seed: int,
    parameters: dict[str, str],
) -> None:
    """Compile a network.

    Writes NAME.py (PyTorch), NAME.onnx (its weights fresh from the seed; large ones in
    NAME.onnx.data beside it), NAME.svg (a picture) and NAME.json (the graph), and prints the table.
    Each file appears whole or not at all.
    """
    from archdsl.cli.output import listing
    from archdsl.pipeline import open_one

    network = open_one(spec, parameters)
    summary = network.summary()
    files = [file for kind in kinds for file in _write(network, kind, folder, seed, settings)]
    if settings.json:
        parts = {"network": network.name, "files": [f.to_json() for f in files]}
        settings.print_json({**parts, "summary": summary.to_dict()})
    else:
        settings.print_table(summary)
        settings.print(f"\n{listing(files)}")


def _write(network: Network, kind: str, folder: Path, seed: int, settings: Settings) -> list[File]:
    from archdsl.cli.output import written
    from archdsl.files import write_text

    path = folder / f"{network.name}{ENDINGS[kind]}"
    writers: dict[str, Callable[[], object]] = {
        "json": lambda: write_text(path, network.graph.to_json()),
        "torch": lambda: write_text(path, network.torch_source()),
        "onnx": lambda: network.to_onnx(path, seed=seed),
    }
    settings.progress(f"writing {path}")
    return written(path, writers.get(kind, lambda: network.draw(path)))
