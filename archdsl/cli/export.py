"""archdsl export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, json_option, spec_options
from archdsl.cli.weights import module, seed_option, weights_options

if TYPE_CHECKING:
    from archdsl.backends.onnx import Exported


@click.command("export")
@click.argument("spec")
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path), metavar="FILE",
    help="The file to write.  [default: NAME.onnx]",
)  # fmt: skip
@weights_options
@seed_option
@click.option(
    "--batch", metavar="N", type=click.IntRange(1), help="Take batches of N alone, not of any size."
)
@click.option("--dynamic-size", is_flag=True, help="Take maps of any size, if the network can.")
@click.option(
    "--opset", metavar="N", type=int, help="The version of ONNX's operators, from 17 on.",
)  # fmt: skip
@click.option(
    "--fold/--no-fold", default=True, show_default=True,
    help="Take batch normalisation into the layer before, leave out what does nothing.",
)  # fmt: skip
@click.option("--functions", is_flag=True, help="Make a function of each block of the spec.")
@click.option("--inline", is_flag=True, help="Keep large weights in the one file.")
@click.option("--fp16", is_flag=True, help="Compute in 16 bits, what is sensitive in 32.")
@click.option("--bf16", is_flag=True, help="The same in bfloat16, from opset 22 on.")
@click.option("--preprocess", is_flag=True, help="Take pictures as they are: uint8, of any size.")
@click.option("--softmax", "probabilities", is_flag=True, help="Give probabilities too.")
@click.option(
    "--top", metavar="K", type=click.IntRange(0), default=0,
    help="Give the K largest scores too, and whose they are.",
)  # fmt: skip
@click.option(
    "--classes", metavar="FILE", type=click.Path(path_type=Path),
    help="The names of the classes, one a line, to go with the file.",
)  # fmt: skip
@click.option(
    "--license", metavar="TEXT", default="", help="The licence of the weights, to go with the file."
)
@click.option(
    "--verify/--no-verify", default=True, show_default=True,
    help="Hold the file against PyTorch before it takes its name.",
)  # fmt: skip
@click.option("--bisect", is_flag=True, help="Tell of each layer how far it is from PyTorch.")
@spec_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    spec: str,
    path: Path | None,
    weights: str | None,
    renaming: dict[str, str],
    seed: int,
    batch: int | None,
    dynamic_size: bool,
    opset: int | None,
    fold: bool,
    functions: bool,
    inline: bool,
    fp16: bool,
    bf16: bool,
    preprocess: bool,
    probabilities: bool,
    top: int,
    classes: Path | None,
    license: str,
    verify: bool,
    bisect: bool,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> None:
    """Write a network as an ONNX file, with its weights.

    The file takes its name when onnx's checker and shape inference have passed and onnxruntime has
    given what PyTorch gives; where they differ nothing is written, and the first layer that departs
    is named. Large weights are in a file beside it, NAME.onnx.HASH.data, that belongs to it.
    """
    if fp16 and bf16:
        raise click.UsageError("--fp16 and --bf16 exclude one another")
    from archdsl.backends.onnx import ExportOptions
    from archdsl.backends.onnx.options import OPSET
    from archdsl.backends.torch import told
    from archdsl.elaborate import Limits
    from archdsl.pipeline import open_one

    trained = told(weights)
    options = ExportOptions(
        batch=batch,
        dynamic_size=dynamic_size,
        opset=OPSET if opset is None else opset,
        fold=fold,
        functions=functions,
        inline=inline,
        precision="float16" if fp16 else "bfloat16" if bf16 else "float32",
        preprocess=preprocess,
        probabilities=probabilities,
        top=top,
        classes=_names(classes) if classes is not None else trained.classes,
        pictures=trained.pictures,
        license=license,
        verify=verify,
        bisect=bisect,
    )
    network = open_one(spec, parameters, Limits(**limits))
    path = path or Path(f"{network.name}.onnx")
    settings.progress(f"writing {path}")
    model = module(network, weights, renaming, seed)
    _tell(network.to_onnx(path, model, options=options), network.name, settings)


def _names(path: Path) -> tuple[str, ...]:
    """The names of the classes in a file.

    Raises:
        BuildError: there are none.
    """
    from archdsl.errors import BuildError, Diagnostic
    from archdsl.files import read_lines

    found = read_lines(path)
    if not found:
        label = f"{path}: it has no names of classes"
        raise BuildError(Diagnostic("A708", None, label, help="a name per line, one for each"))
    return found


def _tell(made: Exported, network: str, settings: Settings) -> None:
    """What was written and how well it agrees, in words or as JSON."""
    from dataclasses import asdict

    from archdsl.cli.output import listing, measured

    files = measured(made.files)
    if settings.json:
        agreement = made.agreement and asdict(made.agreement)
        found = {d.path: d.relative for d in made.differences}
        parts = {"network": network, "files": [f.to_json() for f in files], "step": made.step}
        settings.print_json({**parts, "agreement": agreement, "differences": found})
        return
    settings.print(listing(files))
    if made.step is not None:
        sides = "of any size" if made.step == 1 else f"larger by multiples of {made.step}"
        settings.print(f"takes maps {sides}")
    if made.agreement is not None:
        settings.print(str(made.agreement))
    for each in made.differences:
        settings.print(f"{each.relative:9.1e}  {each.path}")
