"""The command line. A command loads when it is called; this package loads click alone."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from archdsl.cli.settings import Settings, common

COMMANDS = {
    "bench": "the time of a network: PyTorch's ways against onnxruntime's",
    "card": "a model card: a page of Markdown for a repository, and its picture",
    "check": "the errors of specs, if any",
    "compare": "networks side by side, and where two of them differ",
    "compile": "a spec as PyTorch, ONNX, a picture and data, and its table",
    "draw": "a picture of a network",
    "export": "a network as an ONNX file with weights, proved equal to PyTorch",
    "explain": "the page of a layer, an error, a rule, or a setting of training",
    "fmt": "specs laid out in one way",
    "lint": "what is probably not meant in specs, if anything",
    "list": "the zoo, the layers, the errors, the rules of lint",
    "predict": "what an ONNX file says of pictures",
    "quantize": "an ONNX file in 8-bit integers, held against the file it comes from",
    "summary": "the table of a network",
    "train": "a run: weights from the data and the settings that a spec names",
    "watch": "the page of a network, served, which follows each save of its spec",
}

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


class _Commands(click.Group):
    """Finds `archdsl.cli.NAME.command` when NAME is called; `--help` reads COMMANDS alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"archdsl.cli.{cmd_name}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from archdsl.errors import printable, suggestion

            hint = suggestion(args[0], COMMANDS) or f"there are {', '.join(sorted(COMMANDS))}"
            ctx.fail(f"No such command '{printable(args[0])}': {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from archdsl.version import VERSION

        click.echo(f"archdsl {VERSION}")
        ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="SPEC is a file, file.arch:network, or the name of a network of the zoo, such as vgg16. "
    "Exit status: 0 fine, 1 the input has errors or a file cannot be read or written, "
    "2 called wrongly, 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Print the version.",
)  # fmt: skip
@common
def cli() -> None:
    """Compile descriptions of neural networks."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    # Most of what a command makes it keeps: to look for garbage in it takes a tenth of its time.
    gc.freeze()
    gc.set_threshold(50_000)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # where a character is lacking, its number
            stream.reconfigure(errors="backslashreplace")
    status = run(arguments)
    if _among_others():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _among_others() -> bool:
    """Whether this is one of several processes that train together.

    The threads by which PyTorch lets them talk now and then abort a process in its very last
    moment, when all is done; torchrun then ends the others, too.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available():
        return False
    return torch.distributed.is_initialized()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status. Every error of a command ends here."""
    settings = Settings()
    try:
        status = cli.main(arguments, "archdsl", standalone_mode=False, obj=settings)
        sys.stdout.flush()
        return status if isinstance(status, int) else OK
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit:  # how click ends on a broken pipe
        return _silence()
    except OSError as error:
        if error.filename is not None:  # a file whose error should have become an ArchError
            return _defect(error, settings)
        if error.errno != errno.EPIPE:
            _complain(f"the output cannot be written: {(error.strerror or str(error)).lower()}")
        return _silence()
    except MemoryError:
        return _failure(_out_of_memory(), settings)
    except RecursionError:
        return _complain("the spec is nested too deeply to be compiled")
    except Exception as error:
        return _failure(error, settings)


def _failure(error: Exception, settings: Settings) -> int:
    """Show the errors of the input; anything else is ours."""
    from archdsl.errors import ArchError

    if not isinstance(error, ArchError):
        return _defect(error, settings)
    if settings.json:
        settings.print_json({"errors": [d.to_json() for d in error.diagnostics]})
    else:
        color = settings.color(sys.stderr)
        click.echo("\n\n".join(d.render(color) for d in error.diagnostics), err=True, color=True)
    return FAILED


def _out_of_memory() -> Exception:
    from archdsl.errors import BuildError, Diagnostic

    help = "`check` and `summary` need no memory for the weights, `-p` may make the network smaller"
    return BuildError(Diagnostic("A987", None, "this machine has no more to give", help=help))


def _defect(error: Exception, settings: Settings) -> int:
    """One line about a defect of archdsl; with -v the traceback before it."""
    from archdsl.errors import printable
    from archdsl.version import VERSION

    if settings.verbose:
        import traceback

        traceback.print_exception(error)
    what = printable(f"{type(error).__name__}: {error}".rstrip(": "))
    how = "" if settings.verbose else "; -v shows where"
    return _complain(f"a defect of archdsl {VERSION}, please report it with the spec{how}: {what}")


def _complain(text: str) -> int:
    click.echo(f"archdsl: {text}", err=True)
    return FAILED


def _silence() -> int:
    """Nobody reads our output any more (`| head`): throw the rest away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
