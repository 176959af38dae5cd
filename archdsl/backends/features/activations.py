"""What the layers of a network make of a picture: their maps, as grey tiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.analyses.receptive_field import receptive_field
from archdsl.backends import torch as backend
from archdsl.backends.drawing.paths import listed
from archdsl.backends.effective.measure import own_weights, up_to
from archdsl.backends.features.sheet import Panel, Sheet, square
from archdsl.backends.features.tiles import own_range, strongest
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import preprocess
from archdsl.ir.graph import Graph, Node
from archdsl.ir.preprocess import Preprocess
from archdsl.ir.shapes import kind, show

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAPS = 64  # of one layer, where one is asked for
STRIP = 16  # of each layer, where all are
LAYERS = 24  # that are shown together


def activations(
    graph: Graph,
    picture: str | Path | Any,
    weights: Any,
    at: str | None = None,
    how: Preprocess | None = None,
) -> Sheet:
    """The maps that a layer gives for a picture, or some of each layer with filters.

    Of a layer the 64 strongest maps are shown, those with the greatest root mean square first; of
    each layer with filters, if none is named, the 16 strongest, of at most 24 layers, evenly chosen
    from the first to the last. Each map is scaled by itself: its least value is black.

    Args:
        graph: the network.
        picture: a path, a PIL image or a uint8 array.
        weights: as for `Network.to_torch`.
        at: the path of a layer, or of a block, whose last layer it is then.
        how: how the picture is prepared, if not as the spec says.

    Raises:
        BuildError: the network takes no picture, or the layer gives no map.
        SpecError: nothing has the path.
        ModelError: the picture cannot be read.
    """
    nodes, notes = _chosen(graph, at)
    own = _preparation(graph, how)
    given = _prepared(picture, own)
    count = STRIP if at is None else MAPS
    panels: list[Panel] = []
    for node, maps in zip(nodes, _run(graph, nodes, given, weights), strict=True):
        panel, broken = _panel(node, maps, count, at is None)
        panels.append(panel)
        if broken:
            notes.append(f"{broken:,} values of `{node.path}` are no finite numbers; magenta")
    name = Path(picture).name if isinstance(picture, str | Path) else "a picture"
    title = f"{graph.name}: what its layers make of {name}"
    return Sheet(title, tuple(panels), tuple(notes))


def _preparation(graph: Graph, how: Preprocess | None) -> Preprocess:
    """How the picture is prepared: as said, where that is for this input; else as for the spec."""
    found = how or preprocess.of(graph)
    if found is not None and [i.shape for i in graph.inputs] == [
        (len(found.channels), *found.size)
    ]:
        return found
    shapes = ", ".join(show(i.shape) for i in graph.inputs)
    label = f"it takes {shapes}, not one picture of 1 or 3 channels"
    if found is not None:
        depth, size = len(found.channels), found.size
        label = f"it takes {shapes}, its weights were trained on {show((depth, *size))}"
    help = ""
    if (
        found is None
        and len(graph.inputs) == 1
        and len(graph.inputs[0].shape) == 3
        and graph.inputs[0].shape[0] in preprocess.KINDS
    ):
        label = "its pictures are normalized by data that only a run of training has seen"
        help = "take the weights that `archdsl train` wrote; they say how"
    raise BuildError(Diagnostic("A711", None, label, help=help))


def _chosen(graph: Graph, at: str | None) -> tuple[list[Node], list[str]]:
    """The layers to show, and what is to be said of the choice."""
    if at is not None:
        path = receptive_field(graph, at).path
        node = graph.by_path.get(path)
        if node is None or len(node.shape) != 3:
            maps = [n.path for n in graph.nodes if len(n.shape) == 3]
            what = f"{kind(node.shape)} {show(node.shape)}" if node else "the input"
            label = f"`{at}` gives {what}; " + (
                f"maps are given by {listed(maps)}" if maps else "no layer gives a map"
            )
            raise BuildError(Diagnostic("A711", None, label))
        return [node], []
    nodes = [n for n in up_to(graph, graph.main.node).nodes if n.op.has_filters]
    if not nodes:
        label = "the network has no layer with filters"
        raise BuildError(Diagnostic("A711", None, label, help="--at names another that gives maps"))
    if len(nodes) <= LAYERS:
        return nodes, []
    places = [i * (len(nodes) - 1) // (LAYERS - 1) for i in range(LAYERS)]
    note = f"{LAYERS} of the {len(nodes):,} layers with filters are shown; --at PATH shows another"
    return [nodes[i] for i in places], [note]


def _prepared(picture: Any, how: Preprocess) -> NDArray[np.float32]:
    from archdsl.serve import pictures
    from archdsl.serve.preprocess import cut, normalized

    name = str(picture) if isinstance(picture, str | Path) else "the picture"
    image = pictures.read(picture, name, how.channels)
    # in_graph and layout are matters of a file; the module takes what the spec says.
    plain = how.model_copy(update={"layout": "NCHW"})
    return normalized(cut(image, plain), plain, "float32")


def _run(
    graph: Graph, nodes: list[Node], given: NDArray[np.float32], weights: Any
) -> list[NDArray[Any]]:
    """The outputs of layers, channels x rows x columns."""
    if len(nodes) == 1:
        return [_alone(graph, nodes[0], given, weights)]
    together = _together(graph, nodes, given, weights)
    return [
        found if found is not None else _alone(graph, node, given, weights)
        for node, found in zip(nodes, together, strict=True)
    ]


def _alone(graph: Graph, node: Node, given: NDArray[np.float32], weights: Any) -> NDArray[Any]:
    """The output of the network that ends in a layer."""
    import torch

    part = up_to(graph, node.path)
    model = backend.build(part, own_weights(graph, part, weights)).eval()
    with torch.no_grad():
        return model(torch.from_numpy(given))[0].numpy()


def _together(
    graph: Graph, nodes: list[Node], given: NDArray[np.float32], weights: Any
) -> list[NDArray[Any] | None]:
    """The outputs of layers in one run; None of one that is no module of its own.

    They are copied as they leave their modules, since what follows may overwrite them.
    """
    import torch

    part = up_to(graph, graph.main.node)
    model = backend.build(part, own_weights(graph, part, weights)).eval()
    calls: dict[str, list[str]] = defaultdict(list)
    for node in part.nodes:
        calls[node.owner].append(node.path)  # a shared module is called once for each
    seen: dict[str, list[NDArray[Any]]] = defaultdict(list)

    def keep(owner: str) -> Callable[..., None]:
        return lambda module, inputs, output: seen[owner].append(output[0].numpy().copy())

    for owner in {part.by_path[node.path].owner for node in nodes}:
        with suppress(AttributeError):
            model.get_submodule(owner).register_forward_hook(keep(owner))
    with torch.no_grad():
        model(torch.from_numpy(given))

    def of(node: Node) -> NDArray[Any] | None:
        owner = part.by_path[node.path].owner
        if len(seen[owner]) != len(calls[owner]):
            return None
        found = seen[owner][calls[owner].index(node.path)]
        return found if found.shape == node.shape else None

    return list(map(of, nodes))


def _panel(node: Node, maps: NDArray[Any], count: int, strip: bool) -> tuple[Panel, int]:
    import numpy as np

    channels = strongest(maps, count)
    tiles = own_range(maps[channels])
    words = f"the {len(channels)} strongest of" if len(channels) < len(maps) else "all"
    title = f"{node.path}: {words} {len(maps):,} maps {show(node.shape[1:])}, strongest first"
    across = len(channels) if strip else square(len(channels))
    panel = Panel(title, node.path, tiles, across, tuple(channels), len(maps))
    return panel, int((~np.isfinite(maps)).sum())
