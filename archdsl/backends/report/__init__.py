"""A network as one HTML file: its spec, its picture and its figures, linked with each other.

    subject ── data ──────> plain JSON ──┐
            └─ levels ────> small SVGs ──┴─ page ──> one file, static/*.js and static/*.css in it

The page needs no network, asks for nothing and runs but the one script that it names by its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.backends.report.data import Subject, compared, described
from archdsl.backends.report.levels import first_level, levels
from archdsl.backends.report.live import LivePage
from archdsl.backends.report.page import page, waiting
from archdsl.files import write_text

__all__ = ["LivePage", "Subject", "first_level", "html", "levels", "waiting", "write"]


def html(subjects: Sequence[Subject], batch: int = 1) -> str:
    """The text of the page; the same networks give the same text on the same Graphviz.

    Args:
        subjects: what it shows; several are compared, with the first as the measure.
        batch: how many examples the figures of memory are for, at first.

    Raises:
        BuildError: no Graphviz can be run.
        ValueError: there is no network.
    """
    if not subjects:
        raise ValueError("there is no network to show")
    drawn = [levels(subject.graph) for subject in subjects]
    networks = [described(s, d) for s, d in zip(subjects, drawn, strict=True)]
    comparison = compared(subjects, batch) if len(subjects) > 1 else None
    data = {"batch": batch, "networks": networks, "comparison": comparison}
    title = " · ".join(subject.name for subject in subjects)
    return page(title, data, [[level.svg for level in found.levels] for found in drawn])


def write(subjects: Sequence[Subject], path: str | Path, batch: int = 1) -> None:
    """Write the page into a file; see `html`.

    Raises:
        BuildError: no Graphviz can be run.
        WriteError: the file cannot be written; an earlier one is left as it was.
    """
    write_text(path, html(subjects, batch))
