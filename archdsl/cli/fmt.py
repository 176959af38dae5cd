"""archdsl fmt."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from archdsl.cli.settings import Settings, common

LINES_OF_CONTEXT = 3


@click.command("fmt")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@common
@click.pass_obj
def command(settings: Settings, files: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Lay specs out in one way: indentation, spaces, the columns that the writer began.

    The lines and the comments stay; the meaning never changes.
    """
    from archdsl.files import read_source, write_text
    from archdsl.ir.op import registry
    from archdsl.syntax.formatter import format_spec

    names = {word: cls.name for word, cls in registry().items() if word != cls.name}
    changed = 0
    for path in files:
        source = read_source(path)
        text = format_spec(source, names)
        if text == source.text:
            continue
        changed += 1
        if diff:
            before, after = source.text.splitlines(), text.splitlines()
            lines = difflib.unified_diff(
                before, after, str(path), str(path), n=LINES_OF_CONTEXT, lineterm=""
            )
            settings.print("\n".join(lines))
        elif check:
            settings.print(f"would change {path}")
        else:
            write_text(path, text)
            settings.print(f"changed {path}")
    return 1 if changed and (check or diff) else 0
