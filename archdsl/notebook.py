"""archdsl in notebooks: after `%load_ext archdsl`, `%%arch` makes a network of a cell.

    %%arch net -p classes=3
    param classes = 10
    input 3x32x32
    conv 3x3 16; relu
    gap; fc classes

That is `net = archdsl.parse(…)` with the cell as the text. A network that is a cell's last value
shows itself; an error is shown in colour, at its place in the cell, and stops a run of all cells.
"""

from __future__ import annotations

import argparse
import shlex
from keyword import iskeyword
from typing import Any, NoReturn

from archdsl.network import Network


def load(shell: Any) -> None:
    """Give a shell of IPython the magic."""

    def arch(line: str, cell: str) -> Network:
        """%%arch VARIABLE [NETWORK] [-p NAME=VALUE ...]: make a network of the cell."""
        return _run(shell, line, cell)

    shell.register_magic_function(arch, magic_kind="cell", magic_name="arch")


class _Line(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        from IPython.core.error import UsageError  # which is shown without a traceback

        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def _reader() -> _Line:
    line = _Line(prog="%%arch", add_help=False)
    line.add_argument("variable", metavar="VARIABLE")
    line.add_argument("network", metavar="NETWORK", nargs="?")
    line.add_argument("-p", metavar="NAME=VALUE", action="append", default=[], dest="parameters")
    return line


def _run(shell: Any, line: str, cell: str) -> Network:
    """Make the network, and let the user's variable be it.

    Raises:
        UsageError: the magic's line is none.
        ArchError: the cell describes no such network.
    """
    from archdsl.pipeline import parse, read_value

    reader = _reader()
    try:
        given = reader.parse_args(shlex.split(line))
    except ValueError as error:  # a quote that nothing closes
        reader.error(str(error))
    if not given.variable.isidentifier() or iskeyword(given.variable):
        reader.error(f"{given.variable!r} is no name of a variable")
    parameters: dict[str, Any] = {}
    for text in given.parameters:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            reader.error(f"{text!r} is not of the form name=value")
        parameters[name] = read_value(name, value)
    network = parse(cell, given.network, f"{given.variable}.arch", **parameters)
    shell.user_ns[given.variable] = network
    return network
