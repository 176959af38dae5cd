"""The example notebook runs, and shows what is saved in it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from goldens import check_golden

PATH = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


def executed(path: Path) -> Any:
    """The notebook with the outputs that its cells have now."""
    nbclient = pytest.importorskip("nbclient", reason="no nbclient here: it is in the extra `dev`")
    pytest.importorskip("ipykernel", reason="no ipykernel here: it is in the extra `dev`")
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the client's own event loop
        nbclient.NotebookClient(notebook, timeout=120, record_timing=False).execute()
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def test_golden_notebook() -> None:
    found = executed(PATH)
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    check_golden("../../examples/notebook.ipynb", text)
