"""What the commands share: the options that all of them take, and how they print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from archdsl.analyses.summary import Summary
    from archdsl.analyses.table import Depth

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass
class Settings:
    """The options in force, as far as they were read when something went wrong."""

    quiet: bool = False
    verbose: bool = False
    json: bool = False

    def color(self, stream: TextIO) -> bool:
        """Whether a stream takes colour: a terminal, unless NO_COLOR is set (no-color.org)."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return stream.isatty()

    def print(self, text: str) -> None:
        """A result, unless --quiet."""
        if not self.quiet:
            click.echo(text)

    def print_json(self, data: object) -> None:
        """A result, or errors, for a machine."""
        click.echo(json.dumps(data, indent=1))

    def print_markdown(self, text: str) -> None:
        """A page: rendered on a terminal, as it is elsewhere."""
        if not sys.stdout.isatty():
            click.echo(text.rstrip())
            return
        from rich.console import Console
        from rich.markdown import Markdown

        Console(no_color=not self.color(sys.stdout)).print(Markdown(text))

    def progress(self, text: str) -> None:
        """What is being done, to stderr, with --verbose."""
        if self.verbose:
            click.echo(text, err=True)

    def print_table(self, summary: Summary, depth: Depth = None) -> None:
        """A network's table, unless --quiet: on a terminal as wide as that is, else plain."""
        if self.quiet:
            return
        from archdsl.analyses.sparkline import shows_blocks
        from archdsl.analyses.table import plain, render

        blocks = shows_blocks(sys.stdout, os.environ.get("TERM", ""))
        if not sys.stdout.isatty():
            click.echo(plain(summary, depth, blocks=blocks))
            return
        from rich.console import Console

        console = Console(no_color=not self.color(sys.stdout), highlight=False)
        render(summary, console, depth, blocks)


def _set(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def store(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            setattr(ctx.ensure_object(Settings), name, True)

    return store


def _flag(*names: str, help: str) -> Callable[[_Command], _Command]:
    """An option that is kept in Settings, so that an error met early knows it too."""
    target = names[-1].lstrip("-")
    return click.option(
        *names, is_flag=True, is_eager=True, expose_value=False, callback=_set(target), help=help
    )


def common(command: _Command) -> _Command:
    """-q and -v."""
    command = _flag("-v", "--verbose", help="Say what is done, and show tracebacks.")(command)
    return _flag("-q", "--quiet", help="Print errors alone.")(command)


json_option = _flag("--json", help="Print JSON, errors too.")


def _read_parameters(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in values:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name.isidentifier() or not value:
            raise click.BadParameter(f"{text!r} is not of the form name=value", ctx, param)
        found[name] = value
    return found


parameters_option = click.option(
    "-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE",
    callback=_read_parameters, help="Set a parameter of the spec. Repeatable.",
)  # fmt: skip


def _read_limits(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in values:
        name, _, number = (part.strip() for part in text.partition("="))
        if name not in LIMITS or not number.isdecimal():
            known = ", ".join(LIMITS)
            raise click.BadParameter(f"{text!r} is not NAME=N, NAME of {known}", ctx, param)
        found[name] = int(number)
    return found


LIMITS = ("layers", "steps", "depth", "errors")  # the fields of archdsl.elaborate.Limits

limits_option = click.option(
    "--limit", "limits", multiple=True, metavar="NAME=N", callback=_read_limits,
    help=f"Raise or lower a limit, of {', '.join(LIMITS)}. Repeatable.",
)  # fmt: skip


def spec_options(command: _Command) -> _Command:
    """-p and --limit: how specs are read."""
    return parameters_option(limits_option(command))
