"""The options of commands that take weights, and the module that these give."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from torch.nn import Module

    from archdsl.network import Network

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _renaming(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    for text in values:
        if "=" not in text:
            raise click.BadParameter(f"{text!r} is not OLD=NEW", ctx, param)
    return dict(text.split("=", 1) for text in values)


_WEIGHTS = click.option(
    "--weights", metavar="FILE",
    help="A .safetensors or .pth file, or the folder of a run; without it they are fresh.",
)  # fmt: skip
_MAP = click.option(
    "--weights-map", "renaming", metavar="OLD=NEW", multiple=True, callback=_renaming,
    help="Keys of the weights that begin with OLD begin with NEW here. Repeatable.",
)  # fmt: skip
_SEED = click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="The seed of fresh weights.",
)  # fmt: skip


def weights_options(command: _Command) -> _Command:
    """--weights and --weights-map."""
    return _WEIGHTS(_MAP(command))


seed_option = _SEED


def module(network: Network, weights: str | None, renaming: dict[str, str], seed: int) -> Module:
    """The module with the weights asked for; a head that is left fresh is told."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model = network.to_torch(weights, seed, renaming)
    for warning in caught:
        click.echo(f"warning: {warning.message}", err=True)
    return model
