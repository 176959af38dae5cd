"""`data huggingface`: a dataset of the hub, or a folder in its format, by way of `datasets`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.ir.preprocess import Channels
from archdsl.ir.training.data import HuggingFace
from archdsl.train.data.examples import Sets, classes_of, named, split
from archdsl.train.data.pictures import Pictures, both
from archdsl.train.refuse import needed, refusal

if TYPE_CHECKING:
    from torch import Tensor

VALID = ("validation", "valid", "val", "test")


def _classes(data: HuggingFace, part: Any) -> Tensor:
    """The numbers of the classes of a part's examples.

    Raises:
        TrainError: the column holds something else.
    """
    import torch

    try:
        found = classes_of(torch.tensor(list(part[data.label])))
    except (TypeError, ValueError, RuntimeError):
        found = None
    if found is None:
        label = f"{data.dataset}: the column `{data.label}` does not hold the numbers of classes"
        raise refusal("A954", label, f"ds.class_encode_column({data.label!r}) makes them of names")
    return found


def read(data: HuggingFace, graph: Graph) -> Sets:
    """Images and classes of two columns.

    Raises:
        TrainError: `datasets` is not installed, has no such dataset, or this has no such columns.
    """
    import torch

    library = needed("datasets", "pip install datasets")
    try:
        if Path(data.dataset).is_dir():
            found = library.load_from_disk(data.dataset)
        else:
            found = library.load_dataset(data.dataset, data.config)
    except Exception as error:  # the library's own, the network's, the file system's
        why = str(error).partition("\n")[0]
        raise refusal("A952", f"{data.dataset}: {why}") from None
    parts = found if isinstance(found, dict) else {"train": found}
    if "train" not in parts:
        raise refusal("A952", f"{data.dataset}: it has no part `train`; it has {', '.join(parts)}")
    train = parts["train"]
    for column in (data.image, data.label):
        if column not in train.column_names:
            known = ", ".join(train.column_names)
            label = f"{data.dataset}: it has no column `{column}`; it has {known}"
            raise refusal("A952", label, "say `image=` and `label=`")
    valid = next((parts[name] for name in VALID if name in parts), None)
    if valid is None:
        assert graph.training is not None
        first, second = split(_classes(data, train), data.validation, graph.training.seed.value)
        train, valid = train.select(first.tolist()), train.select(second.tolist())

    def make(part: Any, kind: Channels, **others: Any) -> Pictures:
        name = f"{data.dataset}, example {{}}".format
        labels = _classes(data, part).tolist()
        return Pictures(
            lambda i: part[i][data.image], name, labels, kind, data.size,
            cache=data.cache, content=getattr(part, "_fingerprint", ""), **others,
        )  # fmt: skip

    pictures, others = both(graph, make, train, valid if len(valid) else None)
    names = named(getattr(parts["train"].features[data.label], "names", None) or ())
    labels = torch.tensor(pictures.labels)
    return Sets(
        pictures, others, labels, names, data.workers, varied=True, ready=others is not None
    )
