"""Networks of several inputs: what feeds them, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import graph, same, trained, weights

from archdsl.errors import TrainError
from archdsl.pipeline import open_to_train
from archdsl.train import Options, start

PAIR = """\
input left 1x6x6
input right 1x6x6
block tower { conv 3x3 4 pad=0; relu; fc 8 }
sub { @left; tower: tower | @right; reuse tower }
abs
fc 1
"""
SECTION = "optimizer sgd lr=0.5; loss bce; epochs 3; batch 8"


def pairs(count: int = 48) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of pictures, half of which are the same picture twice."""
    draw = np.random.default_rng(0)
    left = draw.normal(size=(count, 1, 6, 6)).astype(np.float32)
    right = draw.normal(size=left.shape).astype(np.float32)
    equal = np.arange(count) % 2
    right[equal == 1] = left[equal == 1]
    return left, right, equal.astype(np.float32)


def by_hand(
    left: torch.Tensor, right: torch.Tensor, y: torch.Tensor, order: list[torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The same training in a loop of PyTorch."""
    from archdsl.backends.torch import build

    model = build(graph(f"data synthetic; {SECTION}", PAIR))
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    for numbers in order:
        optimizer.zero_grad()
        given = model(left[numbers], right[numbers])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(given, y[numbers][:, None])
        loss.backward()
        optimizer.step()
    return model.state_dict()


@pytest.mark.parametrize("workers", [0, 1])
def test_arrays_feed_a_siamese_network(tmp_path: Path, workers: int) -> None:
    from archdsl.train.data.examples import split
    from archdsl.train.data.loader import order

    left, right, y = pairs()
    np.savez(tmp_path / "pairs.npz", a=left, b=right, same=y)
    data = f'data npz "{tmp_path}/pairs.npz" inputs="a, b" targets="same" workers={workers}'
    run = trained(tmp_path, f"{data}; {SECTION}", PAIR)
    numbers, _ = split(torch.from_numpy(y), 0.1, 0)
    batches = [n for e in range(3) for n in numbers[order(len(numbers), 0, e)].split(8)]
    hand = by_hand(*map(torch.from_numpy, (left, right, y)), batches)
    assert same(weights(run), hand)
    assert run.rows[-1].valid_accuracy == run.rows[-1].valid_accuracy


MODULE = """
import numpy as np, torch
from torch.utils.data import Dataset, TensorDataset
file = np.load({path!r})
a, b, y = (torch.from_numpy(file[k]) for k in ("a", "b", "same"))
class Named(Dataset):
    def __len__(self): return len(y)
    def __getitem__(self, i): return {{"right": b[i], "left": a[i]}}, y[i]
class Plain(Dataset):
    def __len__(self): return len(y)
    def __getitem__(self, i): return (a[i], b[i]), y[i]
class Wrong(Dataset):
    def __len__(self): return len(y)
    def __getitem__(self, i): return a[i], y[i]
def tensors(): return ((a, b), y), None
def by_name(): return ({{"right": b, "left": a}}, y), None
def named(): return Named(), Plain()
def plain(): return Plain(), None
def wrong(): return Wrong(), None
def few(): return ((a,), y), None
"""


def test_python_gives_inputs_by_order_or_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right, y = pairs()
    np.savez(tmp_path / "pairs.npz", a=left, b=right, same=y)
    (tmp_path / "pairs_of.py").write_text(MODULE.format(path=str(tmp_path / "pairs.npz")))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pairs_of", raising=False)
    found = {}
    for name in ("tensors", "by_name", "named", "plain"):
        section = f'data python "pairs_of:{name}" workers=0; {SECTION}'
        found[name] = weights(trained(tmp_path, section, PAIR, name))
    assert all(same(found["tensors"], each) for each in found.values())
    for name, said in (("few", "the inputs are not left, right"), ("wrong", "left, right")):
        with pytest.raises(TrainError, match=said):
            trained(tmp_path, f'data python "pairs_of:{name}" workers=0; {SECTION}', PAIR, name)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('data npz "pairs.npz"', "names 1 arrays"),
        ('data npz "pairs.npz" inputs="a,b,c"', "names 3 arrays"),
        ('data npz "pairs.npz" inputs="a,c" targets="same"', "has no array `c`"),
        ('data npz "pairs.npz" inputs="a,flat" targets="same"', "comes as 1x6x6, 36"),
        ("data synthetic; augment hflip", "augment hflip"),
        ("data synthetic; normalize data", "normalize data"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, section: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    left, right, y = pairs()
    np.savez("pairs.npz", a=left, b=right, same=y, flat=right.reshape(-1, 36))
    with pytest.raises(TrainError, match=said):
        trained(tmp_path, f"{section}; loss bce; epochs 1; batch 8", PAIR)


def test_the_zoos_siamese_network_trains(tmp_path: Path) -> None:
    changes = ("data synthetic 4", "loss mse", "batch 2", "steps 2", "optimizer sgd lr=0.001")
    net = open_to_train("siamese", {}, None, changes, None)
    run = start(net.graph, Options(tmp_path, device="cpu"))
    assert run.finished and run.best.is_file()


@pytest.mark.parametrize(
    ("arrays", "code", "said"),
    [
        ({"x": np.float32(3), "y": np.arange(4)}, "A953", "`x` is a single number"),
        ({"x": np.zeros((4, 3)), "y": np.int64(1)}, "A953", "`y` is a single number"),
        ({"y": np.arange(4)}, "A952", "no array `x`"),
    ],
)
def test_arrays_that_are_none(tmp_path: Path, arrays: Any, code: str, said: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    made = graph(f'data npz "{tmp_path}/a.npz"', "input 3\nfc 4\n")
    with pytest.raises(TrainError, match=said) as caught:
        start(made, Options(tmp_path, device="cpu"))
    assert [d.code for d in caught.value.diagnostics] == [code]
