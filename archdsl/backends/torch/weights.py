"""Weights from files and state_dicts: read safely, fitted strictly, every difference named."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import BuildError, Diagnostic, ReadError, printable
from archdsl.files import replacing
from archdsl.ir import Graph
from archdsl.ir.shapes import Shape, show

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 20  # differences that a message lists
WRAPPED = ("state_dict", "model_state_dict", "model")  # where checkpoints keep the weights


def read(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or .pth file, or the best of a run; nothing in it is run.

    Raises:
        ReadError: the file cannot be read, or holds no weights.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = _file(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ReadError(Diagnostic("A001", None, f"{path}: {reason}")) from None
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError) as error:
        why = (str(error) or "it is empty").splitlines()[0][:100]
        label = f"{path}: it holds no weights ({why})"
        raise ReadError(Diagnostic("A001", None, label)) from None
    except Exception as error:  # an unpickler's own, for what weights_only refuses
        label = f"{path}: it holds more than tensors, and was not opened"
        help = "save a state_dict: torch.save(model.state_dict(), path)"
        raise ReadError(Diagnostic("A001", None, label, help=help)) from error
    for key in WRAPPED:
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise ReadError(Diagnostic("A001", None, f"{path}: it holds no state_dict"))
    if odd := [key for key, v in found.items() if v.layout != torch.strided or v.is_complex()]:
        label = f"{path}: `{printable(odd[0])}` is sparse or complex, and no layer has such weights"
        raise ReadError(Diagnostic("A001", None, label))
    return found


def _file(path: str | Path) -> Path:
    """The file of weights that a path means: of the folder of a run, those of its best epoch."""
    best = Path(path, "best.safetensors")
    return best if best.is_file() else Path(path)


def about(path: str | Path) -> dict[str, str]:
    """What a .safetensors file says of its weights; nothing of any other file."""
    from safetensors import SafetensorError, safe_open

    path = _file(path)
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}  # `read` says what is wrong


def save(
    graph: Graph,
    state: Mapping[str, Tensor],
    path: str | Path,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write weights as safetensors, with the name and the hash of the spec they belong to.

    `about` is what else goes into the file's metadata.

    Raises:
        WriteError: the file cannot be written; an earlier one is left as it was.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    origin = graph.origin
    metadata = {"network": graph.name, "spec": origin.file, "sha256": origin.sha256}
    metadata |= {"archdsl": origin.archdsl, **(about or {})}
    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:
            # What the system said is in its words alone: "… (os error 28)".
            if found := re.search(r"\(os error (\d+)\)", str(error)):
                raise OSError(int(found[1]), os.strerror(int(found[1]))) from None
            raise
        _order(temporary)


def _order(path: Path) -> None:
    """Put what the header of a file says of it in order, which safetensors leaves to chance.

    The header is JSON behind its length (8 bytes, the lowest first); in another order it is as
    long. So the same weights give the same bytes.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) <= length:
            file.seek(8)
            file.write(text.ljust(length))


def renamed(state: Mapping[str, Any], rules: Mapping[str, str]) -> dict[str, Any]:
    """The state under other keys: the first rule that fits replaces the beginning of a key."""

    def rename(key: str) -> str:
        for old, new in rules.items():
            if key.startswith(old):
                return new + key.removeprefix(old)
        return key

    return {rename(key): value for key, value in state.items()}


def fitted(graph: Graph, state: Mapping[str, Any]) -> dict[str, Any]:
    """The weights that a network takes over, once it is sure that they are its own.

    Where all that differs is how many outputs the last layers have, as in transfer learning, those
    layers are left out, with a warning.

    Raises:
        BuildError: a key is missing or unexpected, or a shape differs; each is named.
    """
    wanted = {key: w.shape for key, w in graph.state().items()}
    given = {key: tuple(value.shape) for key, value in state.items()}
    missing = [k for k in wanted if k not in given]
    unexpected = [k for k in given if k not in wanted]
    other = [k for k in wanted if k in given and given[k] != wanted[k]]
    heads = _heads(graph)
    fresh = [k for k in other if k in heads and given[k][1:] == wanted[k][1:]]
    if missing or unexpected or len(fresh) < len(other):
        lines = [_missing(k, wanted[k], unexpected, given) for k in missing]
        lines += [f"unexpected {k} ({_size(given[k])})" for k in unexpected]
        lines += [f"{k} is {_size(given[k])}, here it is {_size(wanted[k])}" for k in other]
        more = f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        label = "\n  ".join(lines[:SHOWN]) + more
        raise BuildError(Diagnostic("A702", None, label, help=_help(missing, unexpected)))
    if fresh:
        outputs = f"{given[fresh[0]][0]} outputs in the weights, {wanted[fresh[0]][0]} here"
        text = f"{', '.join(fresh)}: {outputs}; these start fresh"
        warnings.warn(text, stacklevel=4)
    return {key: value for key, value in state.items() if key not in fresh}


def _heads(graph: Graph) -> set[str]:
    """The keys of the last layers with weights before each output."""
    found: set[str] = set()
    for output in graph.outputs:
        path = output.node
        while path in graph.by_path:
            node = graph.by_path[path]
            if node.weights:
                found |= {node.key(name) for name in node.weights}
                break
            path = node.inputs[0]
    return found


def _missing(key: str, shape: Shape, unexpected: list[str], given: Mapping[str, Shape]) -> str:
    """A missing key, with the one that was perhaps meant."""
    alike = [k for k in unexpected if given[k] == shape]
    close = get_close_matches(key, alike, n=1, cutoff=0.3)
    return f"missing {key} ({_size(shape)})" + (f"; is it {close[0]}?" if close else "")


def _help(missing: list[str], unexpected: list[str]) -> str:
    """The renaming that would make all keys fit, if a common beginning does."""
    for key in unexpected:
        beginning = key.split(".")[0] + "."
        stripped = [k.removeprefix(beginning) for k in unexpected]
        if sorted(stripped) == sorted(missing):
            return f"the keys have `{beginning}` before them: rename `{beginning}` to nothing"
    return ""


def _size(shape: Shape) -> str:
    return show(shape) or "a number"
