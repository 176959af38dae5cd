"""A model card: a network as a page of Markdown for the repository that its weights lie in."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.analyses.table import escape, markdown
from archdsl.errors import Diagnostic, WriteError, printable
from archdsl.files import assembling, one_at_a_time, write_text
from archdsl.heading import heading, paper

if TYPE_CHECKING:
    from archdsl.network import Network

NAME = "README.md"  # what repositories show
OURS = "library_name: archdsl"


def write(
    network: Network, folder: str | Path, license: str = "", weights: str = ""
) -> tuple[Path, ...]:
    """Write the card, its picture and the spec into a folder, which is made if missing.

    All of it is made before the first file takes its name, so that a failure changes none; then
    they do in a row, the card last.

    Args:
        network: what the card is of.
        folder: where to.
        license: of the weights.
        weights: the file of weights that the card tells to load.

    Returns:
        The card, the picture `NAME.svg`, and the spec with what it imports.

    Raises:
        BuildError: no Graphviz can be run.
        WriteError: a file cannot be written, or something else than a card has its name.
    """
    picture, card = Path(folder, f"{network.name}.svg"), Path(folder, NAME)
    specs = {Path(folder, name): spec for name, spec in network.files()}
    _refuse_to_lose(card, picture, specs)
    names = [name for name, _ in network.files() if not _is_read_from(network, Path(folder, name))]
    with assembling(card) as (beside, keep):
        network.draw(beside / picture.name)
        write_text(beside / NAME, text(network, license, weights))
        for name in names:
            write_text(beside / name, specs[Path(folder, name)])
        with one_at_a_time(Path(folder)):
            for name in (*names, picture.name, NAME):
                keep(name)
    return card, picture, *specs


def _refuse_to_lose(card: Path, picture: Path, specs: Collection[Path]) -> None:
    """Make sure that no file of the card takes the place of another, or of a page that is none.

    Raises:
        WriteError: it would.
    """
    if taken := {card, picture} & set(specs):
        label = f"{min(taken)}: a spec has the name of a part of the card"
        raise WriteError(Diagnostic("A005", None, label, help="call the spec NAME.arch"))
    for path in (card, picture, *specs):
        if path.is_dir():
            raise WriteError(Diagnostic("A005", None, f"{path}: it is a folder"))
    if card.is_file() and OURS not in card.read_text("utf-8", "replace").split("\n"):
        label = f"{card}: it is there already, and is no card of archdsl's"
        help = "choose another place with -o, or move it away"
        raise WriteError(Diagnostic("A005", None, label, help=help))


def _is_read_from(network: Network, path: Path) -> bool:
    """Whether this is the spec itself, or what it imports, which stays as its author wrote it."""
    source = network.source
    if source is None or source.path is None or not path.exists():
        return False
    folder = source.path.resolve().parent
    read = (source.path, *(folder / name for name in network.graph.origin.imports))
    return any(path.samefile(file) for file in read if file.exists())


def text(network: Network, license: str = "", weights: str = "") -> str:
    """The card, which shows the picture `NAME.svg` beside it."""
    spec = network.source.text if network.source else ""
    parts = [
        _front(license),
        f"# {escape(network.name)}",
        escape(printable(heading(spec))),
        f"![{escape(network.name)}: the layers and their shapes]({network.name}.svg)",
        markdown(network.summary(), hinted=False),
        *_spec(network, spec),
        *_use(network, weights),
        *_source(network, spec),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _front(license: str) -> str:
    """What hubs read: YAML, whose strings may be JSON's."""
    lines = ["---", OURS, "tags: [archdsl, pytorch, onnx]"]
    lines += [f"license: {json.dumps(license)}"] * bool(license)
    return "\n".join([*lines, "---"])


def _spec(network: Network, spec: str) -> Iterator[str]:
    if not spec or network.source is None:
        return
    yield "## Spec"
    told = f"From {inline(printable(network.source.name))}; the network is `{network.name}`."
    if network.graph.parameters:
        values = network.graph.model_dump(mode="json", include={"parameters"})["parameters"]
        told += f" Parameters: {escape(printable(json.dumps(values)))}."
    yield told
    yield fenced(spec, "arch")


def _use(network: Network, weights: str) -> Iterator[str]:
    if network.source is None:
        return
    file = printable(network.source.name)
    given = f"weights={json.dumps(weights)}" if weights else ""
    code = (
        f"import archdsl\n\nnet = archdsl.load({json.dumps(file)}, {json.dumps(network.name)})\n"
        f"model = net.to_torch({given}).eval()\n"
        f"net.to_onnx({json.dumps(network.name + '.onnx')}, weights=model)"
    )
    yield "## Use"
    yield fenced(code, "python")


def _source(network: Network, spec: str) -> Iterator[str]:
    yield "## Source"
    cited = paper(spec)
    origin = network.graph.origin
    told = f"After {escape(printable(cited))}. " if cited else ""
    yield f"{told}Made by archdsl {origin.archdsl} from a spec with the SHA-256 `{origin.sha256}`."


def inline(text: str) -> str:
    """Text as code in a sentence, where Markdown reads no escapes.

    >>> print(inline("a_b <c>.arch"), inline("a`b"))
    `a_b <c>.arch` `` a`b ``
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, apart = "`" * (longest + 1), " " * bool(longest)
    return f"{fence}{apart}{text}{apart}{fence}"


def fenced(text: str, language: str) -> str:
    """Text as code, behind a fence that is longer than any in it.

    >>> fenced("a ``` b", "arch").splitlines()[0]
    '````arch'
    """
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
