"""archdsl lint."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.settings import Settings, common, json_option, spec_options

if TYPE_CHECKING:
    from archdsl.errors import Diagnostic, Level
    from archdsl.lint import Config, Finding, Subject

FORMATS = ("text", "json", "github", "sarif")


def _codes(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    from archdsl.lint.config import check_codes

    codes = tuple(code.strip().upper() for code in (value or "").split(",") if code.strip())
    if wrong := check_codes(codes):
        raise click.BadParameter(f"{wrong}; `archdsl list rules` shows them", ctx, param)
    return codes


@click.command("lint")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "--select", callback=_codes, metavar="CODES", help="Run these rules alone, such as L1,L204."
)
@click.option("--ignore", callback=_codes, metavar="CODES", help="Leave these rules out.")
@click.option(
    "--level", type=click.Choice(["error", "warning", "info"]),
    help="The least level that is told; `warning` unless a configuration says otherwise.",
)  # fmt: skip
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), default="text", help="How findings are printed."
)
@click.option("--fix", is_flag=True, help="Mend what is certain, in the files themselves.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing.")
@spec_options
@json_option
@common
@click.pass_obj
def command(
    settings: Settings,
    specs: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    level: Level | None,
    kind: str,
    fix: bool,
    diff: bool,
    parameters: dict[str, str],
    limits: dict[str, int],
) -> int:
    """Print what is probably not meant in specs that compile.

    `archdsl list rules` shows the rules, `archdsl explain L101` one of them. A comment
    `# lint: ignore=L101 reason` ignores a finding of its line. Exit status 1 if there are findings
    of level warning or errors, 0 otherwise.
    """
    from archdsl.elaborate import Limits
    from archdsl.errors import ArchError
    from archdsl.lint import lint
    from archdsl.lint.config import nearest
    from archdsl.pipeline import open_subject

    kind = "json" if settings.json else kind
    if diff and kind != "text":
        raise click.UsageError("--diff is for people: it and another format exclude one another")
    report = _Report()
    for spec in specs:
        settings.progress(f"linting {spec}")
        try:
            subject = open_subject(spec, parameters, Limits(**limits))
            config = nearest(subject.tree.source.path).updated(select, ignore, level)
            if fix or diff:
                subject = _mended(settings, spec, subject, config, kind, write=not diff)
            report.add(lint(subject, config.rules()), config.level, len(subject.graphs))
        except ArchError as error:
            report.errors.extend(error.diagnostics)
    _print(settings, report, kind)
    return 1 if report.grave or report.errors else 0


def _mended(
    settings: Settings, spec: str, subject: Subject, config: Config, kind: str, write: bool
) -> Subject:
    """A file's networks after its fixes, which are written or shown."""
    import difflib

    from archdsl.errors import printable
    from archdsl.files import write_text
    from archdsl.lint.mend import mend

    path, before = subject.tree.source.path, subject.tree.source.text
    if not subject.whole or path is None or not Path(spec).is_file():
        hint = "name the file alone, without a network or -p: a fix may be wrong for the others"
        raise click.UsageError(f"{spec!r} is no file with all its networks: {hint}")
    mended = mend(subject, config.rules(), config.level)
    if mended.refused and kind == "text":
        places = ", ".join(str(finding.span) for finding in mended.refused)
        settings.print(f"left as it is, for the mend is not certain: {printable(places)}\n")
    if mended.text == before:
        return subject
    if not write:
        lines = difflib.unified_diff(
            before.splitlines(), mended.text.splitlines(), str(path), str(path), lineterm=""
        )
        settings.print("\n".join(lines) + "\n")
        return subject
    write_text(path, mended.text)
    if kind == "text":
        settings.print(
            f"mended {_counted(len(mended.applied), 'place')} in {printable(str(path))}\n"
        )
    return mended.subject


@dataclass(eq=False)
class _Report:
    """What was found in all the specs, each place once however many of them have it."""

    findings: list[Finding] = field(default_factory=list["Finding"])
    errors: list[Diagnostic] = field(default_factory=list["Diagnostic"])
    hidden: int = 0
    networks: int = 0
    seen: set[tuple[str, Path | None, int]] = field(
        default_factory=set[tuple[str, "Path | None", int]]
    )

    def add(self, findings: list[Finding], level: Level, networks: int) -> None:
        from archdsl.lint.engine import at_least

        self.networks += networks
        told = set(at_least(level, findings))
        for finding in findings:
            path = finding.span.source.path
            key = (finding.code, path and path.resolve(), finding.span.start)
            if key in self.seen:
                continue
            self.seen.add(key)
            if finding in told:
                self.findings.append(finding)
            else:
                self.hidden += 1

    @property
    def grave(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level != "info"]

    def summary(self) -> str:
        """One line: how many there are, and what the reader can do."""
        grave, hints = len(self.grave), len(self.findings) - len(self.grave)
        parts = [_counted(grave, "finding")]
        parts += [_counted(hints, "hint")] if hints else []
        parts += [f"{_counted(self.hidden, 'hint')} with --level info"] if self.hidden else []
        certain = sum(finding.fix is not None for finding in self.findings)
        parts += [f"{certain} to mend with --fix"] if certain else []
        return f"{', '.join(parts)}; {_counted(self.networks, 'network')}"


def _counted(n: int, what: str) -> str:
    return f"{n or 'no'} {what}{'' if n == 1 else 's'}"


def _print(settings: Settings, report: _Report, kind: str) -> None:
    """The findings in the format asked for; as text, errors go to stderr."""
    from archdsl.errors import ArchError
    from archdsl.lint import formats

    match kind:
        case "json":
            settings.print_json(formats.to_json(report.findings, report.errors))
        case "sarif":
            settings.print_json(formats.to_sarif(report.findings, report.errors))
        case "github":
            text = formats.to_github(report.findings, report.errors)
            if text:
                click.echo(text)
        case _:
            color = settings.color(sys.stdout)
            if report.findings:
                click.echo(formats.to_text(report.findings, color) + "\n", color=color)
            settings.print(report.summary())
            if report.errors:
                raise ArchError(report.errors)
