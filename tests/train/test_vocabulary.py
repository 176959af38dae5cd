"""Every setting of the vocabulary is carried out, or refused: none is left out silently.

Each sample of each word trains some steps. What a word changes is held by the other tests; here,
that it gets that far, and that the run says so where it does not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_data
import torch
from runs import graph
from sections import NETWORK
from test_resume import StopAt

from archdsl.backends.torch import build, save
from archdsl.errors import TrainError
from archdsl.ir.training import Setting, settings
from archdsl.ir.training.data import Data
from archdsl.ir.training.images import Augmentation, Evaluation
from archdsl.ir.training.learning import CrossEntropy, Loss
from archdsl.train import Options, start

SAMPLES = [(cls, sample.text) for cls in settings() for sample in cls.samples]

# What is refused here, and a piece of what the error says.
REFUSED = {
    "data huggingface": "pip install datasets",
}


def data_for(text: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    """Write the data that a sample names; the shape that the network must take for them."""
    (kind, path) = re.match(r'data (\w+)(?: "([^"]+)")?', text).groups()  # pyright: ignore
    match kind:
        case "imagefolder":
            small_data.pets(folder / path, (300, 280) if "size=256" in text else (40, 36))
            return "3x32x32\n"
        case "mnist" | "fashion_mnist":
            small_data.mnist(folder / (path or "data"), kind, patch)
            return "1x28x28"
        case "cifar10" | "cifar100":
            small_data.cifar_python(folder / (path or "data"), kind, patch)
        case "npz":
            small_data.boards(folder / path)
        case "python":
            small_data.module(folder, path.partition(":")[0], patch)
        case "digits":
            return "1x8x8"
        case _:
            pass
    return "3x32x32"


CROPS = "augment random_crop 32\neval center_crop 32\n"


def section_for(cls: type[Setting], text: str, folder: Path, patch: Any) -> tuple[str, str]:
    """The section for a sample, and the shape that comes in."""
    if issubclass(cls, Data):
        shape = data_for(text, folder, patch)
        return f"{text}\n{CROPS if 'imagefolder' in text else ''}", shape.strip()
    if issubclass(cls, Augmentation | Evaluation):
        of = graph(text, NETWORK).training
        assert of is not None
        crops = [s.size for s in (*of.augment, of.eval) if hasattr(s, "size")]
        rows, columns = crops[-1] if crops else (32, 32)
        small_data.pets(folder / "pets", (rows + 20, columns + 20))
        extra = "" if of.eval else f"eval center_crop {rows}x{columns}\n"
        if not any(step.crops for step in of.augment):
            extra += f"augment random_crop {rows}x{columns}\n"
            text, extra = (extra + text, "") if of.augment else (text, extra)
        return f'data imagefolder "pets" workers=0\n{text}\n{extra}', f"3x{rows}x{columns}"
    if issubclass(cls, Loss):
        of = graph(text, NETWORK).training
        assert of is not None
        kinds = {"out": "i % 3", "side": "i % 3"}
        wide = {"out": 100, "side": 3}
        for loss in of.losses:
            if not isinstance(loss, CrossEntropy):
                kinds[loss.output] = f"torch.rand({wide[loss.output]})"
        targets = ", ".join(f"'{name}': {kind}" for name, kind in kinds.items())
        if "balanced" in text:  # it needs the classes of all
            return f'data npz "boards.npz"\n{text}', data_for(
                'data npz "boards.npz"', folder, patch
            )
        small_data.module(folder, "labelled", patch, f"{{{targets}}}")
        return f'data python "labelled:boards" workers=0\n{text}', "3x32x32"
    if cls.slot == "from":
        save(graph("", NETWORK), build(graph("", NETWORK)).state_dict(), "resnet50.safetensors")
    return f"data synthetic 12\n{text}", "3x32x32"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The modes that torch.compile is called with; what it makes is not compiled by a C++ one."""
    modes: list[Any] = []
    real: Callable[..., Any] = torch.compile

    def compile(model: Any, mode: str | None = None) -> Any:
        modes.append(mode)
        return functools.partial(real, backend="eager")(model)

    monkeypatch.setattr(torch, "compile", compile)
    return modes


@pytest.mark.parametrize(("cls", "text"), SAMPLES, ids=[text for _, text in SAMPLES])
def test_every_sample_trains_or_is_refused(
    cls: type[Setting],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiled: list[Any],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    section, shape = section_for(cls, text, tmp_path, monkeypatch)
    if cls.slot not in ("batch", "accumulate"):
        section += "\nbatch 6"
    made = graph(section, NETWORK.replace("3x32x32", shape))
    options = Options(tmp_path / "runs", device="cpu")
    refused = REFUSED.get(cls.phrase())
    if refused is not None:
        with pytest.raises(TrainError, match=refused):
            start(made, options)
        return
    outcome = start(made, options, watch=StopAt(2))
    assert (outcome.folder / "last").is_dir()
    if cls.slot == "compile":
        mode = "reduce-overhead" if "mode" in text else None
        assert compiled == ([] if "false" in text else [mode])
