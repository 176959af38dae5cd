"""The layout of the code is the pipeline: what may import what, and what may be named where."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import archdsl
from archdsl.ir import registry
from archdsl.ir.records import OnnxLowering, TorchModule

ROOT = Path(archdsl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

each_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda p: p.relative_to(ROOT).with_suffix("").as_posix()
)

# From the text to the artefacts. A part imports from those before it and from itself alone.
ORDER = [
    ["source", "codes", "version", "resources", "heading", "quantity"],
    ["errors"],
    ["files"],
    ["syntax"],
    ["ir"],
    ["ops"],
    ["elaborate"],
    ["analyses"],
    ["serve"],
    ["backends.drawing"],
    [
        "devices",
        "backends.torch",
        "backends.onnx",
        "backends.graphviz",
        "backends.volumes",
        "backends.layer_table",
    ],
    ["backends.effective", "backends.report"],
    ["backends.features"],
    ["styles"],
    ["lint"],
    ["train"],
    ["network"],
    ["pipeline"],
    ["notebook", "watch"],
    ["race", "card"],
    ["reference"],
    ["cli"],
    ["__init__", "__main__"],
]
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}

# Where the order alone would allow too much: everything that these may import.
BASICS = {"source", "codes", "version", "resources", "errors", "files"}
ONLY = {
    "syntax": BASICS,
    "ir": set[str](),
    "ops": {"ir"},
    "elaborate": BASICS | {"syntax", "ir"},
    "analyses": {"quantity", "errors", "ir"},
    "devices": {"quantity", "errors", "files", "analyses"},
    "lint": {"source", "version", "errors", "files", "syntax", "ir", "elaborate", "analyses"},
    # It runs any ONNX file, ours or not: what it must know is in the file, as `ir.preprocess` says.
    "serve": {"errors", "files", "ir"},
    "train": {
        "quantity",
        "resources",
        "errors",
        "files",
        "ir",
        "serve",
        "backends.torch",
        "backends.features",
    },
    "backends.torch": {"errors", "files", "ir"},
    "backends.onnx": {"errors", "files", "ir", "serve"},
    "backends.drawing": {"errors", "files", "ir"},
    "backends.graphviz": {"quantity", "errors", "files", "ir", "analyses", "backends.drawing"},
    "backends.volumes": {"quantity", "errors", "files", "ir", "analyses", "backends.drawing"},
    "backends.layer_table": {"quantity", "errors", "files", "ir", "analyses", "backends.drawing"},
    "backends.report": {
        "version",
        "quantity",
        "errors",
        "files",
        "ir",
        "analyses",
        "backends.drawing",
        "backends.graphviz",
    },
    "styles": {
        "ir",
        "backends.drawing",
        "backends.graphviz",
        "backends.volumes",
        "backends.layer_table",
    },
    "watch": {"errors", "files", "network", "backends.graphviz", "backends.report"},
    "backends.effective": {
        "errors",
        "files",
        "ir",
        "analyses",
        "backends.drawing",
        "backends.torch",
    },
    "backends.features": {
        "errors",
        "files",
        "ir",
        "analyses",
        "serve",
        "backends.drawing",
        "backends.torch",
        "backends.effective",
    },
}

HEAVY = {
    "torch",
    "onnx",
    "onnxruntime",
    "numpy",
    "rich",
    "graphviz",
    "pygraphviz",
    "PIL",
    "starlette",
    "uvicorn",
    "watchfiles",
    "safetensors",
    "typst",
}
LONGEST = 400


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def part(module: str) -> str:
    """The part of the pipeline that a module of archdsl belongs to: `ir` of `archdsl.ir.graph`."""
    names = module.split(".")[1:] or ["__init__"]
    return ".".join(names[:2]) if names[0] == "backends" else names[0]


def module_of(path: Path) -> str:
    names = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(
        ["archdsl", *(names[:-1] if len(names) > 1 and names[-1] == "__init__" else names)]
    )


def imported(node: ast.AST) -> Iterator[str]:
    """The modules that a statement imports; `from archdsl import x` is archdsl.x."""
    if isinstance(node, ast.Import):
        yield from (a.name for a in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, "imports name the whole module"
        if node.module in ("archdsl", "archdsl.backends"):
            yield from (f"{node.module}.{a.name}" for a in node.names)
        else:
            yield node.module or ""


def at_the_top(path: Path) -> Iterator[ast.AST]:
    """The statements that run when a module is imported, those for type checkers left out."""
    todo: list[ast.AST] = [tree(path)]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
            continue
        todo += ast.iter_child_nodes(node)


# Imports


@each_file
def test_imports_point_one_way(path: Path) -> None:
    """Along the pipeline, inside of functions and for type checkers too."""
    here = part(module_of(path))
    if here == "backends":
        return  # a docstring
    assert here in RANK, f"say in ORDER where `{here}` stands"
    for node in ast.walk(tree(path)):
        for name in imported(node):
            there = part(name) if name.partition(".")[0] == "archdsl" else here
            if there == here or _loads_the_layers(path, node):
                continue
            assert RANK[there] < RANK[here], f"line {getattr(node, 'lineno', 0)} imports {name}"
            assert there in ONLY.get(here, {there}), f"`{here}` may not know `{there}`"


def _loads_the_layers(path: Path, node: ast.AST) -> bool:
    """The one import against the stream: the registry fills itself when it is first asked."""
    if path != ROOT / "ir" / "op.py":
        return False
    (registry_,) = (n for n in tree(path).body if getattr(n, "name", "") == "registry")
    return node in ast.walk(registry_) and list(imported(node)) == ["archdsl.ops"]


@each_file
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    if path.name == "wheel.py":
        return  # a script: it runs in a process of its own, to draw
    for node in at_the_top(path):
        for name in imported(node):
            assert name.partition(".")[0] not in HEAVY, f"{name} at the top of {path.name}"


# Names of layers


# Words that are a layer's and mean something else here.
OTHERWISE = {
    "add": "a sum of costs; set.add",
    "sub": "re.sub",
    "abs": "the magnitude of a number",
    "part": "one of several parts",
    "Part": "one of several parts of a picture",
    "pad": "the spaces before a line; Graphviz's margin around a graph",
    "linear": "a family of layers",
    "attention": "a family of layers",
    "reshape": "a family of layers; a numpy array in another shape",
    "tokens": "the tokens of a text",
    "Shape": "the type of a shape",
    "Identity": "ONNX's operator that gives a tensor a second name",
    "Add": "Python's ast.Add",
    "Sub": "Python's ast.Sub",
}


@cache
def layer_words() -> frozenset[str]:
    """What layers are called: in the language, as classes, in PyTorch and in ONNX."""
    words = set(registry()) | {cls.__name__ for cls in registry().values()}
    for cls in set(registry().values()):
        for sample in cls.samples:
            shapes = " ".join(f"input {'x'.join(map(str, s))}" for s in sample.inputs)
            for node in archdsl.parse(f"{shapes}\n{sample.text}").graph.nodes:
                if isinstance(node.torch, TorchModule):
                    words |= {node.torch.name, node.torch.name.removeprefix("nn.")}
                lowering = node.onnx
                assert isinstance(lowering, OnnxLowering)
                words |= {n.op for n in lowering.nodes}
    return frozenset(words)


def words(path: Path) -> Iterator[tuple[int, str]]:
    """Every name and every text of a file, but for docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(n.body[0].value)
        for n in ast.walk(tree(path))
        if isinstance(n, documented) and n.body and isinstance(n.body[0], ast.Expr)
    }
    for node in ast.walk(tree(path)):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield line, text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield line, name
            case ast.alias(name=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield line, name
            case ast.keyword(arg=str(name)):
                yield line, name
            case _:
                pass


IGNORANT = ("quantity.py", "analyses", "lint", "backends", "cli", "network.py", "pipeline.py")
DOWNSTREAM = [p for p in FILES if p.relative_to(ROOT).parts[0] in IGNORANT]


@pytest.mark.parametrize("path", DOWNSTREAM, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_analysis_no_backend_and_no_command_names_a_layer(path: Path) -> None:
    """Adding a layer is one class: nothing downstream has a table of them."""
    found = [(n, w) for n, w in words(path) if w in layer_words() and w not in OTHERWISE]
    assert not found, f"{path.relative_to(ROOT)} names layers at (line, name)"
    assert not [n for n in ast.walk(tree(path)) for m in imported(n) if m.startswith("archdsl.ops")]


def test_the_words_that_mean_something_else_are_layers_words() -> None:
    """An entry that is not needed any more goes."""
    assert set(OTHERWISE) <= layer_words()
    assert set(OTHERWISE) <= {word for path in DOWNSTREAM for _, word in words(path)}


def test_the_checks_see_a_layer() -> None:
    """What the tests above look for is found where it is."""
    assert {"conv", "Conv", "nn.Conv2d", "Conv2d", "Gemm", "fc", "linear"} <= layer_words()
    assert {"conv", "Conv", "nn.Conv2d"} <= {w for _, w in words(ROOT / "ops" / "conv.py")}


# Size


@each_file
def test_a_file_fits_in_the_head(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{lines} lines: split it"


@each_file
def test_a_file_says_what_it_is_for(path: Path) -> None:
    text = ast.get_docstring(tree(path)) or ""
    assert text.partition("\n")[0].endswith((".", ":", ",", ";")), "its first line is a sentence"
    if path.name not in ("__init__.py", "__main__.py", "version.py", "wheel.py"):
        postponed = "from __future__ import annotations" in path.read_text(encoding="utf-8")
        words = path.parent == ROOT / "ops" or path in (
            ROOT / "ir" / "word.py",
            ROOT / "ir" / "op.py",
        )
        assert postponed != words, "annotations are text but for words' classes: see ir/word.py"


def test_the_public_face_is_small() -> None:
    names = {"ArchError", "Network", "__version__", "load", "parse", "zoo"}
    assert names <= set(archdsl.__all__)
    for name in set(archdsl.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(archdsl, name)), name
