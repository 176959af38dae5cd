"""Proof that a file is the network: what onnx says of it, and what onnxruntime computes with it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.backends.onnx.bisect import culprit, differences
from archdsl.backends.onnx.options import Agreement, ExportOptions
from archdsl.backends.onnx.serving import prepared, settled, with_scores
from archdsl.backends.onnx.session import run, session
from archdsl.backends.onnx.sizes import Sizes
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph
from archdsl.ir.preprocess import Preprocess

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, ValueInfoProto
    from torch import nn

    Arrays = list[NDArray[np.generic]]

# Of the largest output. In 16 bits every value is rounded to one part in 2,048 or 256, and a deep
# network adds some tens of such errors up.
TOLERANCES = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
SLACK = 10  # times what PyTorch loses by 32 bits
MOST = 0.1  # of the largest output, however much PyTorch loses: beyond it anything would do
NOTICED = 1e-3  # of the largest output: what differs by less says little of what came in
BATCHES = (1, 3)  # what differs between examples shows in neither alone


@dataclass(frozen=True, slots=True)
class Subject:
    """A file, and what it claims to be."""

    path: Path
    graph: Graph
    module: nn.Module
    options: ExportOptions = field(default_factory=ExportOptions)
    sizes: Sizes | None = None
    stands: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of layers that took others in, the one of PyTorch whose output theirs is."""
    how: Preprocess | None = None
    """How it prepares pictures, where it does."""


def verify(subject: Subject) -> Agreement:
    """Check a file with onnx, and run it and the module side by side.

    Where PyTorch itself loses more by 32 bits than a file may differ, as networks do that normalize
    by a variance of nearly nothing, a file may be as far off as PyTorch is, times ten, up
    to a tenth of the largest output.

    Where the output is the same whatever comes in, as in deep networks with fresh weights, it
    proves nothing of the layers before; then each of them is compared.

    Raises:
        BuildError: onnx refuses the file or works out other shapes, or the outputs differ; then it
            is said which layer is the first whose output does.
    """
    check_shapes(subject.path)
    found = compare(subject)
    if not found.relative <= found.tolerance and subject.options.precision == "float32":
        widened = min(SLACK * _lost(subject), MOST)
        found = replace(found, tolerance=max(found.tolerance, widened))
    if not found.relative <= found.tolerance:
        label = f"it differs from PyTorch by {found.relative:.1e} of the largest output"
        raise BuildError(Diagnostic("A704", None, label, help=culprit(subject)))
    if found.blind and any(not d.relative <= found.tolerance for d in differences(subject)):
        label = "its output is PyTorch's, whatever comes in; inside it differs"
        raise BuildError(Diagnostic("A704", None, label, help=culprit(subject)))
    return found


# What onnx says


def check_shapes(path: Path) -> None:
    """The full checker, and the shapes that onnx works out strictly against those in the file.

    Raises:
        BuildError: the file breaks a rule of the format, or a shape is another.
    """
    import onnx

    try:
        onnx.checker.check_model(path, full_check=True)
        stated = onnx.load(path, load_external_data=False)
        inferred = _worked_out(stated)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        label = f"onnx refuses it: {str(error).splitlines()[0][:200]}"
        raise BuildError(Diagnostic("A704", None, label)) from error
    for value in (*stated.graph.value_info, *stated.graph.output):
        ours, theirs = _sides(value), _sides(inferred[value.name])
        if len(ours) != len(theirs) or any(map(_differ, ours, theirs)):
            label = f"`{value.name}` is {ours} here, {theirs} by onnx's own rules"
            raise BuildError(Diagnostic("A704", None, label))


def _worked_out(model: ModelProto) -> dict[str, ValueInfoProto]:
    """What onnx makes of the operators alone, without the shapes that the file states.

    Of some operators that are functions, such as those that normalize by group, it loses the shape
    in the middle of a model. Then each operator is held against what the file states around it,
    which is refused where the two contradict.

    Raises:
        onnx.shape_inference.InferenceError: it finds a contradiction.
    """
    import onnx

    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    found = _inferred(bare)
    known = all(value.type.tensor_type.shape.dim for value in found.values())
    return found if known else _inferred(model)


def _inferred(model: ModelProto) -> dict[str, ValueInfoProto]:
    """Without `check_type`, the types of such operators are lost too."""
    import onnx

    found = onnx.shape_inference.infer_shapes(
        model, check_type=True, strict_mode=True, data_prop=True
    ).graph
    return {value.name: value for value in (*found.value_info, *found.output)}


def _sides(value: ValueInfoProto) -> list[int | str]:
    return [side.dim_value or side.dim_param for side in value.type.tensor_type.shape.dim]


def _differ(ours: int | str, theirs: int | str) -> bool:
    """Whether two sides contradict; one that onnx loses sight of, or that we do not name, fits."""
    unknown = not ours or not theirs or str(theirs).startswith("unk__")
    return ours != theirs and not unknown


# What it computes


