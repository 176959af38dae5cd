"""Every artefact of a few networks as reviewed text in tests/golden (`make golden`)."""

from __future__ import annotations

import ast
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from dump import dump
from goldens import FOLDER, check_golden

import archdsl
from archdsl.backends import graphviz
from archdsl.files import read_source
from archdsl.ir.graph import Graph, json_schema
from archdsl.network import Network
from archdsl.pipeline import zoo_names
from archdsl.resources import folder
from archdsl.syntax import parse

OWN = FOLDER / "specs"
NAMES = ["lenet", "tiny", "simple_cnn", "residual"]
MODULES = [*NAMES, "alexnet", "vgg16_bn", "resnet50", "googlenet", "vit_base_patch16_224"]

each = pytest.mark.parametrize("name", NAMES)


def spec(name: str) -> Path:
    own = OWN / f"{name}.arch"
    return own if own.exists() else folder("specs") / f"{name}.arch"


@cache
def net(name: str) -> Network:
    return archdsl.load(spec(name)) if spec(name).exists() else archdsl.zoo(name)


@each
def test_golden_ast(name: str) -> None:
    check_golden(f"ast/{name}.txt", dump(parse(read_source(spec(name)))))


@each
def test_golden_ir(name: str) -> None:
    check_golden(f"ir/{name}.json", a_line_each(json.loads(net(name).graph.to_json())))


@each
def test_golden_ir_is_read_back(name: str) -> None:
    text = (FOLDER / "ir" / f"{name}.json").read_text(encoding="utf-8")
    assert Graph.from_json(text) == net(name).graph


def a_line_each(data: dict[str, Any]) -> str:
    """JSON with a line for each node and each scope."""

    def value(found: Any) -> str:
        if isinstance(found, list):
            return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in found) + "\n ]"
        return json.dumps(found)

    return "{\n" + ",\n".join(f' "{key}": {value(found)}' for key, found in data.items()) + "\n}\n"


@pytest.mark.parametrize("name", MODULES)
def test_golden_pytorch(name: str) -> None:
    check_golden(f"pytorch/{name}.py", net(name).torch_source())


@pytest.mark.parametrize("name", MODULES)
def test_golden_pytorch_runs(name: str) -> None:
    """The reviewed file itself, not what is generated now."""
    path = FOLDER / "pytorch" / f"{name}.py"
    found = importlib.util.spec_from_file_location(f"golden_{name}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    graph = net(name).graph
    cls = next(c for c in vars(module).values() if f"The network `{name}`" in (c.__doc__ or ""))
    with torch.device("meta"):
        built = cls().eval()
        output = built(*(torch.empty(2, *i.shape) for i in graph.inputs))
    assert tuple(output.shape) == (2, *graph.main.shape)
    assert list(built.state_dict()) == list(graph.state())


@pytest.mark.parametrize("name", ["lenet", "simple_cnn", "residual"])  # tiny: test_graphviz.py
def test_golden_dot(name: str) -> None:
    check_golden(f"dot/{name}.gv", graphviz.dot(net(name).graph))


@each
def test_golden_onnx(name: str, tmp_path: Path) -> None:
    """As onnx prints it, of the weights their types alone."""
    import onnx

    path = tmp_path / "x.onnx"
    net(name).to_onnx(path)
    model = onnx.load(path, load_external_data=False)
    weights = set(net(name).graph.state())
    kept = [t for t in model.graph.initializer if t.name not in weights]
    types = [
        f"{onnx.TensorProto.DataType.Name(t.data_type).lower()}{list(t.dims)} {t.name}\n"
        for t in model.graph.initializer
        if t.name in weights
    ]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    check_golden(f"onnx/{name}.txt", "".join(types) + "\n" + onnx.printer.to_text(model))


# The schema of the IR


def test_golden_schema_of_the_ir() -> None:
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    check_golden(str(Path("..", "..", "grammar", "ir.schema.json")), text)


@pytest.fixture(scope="module")
def validator() -> Any:
    text = (folder("grammar") / "ir.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


FAMILIES = sorted({path: name for name, path in reversed(zoo_names().items())}.values())


@pytest.mark.parametrize("name", ["residual", *FAMILIES])
def test_the_ir_of_the_zoo_is_valid(validator: Any, name: str) -> None:
    validator.validate(json.loads(net(name).graph.to_json()))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"nodes": [{"op": {"layer": "convolution"}}]},
        {"nodes": [{"op": {"kernel": "3x3"}}]},
        {"nodes": [{"op": {"kernels": [3, 3]}}]},
        {"nodes": [{"shape": "6x28x28"}]},
        {"nodes": [{"path": None}]},
        {"scopes": [{"kind": "module"}]},
        # what would be code in the generated file
        {"name": 'x"""\nimport os'},
        {"nodes": [{"path": "conv1 = os"}]},
        {"nodes": [{"path": 'a"]; x["b'}]},
        {"nodes": [{"path": "conv1\nimport os"}]},
        {"nodes": [{"init": {"{os}": {"name": "zeros"}}}]},
        {"scopes": [{"definition": "b()"}]},
        {"scopes": [{"arguments": {"a=os": 1}}]},
        {"inputs": [{"name": "x: os"}]},
        {"origin": {"sha256": '"""'}},
        {"origin": {"archdsl": '0.1 """'}},
        {"comment": "x"},
    ],
    ids=str,
)
def test_other_json_is_not_valid(validator: Any, change: dict[str, Any]) -> None:
    """The schema refuses what reading refuses."""
    changed = _merged(json.loads(net("lenet").graph.to_json()), change)
    assert not validator.is_valid(changed)
    with pytest.raises(ValueError):
        Graph.from_json(json.dumps(changed))


def _merged(data: Any, change: Any) -> Any:
    """The data with a change laid over it: by key, in a list from its beginning."""
    if isinstance(change, dict) and isinstance(data, dict):
        return data | {key: _merged(data.get(key), value) for key, value in change.items()}
    if isinstance(change, list) and isinstance(data, list):
        return [*map(_merged, data, change), *data[len(change) :]]
    return change


def test_make_golden_finds_every_test_of_a_golden_file() -> None:
    """It picks them by a name with "golden" in it, the file's or their own."""
    missed: list[str] = []
    for path in sorted(Path(__file__).parent.rglob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                calls = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
                if "check_golden" in calls and "golden" not in path.stem + function.name:
                    missed.append(f"{path.name}::{function.name}")
    assert not missed
