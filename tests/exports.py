"""Any network exported in any way: it is proved, or refused for a reason that is told."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as fixed
from hypothesis import strategies as st
from strategies import networks
from support import load_weights, random_weights

import archdsl
from archdsl.backends.onnx import ExportOptions, write
from archdsl.errors import BuildError

# A706: its size is fixed; A707: the opset cannot say it; A708: the options do not go together.
REFUSALS = {"A706", "A707", "A708"}
TOO_FEW_BITS = {"A704"}  # and in 16 bits it may be that they are too few


@st.composite
def ways(draw: Callable[..., Any]) -> dict[str, Any]:
    """What can be asked of an export; what few networks can do is asked rarely."""

    def rarely() -> bool:
        return draw(st.integers(0, 5)) == 0

    serves = rarely()
    return {
        "opset": draw(st.sampled_from([17, 18, 20, 21, 22, 23, 26, 26])),
        "fold": draw(st.booleans()),
        "functions": draw(st.booleans()),
        "precision": draw(st.sampled_from(["float32", "float32", "float16", "bfloat16"])),
        "dynamic_size": rarely(),
        "batch": draw(st.sampled_from([None, None, None, 1, 2])),
        "preprocess": rarely(),
        "probabilities": serves and draw(st.booleans()),
        "top": draw(st.integers(0, 3)) if serves else 0,
        "inline": rarely(),
        "bisect": rarely(),
    }


def check(text: str, way: dict[str, Any]) -> str:
    """The code by which it is refused; empty where it is proved."""
    net = archdsl.parse(text)
    weights = random_weights(net.graph)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.onnx"
        try:
            options = ExportOptions(verify=True, **way)
            module = load_weights(net.to_torch(), weights)
            found = write(net.graph, path, weights, options, module, text)
        except BuildError as error:
            codes = {diagnostic.code for diagnostic in error.diagnostics}
            half = way["precision"] != "float32"
            assert codes <= (REFUSALS | TOO_FEW_BITS if half else REFUSALS), str(error)
            assert not list(path.parent.iterdir()), "a file that is refused is not left"
            return min(codes)
        assert found.agreement is not None
        names = [node.name for node in onnx.load(path).graph.node]
        assert len(set(names)) == len(names)
        return ""


def fuzz(count: int, seed: int, batch: int = 250) -> str:
    """So many of them, on all processors; in words, what became of them."""
    jobs = [(seed * 1_000_000 + i, batch) for i in range(-(-count // batch))]
    found: Counter[str] = Counter()
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=5) as pool:
        for codes in pool.starmap(_run, jobs, chunksize=1):
            found.update(codes)
    proved, tried = found.pop("", 0), found.total()
    codes = ", ".join(f"{n:,} {code}" for code, n in sorted(found.items()))
    return f"{tried + proved:,} exports, {proved:,} proved; refused: {codes}"


def _run(number: int, count: int) -> Counter[str]:
    import torch

    torch.set_num_threads(1)
    found: Counter[str] = Counter()

    @fixed(number)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(networks(), ways())
    def each(text: str, way: dict[str, Any]) -> None:
        found[check(text, way)] += 1

    each()
    return found
