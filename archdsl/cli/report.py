"""Writing a page, which `draw` and `compare` share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings

if TYPE_CHECKING:
    from archdsl.network import Network


def write_report(
    settings: Settings,
    specs: Sequence[str],
    networks: Sequence[Network],
    output: Path,
    batch: int = 1,
) -> None:
    """Write the page and tell of it."""
    from archdsl.backends.drawing.forms import REPORT, ending, listed
    from archdsl.cli.output import listing, written
    from archdsl.network import report

    if ending(output) not in REPORT:
        text = f"{str(output)!r} ends in none of {listed(REPORT)}"
        raise click.BadParameter(text, param_hint="-o")
    settings.progress(f"drawing {output}")
    names = names_apart(specs, networks)
    files = written(output, lambda: report(*networks, path=output, batch=batch, names=names))
    if settings.json:
        settings.print_json({"network": networks[0].name, "files": [f.to_json() for f in files]})
    else:
        settings.print(listing(files))


def names_apart(specs: Sequence[str], networks: Sequence[Network]) -> list[str] | None:
    """The SPECs themselves, where that tells networks of one name apart."""
    names = [network.name for network in networks]
    if len(set(names)) == len(names) or len(set(specs)) < len(names):
        return None
    often = Counter(names)
    return [spec if often[name] > 1 else name for spec, name in zip(specs, names, strict=True)]
