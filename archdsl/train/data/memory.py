"""Data that are in memory as a whole: scikit-learn's digits, noise, arrays of NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.errors import TrainError
from archdsl.ir.shapes import Shape, channels, show
from archdsl.ir.training.data import Digits, Npz, Synthetic
from archdsl.train.data.examples import Arrays, Sets, divided
from archdsl.train.draws import generator
from archdsl.train.refuse import needed, refusal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from archdsl.ir import Graph


def digits(data: Digits, graph: Graph) -> Sets:
    """scikit-learn's digits, (n, 1, 8, 8); their values from 0 to 16 become 0 to 1."""
    import torch

    found = needed("sklearn.datasets").load_digits()
    inputs = torch.from_numpy(found.images).float().div(16).unsqueeze(1)
    whole = Arrays(inputs, torch.from_numpy(found.target).long())
    names = tuple(map(str, found.target_names))
    return divided(whole, data.validation, _seed(graph), classes=names)


def synthetic(data: Synthetic, graph: Graph) -> Sets:
    """Noise and classes drawn at random, the same in every run whatever its seed.

    Raises:
        TrainError: a loss wants more of a target than a class.
    """
    import torch

    draw = generator("synthetic")
    made = [torch.randn((data.examples, *i.shape), generator=draw) for i in graph.inputs]
    inputs = tuple(made) if len(made) > 1 else made[0]
    assert graph.training is not None
    if any(not loss.by_class for loss in graph.training.losses):
        shape = graph.main.shape
        values = torch.rand((data.examples, *shape), generator=draw)
        return Sets(Arrays(inputs, values), Arrays(inputs, values).part(torch.arange(1)))
    width = channels(graph.main.shape)
    classes = data.classes or width
    positions = tuple(s for i, s in enumerate(graph.main.shape) if i != _axis(graph.main.shape))
    targets = torch.randint(classes, (data.examples, *positions), generator=draw)
    some = min(data.examples, max(1, data.examples // 10))
    whole = Arrays(inputs, targets)
    valid = whole.part(torch.arange(some))
    return Sets(whole, valid, labels=targets if not positions else None)


def _axis(shape: tuple[int, ...]) -> int:
    """The axis of the channels: the last one of tokens, else the first."""
    return 1 if len(shape) == 2 else 0


def npz(data: Npz, graph: Graph) -> Sets:
    """Arrays of a NumPy file, the inputs in the network's order; nothing in it is unpickled.

    Raises:
        TrainError: the file is missing or damaged, or has no such arrays, or their lengths differ.
    """
    import torch

    path = Path(data.path)
    wanted = [f"{given.name} {show(given.shape)}" for given in graph.inputs]
    names = _names(data, "inputs", "the network's inputs are", wanted)
    ends = _ends(graph)
    aims = _names(data, "targets", "the outputs with a loss are", ends)
    found = {
        name: torch.from_numpy(_plain(path, array))
        for name, array in _arrays(path, [*names, *aims]).items()
    }
    lengths = {name: len(array) for name, array in found.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        told = " and ".join(f"{count} of `{name}`" for name, count in lengths.items())
        raise refusal("A953", f"{path}: there are {told}; each example has one of each")
    for name, given in zip(names, graph.inputs, strict=True):
        _check_order(name, tuple(found[name].shape[1:]), given.shape)
    inputs = [found[name] for name in names]
    targets = {end: found[name] for end, name in zip(ends, aims, strict=False)}
    whole = Arrays(
        tuple(inputs) if len(inputs) > 1 else inputs[0],
        targets if len(aims) > 1 else found[aims[0]],
    )
    return divided(whole, data.validation, _seed(graph), workers=data.workers)


def _ends(graph: Graph) -> list[str]:
    """The outputs that losses are stated for, in the order of the statements."""
    assert graph.training is not None
    return [loss.output for loss in graph.training.losses]


def _names(data: Npz, which: str, what: str, wanted: list[str]) -> list[str]:
    """The names of arrays; one target may be that of all outputs."""
    text: str = getattr(data, which)
    names = [name.strip() for name in text.split(",")]
    if len(names) != len(wanted) and (which == "inputs" or len(names) > 1):
        label = f"`{text}` names {len(names)} arrays, and {what} {', '.join(wanted)}"
        raise refusal("A954", label, f'`{which}="a,b"` names one for each, in this order')
    return names


def _arrays(path: Path, names: list[str]) -> dict[str, NDArray[np.generic]]:
    import numpy as np

    if not path.is_file():
        raise refusal("A952", f"{path}: there is no such file", "--data PATH reads another one")
    try:
        with path.open("rb") as opened:
            file = np.load(opened, allow_pickle=False)
            if not hasattr(file, "files"):
                raise refusal("A953", f"{path}: it holds one array; `np.savez` writes several")
            if missing := [name for name in names if name not in file.files]:
                known = ", ".join(file.files)
                raise refusal("A952", f"{path}: it has no array `{missing[0]}`; it has {known}")
            found = {name: file[name] for name in names}
    except TrainError:
        raise
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise refusal("A953", f"{path}: {str(error).partition('.')[0].lower()}") from None
    except Exception as error:  # zipfile's and zlib's own
        raise refusal("A953", f"{path}: it is truncated or damaged ({error})") from None
    for name, array in found.items():
        if not array.ndim:
            raise refusal("A953", f"{path}: `{name}` is a single number, not one for each example")
    return found


def _check_order(name: str, shape: Shape, wanted: Shape) -> None:
    """Pictures as other libraries have them are told, and not taken for something else."""
    last = (*wanted[1:], wanted[0])
    if shape != wanted and len(wanted) == 3 and shape == last:
        label = f"`{name}` is {show(last)}, rows x columns x channels"
        help = f"channels come first: x.transpose(0, 3, 1, 2), for {show(wanted)}"
        raise refusal("A954", label, help)


def _plain(path: Path, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Bytes as bytes, other integers as 64 bits, numbers as 32 bits."""
    import numpy as np

    if array.dtype == np.uint8 and array.ndim > 1:
        return array
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    raise refusal("A953", f"{path}: an array holds {array.dtype}, numbers are wanted")


def _seed(graph: Graph) -> int:
    assert graph.training is not None
    return graph.training.seed.value
