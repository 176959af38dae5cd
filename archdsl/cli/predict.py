"""archdsl predict."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.pictures import expanded
from archdsl.cli.settings import Settings, common, json_option

if TYPE_CHECKING:
    from archdsl.errors import ModelError
    from archdsl.serve import Prediction

COLUMNS = ("picture", "rank", "class", "label", "probability")
DEVICES = ("auto", "cpu", "cuda", "tensorrt")


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    numbers = value.lower().split("x")
    if len(numbers) > 2 or not all(n.isascii() and n.isdecimal() and int(n) for n in numbers):
        raise click.BadParameter(f"{value!r} is neither N nor ROWSxCOLUMNS", ctx, param)
    return int(numbers[0]), int(numbers[-1])


def _numbers(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        return tuple(map(float, value.split(",")))
    except ValueError:
        label = f"{value!r} is no number, nor several with commas between them"
        raise click.BadParameter(label, ctx, param) from None


@click.command("predict")
@click.argument("model")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--top", "count", metavar="K", type=click.IntRange(1), default=5, show_default=True,
    help="How many classes to tell of each picture.",
)  # fmt: skip
@click.option(
    "--ten-crop", is_flag=True,
    help="Average over the four corners, the centre, and their mirror images.",
)  # fmt: skip
@click.option(
    "--batch", metavar="N", type=click.IntRange(1, 65_536), default=8, show_default=True,
    help="How many pictures go through the model together.",
)  # fmt: skip
@click.option(
    "--device", type=click.Choice(DEVICES), default="auto", show_default=True,
    help="What to run on; auto takes CUDA where it is there.",
)  # fmt: skip
@click.option(
    "--size", metavar="N|ROWSxCOLUMNS", callback=_size, help="What the network sees of a picture."
)
@click.option(
    "--resize", metavar="N", type=click.IntRange(1, 65_536),
    help="What the shorter side is resized to before the centre is cut out.",
)  # fmt: skip
@click.option("--mean", metavar="X,...", callback=_numbers, help="Of each channel, in [0, 1].")
@click.option("--std", metavar="X,...", callback=_numbers, help="Of each channel, in [0, 1].")
@click.option("--csv", "as_csv", is_flag=True, help="Print a line for each class of each picture.")
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    model: str,
    images: tuple[str, ...],
    count: int,
    ten_crop: bool,
    batch: int,
    device: Any,
    size: tuple[int, int] | None,
    resize: int | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    as_csv: bool,
) -> int:
    """Say what pictures show, by an ONNX file.

    An IMAGE is a file, a folder, with those below it, or a pattern such as 'photos/*.jpg'. How they
    are prepared and what the classes are called is read from the file's metadata; what is missing
    there is taken from the model's input and ImageNet's standard, or said by --size, --resize,
    --mean and --std. --json prints a line of JSON for each picture. A picture that cannot be read
    is told, the others go on, and the exit status is 1.
    """
    if as_csv and settings.json:
        raise click.UsageError("--csv and --json exclude one another")
    from archdsl.errors import ModelError
    from archdsl.serve import Session

    _quiet_pillow()
    settings.progress(f"opening {model}")
    session = Session(model, device=device, size=size, resize=resize, mean=mean, std=std)
    paths, missing = expanded(images)
    settings.progress(f"{len(paths)} pictures, on {session.device}, {session.preprocess}")
    tell = _teller(settings, count, as_csv)
    failed = len(missing)
    for path, error in missing:
        tell(path, error)
    with _bar(settings, len(paths)) as advance:
        answers = session.stream(paths, ten_crop=ten_crop, batch=batch)
        for path, answer in zip(paths, answers, strict=True):
            failed += isinstance(answer, ModelError)
            tell(path, answer)
            advance()
    return 1 if failed else 0


def _quiet_pillow() -> None:
    """What Pillow warns of is refused or read: either is all there is to say of it."""
    import logging
    import warnings

    from PIL import Image

    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    logging.getLogger("PIL").addHandler(logging.NullHandler())


# How they are told


_Tell = Callable[[str, "Prediction | ModelError"], None]


def _teller(settings: Settings, count: int, as_csv: bool) -> _Tell:
    """What prints an answer.

    It prints to where sys.stdout and sys.stderr are at that time, which is above the bar; click
    goes past that.
    """
    form = _json if settings.json else _csv if as_csv else _text
    machine = settings.json or as_csv
    if as_csv:
        print(",".join(COLUMNS))

    def tell(path: str, answer: Prediction | ModelError) -> None:
        from archdsl.errors import ModelError

        if isinstance(answer, ModelError) and not settings.json:
            color = settings.color(sys.stderr)
            print("\n".join(d.render(color) for d in answer.diagnostics), file=sys.stderr)
        elif machine or not settings.quiet:
            print(form(path, answer, count), flush=True)

    return tell


def _json(path: str, answer: Prediction | ModelError, count: int) -> str:
    from archdsl.errors import ModelError

    if isinstance(answer, ModelError):
        return json.dumps({"picture": path, "errors": [d.to_json() for d in answer.diagnostics]})
    top = [
        {"class": found.index, "label": found.name, "probability": found.probability}
        for found in answer.top(count)
    ]
    return json.dumps({"picture": path, "top": top})


def _csv(path: str, answer: Prediction | ModelError, count: int) -> str:
    from archdsl.errors import ModelError, printable

    assert not isinstance(answer, ModelError)
    shown = printable if sys.stdout.isatty() else str
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for rank, found in enumerate(answer.top(count), 1):
        row = (shown(path), rank, found.index, shown(found.name or ""), f"{found.probability:.6f}")
        writer.writerow(row)
    return text.getvalue().removesuffix("\n")


def _text(path: str, answer: Prediction | ModelError, count: int) -> str:
    from archdsl.errors import ModelError, printable

    assert not isinstance(answer, ModelError)
    lines = [printable(path)]
    for found in answer.top(count):
        name = f"class {found.index}" if found.name is None else printable(found.name)
        lines.append(f"  {100 * found.probability:6.2f} %  {name}")
    return "\n".join(lines)


@contextmanager
def _bar(settings: Settings, total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, if that is a terminal; what moves it on."""
    if settings.quiet or total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    console = Console(stderr=True, no_color=not settings.color(sys.stderr))
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    # What goes to the same terminal is printed above the bar; what goes to a file goes there.
    both = sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=both) as progress:
        task = progress.add_task("predict", total=total)
        yield lambda: progress.advance(task)
