"""What a file says of itself, for whoever runs it: `metadata_props`, text by key.

| key | value |
| --- | --- |
| `archdsl.version` | the version that wrote it |
| `archdsl.network` | the network's name |
| `archdsl.spec` | the text of the spec, where there is one |
| `archdsl.sha256` | the SHA-256 of that text |
| `archdsl.parameters` | JSON: the spec's parameters with the values in force |
| `archdsl.classes` | JSON: the names of the classes, in the order of the output |
| `archdsl.preprocess` | JSON: how a picture is prepared, see `archdsl.ir.preprocess` |
| `archdsl.license` | the licence of the weights |

What is not known is left out.
"""

from __future__ import annotations

import json

from archdsl.backends.onnx.options import ExportOptions
from archdsl.errors import BuildError, Diagnostic
from archdsl.ir import Graph
from archdsl.ir.preprocess import Preprocess
from archdsl.ir.shapes import channels


def properties(
    graph: Graph, options: ExportOptions, how: Preprocess | None, spec: str | None
) -> dict[str, str]:
    """The metadata of a file, by key.

    Raises:
        BuildError: there are more or fewer names of classes than classes.
    """
    width = channels(graph.main.shape)
    if options.classes and len(options.classes) != width:
        count = len(options.classes)
        label = f"the names of classes are {count:,}, and the output has {width:,} values"
        raise BuildError(Diagnostic("A708", None, label, help="a name per line, one for each"))
    found = {
        "archdsl.version": graph.origin.archdsl,
        "archdsl.network": graph.name,
        "archdsl.spec": spec,
        "archdsl.sha256": graph.origin.sha256,
        "archdsl.parameters": _json(_plain(graph)),
        "archdsl.classes": _json(list(options.classes)) if options.classes else None,
        "archdsl.license": options.license or None,
    }
    if how is not None:
        said = how.model_copy(update={"in_graph": options.preprocess})
        found["archdsl.preprocess"] = _json(said.model_dump(mode="json"))
    return {key: value for key, value in sorted(found.items()) if value is not None}


def _plain(graph: Graph) -> object:
    return graph.model_dump(mode="json", include={"parameters"})["parameters"]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
