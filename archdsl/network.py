"""A network: one object from which every analysis, picture and file comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.errors import Diagnostic, Level, SpecError
from archdsl.files import source_called
from archdsl.ir import Graph
from archdsl.source import Source

if TYPE_CHECKING:
    from torch import nn

    from archdsl.analyses.compare import Comparison
    from archdsl.analyses.expectations import Failure
    from archdsl.analyses.receptive_field import LayerField
    from archdsl.analyses.summary import Plan, Summary
    from archdsl.backends.effective import EffectiveField
    from archdsl.backends.features import Sheet
    from archdsl.backends.onnx import Exported, ExportOptions
    from archdsl.backends.report import Subject
    from archdsl.lint import Finding
    from archdsl.syntax import ast
    from archdsl.train import Options, Outcome


class Network:
    """One network of a spec. Nothing is computed or imported before it is asked for."""

    def __init__(self, graph: Graph, tree: ast.Spec | None = None) -> None:
        self.graph = graph
        self.tree = tree

    @property
    def source(self) -> Source | None:
        """The text of its spec, if it came from one."""
        return self.tree.source if self.tree else None

    @property
    def name(self) -> str:
        return self.graph.name

    def __repr__(self) -> str:
        return f"<Network {self.name}: {len(self.graph.nodes)} layers>"

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        """What a notebook shows: the picture, and its figures and rows beside it."""
        forms = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if (svg := self._repr_svg_()) is not None:
            forms["image/svg+xml"] = svg
        return forms

    def _repr_html_(self) -> str:
        from archdsl.backends.report import cell

        return cell.html(self.graph)

    def _repr_svg_(self) -> str | None:
        from archdsl.backends.report import cell

        return cell.svg(self.graph)

    def summary(self, plan: Plan | None = None) -> Summary:
        """Parameters, MACs, shapes, receptive fields and memory, by layer and in total.

        Args:
            plan: the batch, type, optimizer and device that memory and time are for; by default
                one example in 32 bits.

        Raises:
            SpecError: the plan names a part to run again that the network does not have.
            ValueError: the plan's type is none, or the device has no rate for it.
        """
        from archdsl.analyses.summary import summarize

        return summarize(self.graph, plan)

    def files(self) -> list[tuple[str, str]]:
        """The names and the texts of the spec and of what it imports, as far as they are there."""
        if self.source is None:
            return []
        names = (self.source.name, *self.graph.origin.imports)
        found = ((name, source_called(name, self.source)) for name in names)
        return [(name, source.text) for name, source in found if source is not None]

    def annotated_source(self, batch: int = 1, dtype: str = "float32") -> str:
        """The spec itself, with what each line costs in its margin; see `by_source`.

        Args:
            batch: the examples that the memory of outputs is for.
            dtype: the numbers' type.

        Raises:
            ValueError: no type has this name.
        """
        from archdsl.analyses.by_source import annotated
        from archdsl.analyses.memory import width_of

        return annotated(self.graph, self.files(), batch, width_of(dtype))

    def check(self) -> None:
        """Hold what the spec expects against the network.

        Raises:
            SpecError: an expectation does not hold, or is about nothing that the network has; all
                of them are told, each with the value that is expected and the one that is found.
        """
        if not self.graph.expectations:
            return
        from archdsl.analyses.expectations import failures

        found = [self._told(failure) for failure in failures(self.graph)]
        if found:
            raise SpecError(found)

    def _told(self, failure: Failure) -> Diagnostic:
        place = failure.expectation.place
        text = self.source and source_called(place.file, self.source)
        span = text.span(place.start, place.end) if text else None
        label = failure.label if span else f"{place}: {failure.label}"
        return Diagnostic(failure.code, span, label, failure.message, help=failure.help)

    def receptive_field(self, at: str | None = None) -> LayerField:
        """What one position of a layer's output sees of the input: size, stride, padding, centre.

        `.region(i, j)` of the result is what the position i, j sees, the input's edges heeded
        (`.clipped`) and not (`.unclipped`).

        Args:
            at: the path of a layer or of a block; the network's output if left out.

        Raises:
            SpecError: the network has no such path.
        """
        from archdsl.analyses.receptive_field import receptive_field

        return receptive_field(self.graph, at)

    def effective_field(
        self,
        at: str | None = None,
        position: tuple[int, ...] | None = None,
        inputs: int = 16,
        seed: int = 0,
        weights: Any = None,
    ) -> EffectiveField:
        """How much of its field a position uses, by the gradient at random inputs (needs torch).

        Args:
            at: as for `receptive_field`.
            position: row and column of a map, the number of a token; the middle if left out.
            inputs: how many random inputs are averaged, each of them with weights of its own.
            seed: what inputs and weights are drawn from.
            weights: as for `to_torch`; then these are used for all inputs.

        Raises:
            SpecError: the network has no such path, or the layer no such position.
            BuildError: no gradient reaches the input, or the network is too large to run.
        """
        from archdsl.backends import effective

        return effective.measure(self.graph, at, position or (), inputs, seed, weights)

    def lint(
        self, select: Iterable[str] = ("L",), ignore: Iterable[str] = (), level: Level = "info"
    ) -> list[Finding]:
        """What the rules of `archdsl lint` find, by their place in the spec.

        The rules about the text of the file run if this is its only network.

        Args:
            select: the rules that run, by codes or their beginnings.
            ignore: of these, the ones that do not.
            level: the least level that is told.

        Raises:
            ValueError: no rule has such a code.
        """
        from archdsl.elaborate import network_names
        from archdsl.lint import Config, Subject, lint
        from archdsl.lint.config import check_codes
        from archdsl.lint.engine import at_least

        select, ignore = tuple(select), tuple(ignore)
        if wrong := check_codes((*select, *ignore)):
            raise ValueError(wrong)
        if self.tree is None:
            return []  # a graph read from JSON has no text to point at
        subject = Subject(self.tree, (self.graph,), network_names(self.tree) == [self.name])
        return at_least(level, lint(subject, Config(select, ignore).rules()))

    def torch_source(self) -> str:
        """The PyTorch module as a file that imports torch alone."""
        from archdsl.backends import torch

        return torch.source(self.graph)

    def to_torch(
        self, weights: Any = None, seed: int = 0, weights_map: Mapping[str, str] | None = None
    ) -> nn.Module:
        """The module itself, built from `torch_source`.

        Args:
            weights: a .safetensors or .pth file, a state_dict or a module, whose keys and shapes
                must be this network's; only where the last layer has another number of outputs is
                it left fresh, with a warning. Without weights they start as the spec's `init`
                says, or as PyTorch's own layers do.
            seed: what the starting weights are drawn from; the caller's random state is untouched.
            weights_map: how keys of `weights` begin, and how they begin here: {"module.": ""}.

        Raises:
            BuildError: the weights do not fit; every difference is named.
            ReadError: the file of weights cannot be read.
        """
        from archdsl.backends import torch

        return torch.build(self.graph, weights, seed, weights_map)

    def save_weights(self, path: str | Path, model: nn.Module) -> None:
        """Write the weights of a module of this network as safetensors, with the spec's hash.

        Raises:
            WriteError: the file cannot be written; an earlier one is left as it was.
        """
        from archdsl.backends import torch

        torch.save(self.graph, model.state_dict(), path)

    def to_onnx(
        self,
        path: str | Path,
        weights: Any = None,
        seed: int = 0,
        weights_map: Mapping[str, str] | None = None,
        options: ExportOptions | None = None,
    ) -> Exported:
        """Write an ONNX file, with a file of weights beside it where they are large.

        Args:
            path: where to.
            weights: as for `to_torch`; without it, those of `to_torch(seed=seed)`.
            seed: see `to_torch`.
            weights_map: see `to_torch`.
            options: how it is written, `archdsl.backends.onnx.ExportOptions`; layer for layer, for
                any batch and not verified, if left out.

        Raises:
            BuildError: the weights do not fit, ONNX cannot say a layer as the options want it, or
                the file does not compute what PyTorch does; an earlier one is left as it was.
            WriteError: the file cannot be written; an earlier one is left as it was.
        """
        from archdsl.backends import onnx, torch

        arrays = torch.arrays(self.graph, weights, seed, weights_map)
        model = None
        if options is not None and (options.verify or options.bisect):
            model = torch.reference(self.graph, weights, arrays)
        text = self.source.text if self.source else None
        return onnx.write(self.graph, path, arrays, options, model, text)

    def train(self, options: Options | None = None) -> Outcome:
        """Train as the `train` section says, in a folder of its own.

        What this needs is an extra of the package, `archdsl[train]`. `archdsl.train.resume` goes on
        with a run that was stopped.

        Raises:
            TrainError: there is no such section, the data are not what it says, the training has
                diverged, or what it needs is not installed.
        """
        from archdsl.train import start

        return start(self.graph, options, self.files())

    def draw(self, path: str | Path, style: str = "graph", **options: Any) -> None:
        """Draw the network into a file, whose suffix says as what: .svg, .png, .pdf, .tex, .gv …

        Args:
            path: where to.
            style: of `archdsl.styles.STYLES`: `graph` has boxes and arrows, `volumes` tensors in
                perspective, `table` is the layer table of a paper.
            options: fields of `archdsl.backends.drawing.Options`: depth=2, theme="dark", …

        Raises:
            ValueError: the style or an option is none, or the style does not heed the option.
            SpecError: nothing has a path that is to stand out.
            BuildError: no Graphviz can be run.
            WriteError: the suffix is none of the style's, or the file cannot be written; an earlier
                one is left as it was.
        """
        from archdsl.styles import draw

        draw([self.graph], Path(path), style, **options)

    def draw_filters(self, path: str | Path, at: str, weights: Any = None, seed: int = 0) -> Sheet:
        """Draw the filters of the convolution `at` a path into a .png, .webp or .svg file.

        Weights are those of `to_torch`. What comes back says in `notes` what was left out, and in
        `panels` which channels are shown.

        Raises:
            BuildError: the layer has no filters, or the weights do not fit.
            WriteError: the suffix is another, or the file cannot be written.
        """
        from archdsl.backends import features, torch

        features.layer_with_filters(self.graph, at)  # before weights are read for nothing
        found = torch.arrays(self.graph, self.to_torch(weights, seed))
        sheet = features.filters(self.graph, at, found)
        sheet.save(path)
        return sheet

    def draw_activations(
        self, path: str | Path, picture: Any, at: str | None = None, weights: Any = None,
        seed: int = 0,
    ) -> Sheet:  # fmt: skip
        """Draw what the layers, or the one `at` a path, make of a picture; see `draw_filters`.

        The picture is a path, a PIL image or a uint8 array. It is prepared as the file of weights
        says, if `archdsl train` wrote it, else as the spec does.

        Raises:
            BuildError: the network takes no picture, or the layer gives no map.
            SpecError: nothing has the path.
            ModelError: the picture cannot be read.
            WriteError: the suffix is another, or the file cannot be written.
        """
        from archdsl.backends import features, torch

        model, how = self.to_torch(weights, seed), torch.told(weights).pictures
        sheet = features.activations(self.graph, picture, model, at, how)
        sheet.save(path)
        return sheet

    def report(self, path: str | Path, batch: int = 1) -> None:
        """Write one HTML file that shows the spec, the diagram, the layers and the figures, linked.

        Args:
            path: where to.
            batch: how many examples the figures of memory are for, at first.

        Raises:
            BuildError: no Graphviz can be run.
            WriteError: the file cannot be written; an earlier one is left as it was.
        """
        report(self, path=path, batch=batch)

    def subject(self, name: str | None = None, torch: bool = True) -> Subject:
        """All that a report tells of it, under its own name or another, with the PyTorch text."""
        from archdsl.backends.report import Subject

        found = [finding.diagnostic for finding in self.lint()]
        text = self.torch_source() if torch else ""
        return Subject(self.graph, name or self.name, self.files(), found, text)


def compare(*networks: Network, batch: int = 1) -> Comparison:
    """Networks side by side: parameters, MACs, memory, receptive field, depth; two, layer by layer.

    Args:
        networks: what is compared, with the first one as the measure.
        batch: how many examples the figures of memory are for.

    Raises:
        ValueError: there is no network, or no example.
    """
    from archdsl.analyses.compare import compare as side_by_side

    return side_by_side(*(network.graph for network in networks), batch=batch)


def report(
    *networks: Network, path: str | Path, batch: int = 1, names: Sequence[str] | None = None
) -> None:
    """Write one HTML file that shows networks, and compares them if they are several.

    Args:
        networks: what it shows, with the first one as the measure.
        path: where to.
        batch: how many examples the figures of memory are for, at first.
        names: what they are called, if not as they call themselves.

    Raises:
        ValueError: there is no network, or no example.
        BuildError: no Graphviz can be run.
        WriteError: the file cannot be written; an earlier one is left as it was.
    """
    from archdsl.backends import report as pages

    called = names or [network.name for network in networks]
    subjects = [network.subject(name) for network, name in zip(networks, called, strict=True)]
    pages.write(subjects, path, batch)
