"""What must be so before a run begins, and the processes that it is begun in."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archdsl.ir import Graph
from archdsl.ir.training import Training
from archdsl.ir.training.learning import Muon
from archdsl.train import frozen, inputs, shard
from archdsl.train.objective import untrained
from archdsl.train.place import alone, placed
from archdsl.train.refuse import needed, refusal

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from archdsl.backends.torch.placing import Placement


@dataclass(frozen=True)
class Options:
    """What is no matter of the training itself."""

    runs: Path = Path("runs")
    name: str | None = None
    """Of the run; the network's if left out, with a number where that is taken."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    save_every: int | None = None
    """Steps between two checkpoints; some seconds if left out."""
    tensorboard: bool = False
    """Whether the figures are written for TensorBoard too."""
    features: bool = True
    """Whether what frozen layers give is computed once and kept, where that can be."""

    strategy: Literal["ddp", "fsdp"] = "ddp"
    """Whether each of several processes has all weights, or a part of them."""
    place: tuple[str, ...] = ()
    """What is computed on which device, `layer1,layer2=cuda:0`; all on one if left out."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "runs": str(self.runs)}


def checked(graph: Graph) -> Training:
    """The training of a network, if it can be carried out.

    Raises:
        TrainError: it cannot be.
    """
    training = graph.training
    if training is None:
        help = "`archdsl train` brings the defaults; in Python, write `train { }` into the spec"
        raise refusal("A955", f"`{graph.name}` has no `train` section", help)
    inputs.suited(graph, training)
    frozen.check(graph)
    if training.precision.kind == "fp16" and isinstance(training.optimizer, Muon):
        label = "`precision fp16` scales the loss for one optimizer, and muon comes with AdamW"
        raise refusal("A955", label, "`precision bf16` needs no scaling")
    return training


_PRECISIONS = {"fp32": "32-true", "tf32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def launched(graph: Graph, options: Options) -> Fabric:
    """Lightning's Fabric on the devices that are asked for, with its other processes begun.

    Raises:
        TrainError: it is not installed, or the devices or the precision are not to be had.
    """
    lightning = needed("lightning_fabric")
    for name in ("lightning_fabric", "lightning.fabric", "lightning_utilities"):
        logging.getLogger(name).setLevel(logging.ERROR)
    training = checked(graph)
    kind = _kind(options, training.precision.kind)
    here, processes = _processes(options, kind)
    if processes > training.batch.size:
        label = f"`{training.batch.text()}` is shared by {processes} processes"
        raise refusal("A955", label, "every process needs an example of each batch")
    strategy: Any = "auto"
    if options.strategy == "fsdp":
        shard.suited(training, processes)
        model_parallel = needed("lightning_fabric.strategies").ModelParallelStrategy
        strategy = model_parallel(
            lambda module, mesh: shard.sharded(graph, module, mesh["data_parallel"]),
            data_parallel_size=processes, tensor_parallel_size=1,
        )  # fmt: skip
    elif processes > 1:
        ddp = needed("lightning_fabric.strategies").DDPStrategy
        strategy = ddp(find_unused_parameters=bool(untrained(graph)))
    fabric = lightning.Fabric(
        accelerator=kind,
        devices=here,
        num_nodes=processes // here,
        strategy=strategy,
        precision=_PRECISIONS[training.precision.kind],
    )
    fabric.launch()
    return fabric


def placement(graph: Graph, options: Options) -> Placement | None:
    """Where the layers are computed, if they are on several devices.

    Raises:
        TrainError: the places do not fit the network, this machine, or the processes.
    """
    if not options.place:
        return None
    kind = _kind(options, checked(graph).precision.kind)
    alone(_processes(options, kind)[1])
    return placed(graph, options.place, "cuda:0" if kind == "cuda" else kind)


def _kind(options: Options, precision: str) -> str:
    """What to train on."""
    import torch

    cuda = torch.cuda.is_available()
    if options.device == "cuda" and not cuda:
        raise refusal("A955", "`--device cuda`: PyTorch finds no GPU here", "`--device cpu`")
    kind = "cuda" if cuda and options.device != "cpu" else "cpu"
    if precision == "fp16" and kind == "cpu":
        label = "`precision fp16` wants a GPU"
        raise refusal("A955", label, "`--set precision=bf16` has the same width, and runs here")
    return kind


def _processes(options: Options, kind: str) -> tuple[int, int]:
    """How many processes there are on this machine, and in all.

    torchrun has begun them already, and says how many.
    """
    import torch

    begun = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", begun)) if begun > 1 else options.devices
    if kind == "cuda" and here > torch.cuda.device_count():
        label = f"{here} devices are asked for, and there are {torch.cuda.device_count()} GPUs"
        raise refusal("A955", label)
    return here, max(begun, here)
