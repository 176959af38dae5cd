"""Several inputs of a network: they come as they are, for what prepares images is about one."""

from __future__ import annotations

from typing import Any

from archdsl.ir import Graph
from archdsl.ir.graph import Input
from archdsl.ir.shapes import show
from archdsl.ir.training import Training
from archdsl.ir.training.data import HuggingFace, ImageFolder
from archdsl.train.refuse import refusal


def suited(graph: Graph, training: Training) -> None:
    """Refuse for a network of several inputs what is about its one picture.

    Raises:
        TrainError: a setting is.
    """
    if len(graph.inputs) < 2:
        return
    said = [*training.augment, training.eval]
    said += [] if training.normalize.statistics == ((), ()) else [training.normalize]
    word = next((each for each in said if each is not None), None)
    if word or isinstance(training.data, ImageFolder | HuggingFace):
        names = ", ".join(i.name for i in graph.inputs)
        label = f"`{(word or training.data).text()}` is about one picture; the inputs are {names}"
        raise refusal("A955", label, "`data npz` and `data python` give inputs as they are")


def as_they_are(wanted: tuple[Input, ...], inputs: Any) -> Any:
    """A batch for a network of several inputs, bytes as values from 0 to 1.

    Raises:
        TrainError: they are of other shapes, or not so many.
    """
    from archdsl.train.augment import floats

    given = [tuple(each.shape[1:]) for each in inputs] if isinstance(inputs, tuple) else []
    if given != [each.shape for each in wanted]:
        names = ", ".join(f"{each.name} {show(each.shape)}" for each in wanted)
        came = ", ".join(map(show, given)) or "one tensor"
        raise refusal("A954", f"an example comes as {came}, and the network takes {names}")
    return tuple(map(floats, inputs))