def compare(subject: Subject) -> Agreement:
    """The largest difference between the outputs of onnxruntime and PyTorch, over several runs."""
    import numpy as np

    runner, device = session(subject.path, precision=subject.options.precision)
    main = subject.graph.main.name
    absolute = relative = 0.0
    batches: list[int] = []
    first: Mapping[str, NDArray[Any]] = {}
    varies, finite = False, True
    for inputs in examples(subject):
        expected = with_scores(outputs(subject, inputs), main, subject.options)
        feed = dict(zip((i.name for i in subject.graph.inputs), inputs, strict=True))
        actual = settled(run(runner, list(expected), feed), expected, main)
        for name, value in actual.items():
            difference, share = apart(value, expected[name])
            absolute, relative = max(absolute, difference), max(relative, share)
            finite = finite and bool(np.isfinite(expected[name]).all())
        first = first or expected
        varies = varies or any(_varies(expected[name], first[name]) for name in expected)
        batches.append(len(inputs[0]))
    tolerance = TOLERANCES[subject.options.precision]
    sizes, runs = tuple(sorted({*batches})), len(batches)
    return Agreement(absolute, relative, tolerance, sizes, runs, device, not varies, finite)


def _lost(subject: Subject) -> float:
    """How far PyTorch is from itself in 64 bits: the largest difference over the largest output."""
    exact = replace(subject, module=copy.deepcopy(subject.module).double())
    largest = 0.0
    for inputs in examples(subject):
        rounded, wide = outputs(subject, inputs), outputs(exact, inputs, "float64")
        largest = max(largest, *(apart(rounded[name], wide[name])[1] for name in wide))
    return largest


def _varies(values: NDArray[Any], others: NDArray[Any]) -> bool:
    """Whether the first example of two batches is told apart, or those of one are."""
    if values[:1].shape != others[:1].shape:
        return True
    pairs = ((values[:1], others[:1]), (values[:1], values[-1:]))
    return any(apart(a, b)[1] > NOTICED for a, b in pairs)


def examples(subject: Subject) -> Iterator[Arrays]:
    """Inputs of each kind that the file takes: batches, sizes, values around zero and above it."""
    import numpy as np

    generator = np.random.default_rng(0)
    fixed = subject.options.batch
    batches = BATCHES if fixed is None else (fixed,)
    if subject.how is not None:
        depth = len(subject.how.channels)
        for batch, size in zip((*batches, batches[0]), _pictures(subject.how), strict=False):
            yield [_picture(generator, (batch, *size, depth))]
        return
    steps = [(0, 0)]
    if subject.sizes is not None:
        steps += [(subject.sizes.step, 2 * subject.sizes.step), (3 * subject.sizes.step, 0)]
    for rows, columns in steps:
        shapes = [
            (s[0], s[1] + rows, s[2] + columns) if len(s) == 3 else s
            for s in (i.shape for i in subject.graph.inputs)
        ]
        for batch in batches:
            yield [generator.standard_normal((batch, *s), dtype=np.float32) for s in shapes]
        if (rows, columns) == (0, 0):
            yield [generator.random((batches[0], *s), dtype=np.float32) for s in shapes]


def _pictures(how: Preprocess) -> list[tuple[int, int]]:
    """Sizes of pictures: wide, high, and smaller than what is cut out."""
    rows, columns = how.window
    return [(rows + 37, 2 * columns + 1), (2 * rows + 3, columns + 20), (rows // 2 + 1, columns)]


def _picture(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Noise around slopes, so that both a shift and a blur would show."""
    import numpy as np

    rows, columns = np.arange(shape[1])[:, None, None], np.arange(shape[2])[:, None]
    slopes = 120 + 80 * np.sin(rows / 7) + 40 * np.cos(columns / 11)
    return np.clip(slopes + generator.normal(0, 20, shape), 0, 255).astype(np.uint8)


def outputs(subject: Subject, inputs: Arrays, dtype: str = "float32") -> dict[str, NDArray[Any]]:
    """What the module gives at inference, by the names of its outputs; it is given this type."""
    import torch

    module, how = subject.module, subject.how
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            tensors = [torch.from_numpy(array) for array in inputs]
            taken = tensors if how is None else [prepared(tensors[0], how)]
            found = module(*(tensor.to(getattr(torch, dtype)) for tensor in taken))
    finally:
        module.train(was_training)
    named = found if isinstance(found, dict) else {"out": found}
    return {name: value.numpy() for name, value in named.items()}


def apart(actual: NDArray[Any], expected: NDArray[Any]) -> tuple[float, float]:
    """The largest difference, and its share of the largest value; infinite where shapes differ.

    A value that is not finite equals itself alone.
    """
    import numpy as np

    if actual.shape != expected.shape:
        return np.inf, np.inf
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(actual.astype(np.float64) - expected))
    largest = float(np.nan_to_num(difference, nan=np.inf, posinf=np.inf).max(initial=0.0))
    finite = np.abs(expected[np.isfinite(expected)])
    return largest, largest / max(float(finite.max(initial=0.0)), 1e-30)
