"""The parts of a training put together: for what is frozen at first, and for all of the network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archdsl.backends import torch as backend
from archdsl.errors import printable
from archdsl.ir import Graph
from archdsl.ir.training.tuning import TuneEverything
from archdsl.train import keep
from archdsl.train.augment import OneByOne, Preparation, one_by_one
from archdsl.train.data import Sets
from archdsl.train.data.examples import classes_of, lacking
from archdsl.train.data.loader import Batches, Share
from archdsl.train.data.pictures import Pictures
from archdsl.train.frozen import NOTHING, Frozen, frozen, hold, never_thaws, standing
from archdsl.train.launch import Options, checked, placement
from archdsl.train.objective import Objective
from archdsl.train.optimize import optimizers
from archdsl.train.parts import Parts
from archdsl.train.recompute import recompute
from archdsl.train.refuse import refusal
from archdsl.train.statistics import Components

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn


class Assembly:
    """What the parts are made of: the network, its data, the devices."""

    def __init__(
        self,
        graph: Graph,
        options: Options,
        fabric: Fabric,
        sets: Sets,
        components: Components | None,
        weights: Any,
        note: Callable[[str], None],
    ) -> None:
        """Build the network.

        Args:
            graph: the network with its training.
            options: what is no matter of the training.
            fabric: on what it runs.
            sets: the examples.
            components: those of their colours, if a step wants them.
            weights: of a checkpoint; otherwise it begins as the training says.
            note: is told how it is carried out.
        """
        self.graph, self.options, self.fabric, self.sets = graph, options, fabric, sets
        self.components, self.note = components, note
        self.training = checked(graph)
        self.placement = placement(graph, options)
        for pictures in (sets.train, sets.valid):
            if isinstance(pictures, Pictures):
                pictures.keep(note)
        if self.training.precision.kind == "tf32" and fabric.device.type != "cuda":
            note("`precision tf32` is for GPUs: this is fp32")
        if lack := lacking(sets):
            note(printable(lack))
        self.module = self._module(weights)
        held = frozen(graph)
        self.freezes = bool(held.layers)
        """Whether a part is frozen at first."""
        tuning = self.training.tuning
        if not self.freezes and not isinstance(tuning, TuneEverything):
            note(f"`{tuning.text()}` freezes nothing: all of the network is trained")

    def _module(self, weights: Any) -> nn.Module:
        """The network with its starting weights, on its device."""
        import torch

        training = self.training
        start = training.start.path if training.start is not None else None
        start = start if weights is None else weights
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            seed = training.seed.value
            module = backend.build(self.graph, start, seed, placement=self.placement)
        for warning in caught:  # of a head that starts fresh
            self.note(str(warning.message))
        if training.checkpoint is not None:
            recompute(module, training.checkpoint.paths)
        if training.channels_last.on:
            module = module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return module if self.placement is not None else module.to(self.fabric.device)

    def parts(self, freezing: bool) -> Parts:
        """The parts of the training, while something is frozen or when all is trained."""
        held = frozen(self.graph) if freezing else NOTHING
        hold(self.module, held.weights)
        found = self._whole(held)
        if held.layers:
            if self.training.start is None:
                self.note("what is frozen has random weights: the training has no `from`")
            if never_thaws(self.training, found.batches.steps):
                text = self.training.tuning.text()
                self.note(f"`{text}` never thaws: the training is over by then")
            wanted = self.options.features and self.placement is None
            found = keep.kept(found, self.sets, wanted, self.note)
        return self._set_up(found)

    def _whole(self, held: Frozen) -> Parts:
        """The parts with all of the network in every step, but for what Fabric makes of them."""
        graph, training, fabric, sets = self.graph, self.training, self.fabric, self.sets
        labels = classes_of(sets.labels)
        done = one_by_one(graph, sets.varied)
        each = OneByOne(training.augment[:done], self.components) if done else None
        share = Share(fabric.global_rank, fabric.world_size)
        pin = fabric.device.type == "cuda"
        size, seed = training.batch.size, training.seed.value
        balanced = labels if getattr(training.data, "balance", False) else None
        if getattr(training.data, "balance", False) and labels is None:
            label = "`balance=true` needs the class of every example, and these have none"
            raise refusal("A954", label)
        batches = Batches(
            sets.train, size, share, training.accumulate.batches, seed, balanced, sets.workers,
            each, pin,
        )  # fmt: skip
        valid = None
        if sets.valid is not None and len(sets.valid):
            valid = Batches(sets.valid, size, share, seed=seed, workers=sets.workers, pin=pin)
        return Parts(
            graph=graph,
            fabric=fabric,
            module=self.module,
            runs=self.module,
            objective=Objective(graph, sets.labels, fabric.device),
            preparation=Preparation(graph, self.components, done, sets.ready),
            batches=batches,
            valid=valid,
            skip_broken=getattr(training.data, "broken", "fail") == "skip",
            sharded=self.options.strategy == "fsdp",
            frozen=held,
        )

    def _set_up(self, parts: Parts) -> Parts:
        """The parts with the network and its optimizers as Fabric runs them."""
        if parts.sharded:  # nothing is frozen, and the optimizers are those of the divided weights
            model = self.fabric.setup_module(self.module)
            made = optimizers(self.graph, self.module, parts.frozen.weights)
            ready = [self.fabric.setup_optimizers(each) for each in made]
            return replace(parts, model=model, optimizers=ready)
        made = optimizers(self.graph, self.module, parts.frozen.weights)
        runs: Any = parts.runs
        setting = self.training.compile
        if setting.on:
            import torch

            mode = setting.mode.replace("_", "-")
            runs = torch.compile(runs, mode=None if mode == "default" else mode)
        # Fabric would compile once more, for strategies that wrap the network: none here needs it.
        here = self.placement is None
        model, *ready = self.fabric.setup(runs, *made, move_to_device=here, _reapply_compile=False)
        return replace(parts, model=model, optimizers=ready, still=self._still(parts))

    def _still(self, parts: Parts) -> tuple[nn.Module, ...]:
        """The modules of what runs that stand still."""
        layers = parts.frozen.layers
        paths = parts.paths or {node.path: node.path for node in self.graph.nodes}
        those = [here for here, there in paths.items() if there in layers]
        return tuple(standing(parts.runs, list(paths), those))
