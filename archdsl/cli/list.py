"""archdsl list."""

from __future__ import annotations

from typing import Any

import click

from archdsl.cli.settings import Settings, common, json_option


@click.command("list")
@click.argument(
    "what", type=click.Choice(["zoo", "layers", "errors", "rules", "training"]), default="zoo"
)
@json_option
@common
@click.pass_obj
def command(settings: Settings, what: str) -> None:
    """List the networks of the zoo, layers, errors, rules of lint, or settings of training."""
    kinds = {"zoo": _zoo, "layers": _layers, "errors": _errors, "rules": _rules}
    rows = (kinds | {"training": _training})[what]()
    if settings.json:
        settings.print_json(rows)
        return
    table = [[_cell(v) for v in row.values()] for row in rows]
    numeric = [isinstance(value, int) for value in rows[0].values()]
    heads = [*rows[0]]
    widths = [max(map(len, column)) for column in zip(heads, *table, strict=True)]
    for cells in (heads, ["-" * w for w in widths], *table):
        line = [
            c.rjust(w) if right else c.ljust(w)
            for c, w, right in zip(cells, widths, numeric, strict=True)
        ]
        settings.print("  ".join(line).rstrip())


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _zoo() -> list[dict[str, Any]]:
    """Every network with its weight, its work and its paper."""
    from archdsl.heading import paper
    from archdsl.pipeline import load_all, zoo_names

    found: list[dict[str, Any]] = []
    for path in dict.fromkeys(zoo_names().values()):
        cited = paper(path.read_text(encoding="utf-8"))
        for network in load_all(path):
            summary = network.summary()
            row = {"network": network.name, "params": summary.params, "macs": summary.macs}
            found.append(row | {"spec": path.name, "paper": cited})
    return found


def _layers() -> list[dict[str, Any]]:
    from archdsl.ir.op import layers

    return [
        {
            "layer": cls.name,
            "family": cls.family,
            "is": (cls.__doc__ or "").strip().splitlines()[0].rstrip(".:"),
        }
        for cls in layers()
    ]


def _training() -> list[dict[str, Any]]:
    from archdsl.ir.training.setting import settings

    return [
        {"setting": cls.phrase(), "is": (cls.__doc__ or "").strip().splitlines()[0].rstrip(".:")}
        for cls in settings()
    ]


def _errors() -> list[dict[str, Any]]:
    from archdsl.codes import CODES

    return [{"code": code, "title": found.title} for code, found in CODES.items()]


def _rules() -> list[dict[str, Any]]:
    from archdsl.lint import all_rules

    return [{"rule": r.code, "level": r.level, "finds": r.title()} for r in all_rules()]
