"""The memory that a network takes on its device, at inference and in a step of training.

The layers are gone through in the order of execution, backwards too, as PyTorch would: a tensor is
held until its last reader has run, in training until the last layer that needs it for its gradient.
A layer that works in place or gives a view takes no memory of its own. The peak is the worst
moment: what is held whatever the batch, and what is held for each example, as often as there are
examples.

Not counted: what the kernels take for their own while they run (workspaces, copies in other
layouts), the CUDA context, and the gaps between the blocks of an allocator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from archdsl.analyses.liveness import Moment, TrainingStep, at_inference
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.graph import Graph
from archdsl.ir.shapes import elements

if TYPE_CHECKING:
    from archdsl.ir.training.learning import Optimizer

WIDTHS = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one value, by the name of its type."""

SHORT = {"fp64": "float64", "fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""The types by the names that a `train` section and the command line have for them."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is held at the moment when the most is, in bytes."""

    batch: int
    weights: int
    """Parameters and buffers."""
    optimizer: int
    """The optimizer's state."""
    gradients: int
    """Those of the weights, and what the optimizer makes of them in its step."""
    activations: int
    """The batch itself, the layers' outputs that are held, and their gradients."""
    at: Moment
    """When that is."""

    @property
    def total(self) -> int:
        return self.weights + self.optimizer + self.gradients + self.activations

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        parts = asdict(self)
        parts["at"] = {"path": self.at.path, "phase": self.at.phase}
        return {"total": self.total, **parts}


@dataclass(frozen=True, slots=True)
class Course:
    """A run through a network, moment by moment, for any batch."""

    weights: int
    optimizer: int
    moments: tuple[Moment, ...]

    def at(self, moment: Moment, batch: int) -> Memory:
        """What is held at one moment."""
        activations = moment.fixed + batch * moment.each
        return Memory(batch, self.weights, self.optimizer, moment.gradients, activations, moment)

    def peak(self, batch: int = 1) -> Memory:
        """What is held at the worst moment."""
        return max((self.at(m, batch) for m in self.moments), key=lambda m: m.total)

    def most_activations(self, batch: int = 1) -> int:
        """The bytes of activations at the moment when they are the most."""
        return max(m.fixed + batch * m.each for m in self.moments)

    def largest_batch(self, limit: int) -> int:
        """The largest batch whose peak is at most `limit` bytes; 0 if none is."""
        held = self.weights + self.optimizer
        room = [(limit - held - m.gradients - m.fixed, m.each) for m in self.moments]
        if any(free < 0 for free, _ in room):
            return 0
        return min(free // each for free, each in room if each)


def inference(graph: Graph, dtype: str = "float32") -> Course:
    """What is held at inference; weights and activations are of one type.

    Raises:
        ValueError: no type has this name.
    """
    width = width_of(dtype)
    return Course(_weights(graph, width), 0, tuple(at_inference(graph, width)))


def training(
    graph: Graph,
    dtype: str = "float32",
    optimizer: Optimizer | None = None,
    checkpoint: Sequence[str] = (),
) -> Course:
    """What is held in a step of training, from the second on, when the optimizer has its state.

    Weights that the spec freezes for good have no gradients and no state.

    Args:
        graph: the network.
        dtype: the type of weights, gradients, optimizer's state and activations.
        optimizer: what the weights are changed by; otherwise the spec's own, or AdamW.
        checkpoint: the paths of blocks and sequences that run again before their backward pass in
            place of keeping what is in them, `blocks.*` for all blocks of a sequence; otherwise
            those of the spec.

    Raises:
        SpecError: the network has no such block or sequence.
        ValueError: no type has this name.
    """
    setting = graph.training
    optimizer = optimizer or optimizer_of(graph)
    if not checkpoint and setting and setting.checkpoint:
        checkpoint = setting.checkpoint.paths
    width = width_of(dtype)
    still, frozen = _frozen(graph)
    trained = [w for k, w in graph.state().items() if w.trainable and k not in frozen]
    own = width * sum(elements(w.shape) for w in trained)
    state = width * sum(optimizer.held(w) * elements(w.shape) for w in trained)
    moments = list(TrainingStep(graph, width, _parts(graph, checkpoint), still).moments())
    inputs = width * sum(elements(i.shape) for i in graph.inputs)
    moments.append(Moment("", "step", inputs, gradients=own * (1 + optimizer.scratch())))
    return Course(_weights(graph, width), state, tuple(moments))


def _frozen(graph: Graph) -> tuple[frozenset[str], frozenset[str]]:
    """The layers and the weights that are never trained: what thaws is trained in the end."""
    setting = graph.training
    if setting is None or (setting.tuning.thaws, setting.tuning.waits) != (None, None):
        return frozenset(), frozenset()
    return setting.tuning.still(graph), setting.tuning.frozen(graph)


def optimizer_of(graph: Graph) -> Optimizer:
    """What a network's weights are changed by: as its spec says, or AdamW."""
    from archdsl.ir.training.learning import AdamW

    return graph.training.optimizer if graph.training else AdamW.model_validate({})


def width_of(dtype: str) -> int:
    """Bytes of a value of a type.

    Raises:
        ValueError: no type has this name.
    """
    name = SHORT.get(dtype, dtype)
    if name not in WIDTHS:
        raise ValueError(f"{dtype!r} is none of {', '.join((*SHORT, *WIDTHS))}")
    return WIDTHS[name]


def _weights(graph: Graph, width: int) -> int:
    """Bytes of parameters and buffers; a counter keeps its 64 bits."""
    weights = graph.state().values()
    return sum((8 if w.dtype == "int64" else width) * elements(w.shape) for w in weights)


def _parts(graph: Graph, patterns: Iterable[str]) -> dict[str, str]:
    """The part that runs again, of every layer that is in one: the outermost scope that is named.

    Raises:
        SpecError: a pattern is the path of none.
    """
    scopes = [s.path for s in graph.scopes if s.path]
    chosen: set[str] = set()
    for pattern in patterns:
        found = [path for path in scopes if fnmatchcase(path, pattern)]
        if not found:
            label = f"`{graph.name}` has no block or sequence called `{pattern}`"
            help = suggestion(pattern, scopes)
            raise SpecError(Diagnostic("A305", None, label, "nothing has this path", help=help))
        chosen.update(found)
    parent = {s.path: s.parent for s in graph.scopes}
    part: dict[str, str | None] = {"": None}
    for path in scopes:  # outermost first
        above = part[parent[path] or ""]
        part[path] = above or (path if path in chosen else None)
    found_in = ((node.path, part[node.scope]) for node in graph.nodes)
    return {path: part for path, part in found_in if part is not None}
