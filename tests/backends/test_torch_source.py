"""The file that the PyTorch backend writes: code that a good engineer would sign."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from odd_specs import BLOCKS, LEVELS, NAMES, ODD
from strategies import examples, networks

import archdsl
from archdsl.network import Network
from archdsl.pipeline import zoo_names

ZOO = sorted(zoo_names())


@cache
def net(name: str) -> Network:
    if name in ODD:
        return archdsl.parse(ODD[name], file=f"{name}.arch")
    return archdsl.zoo(name)


@cache
def source(name: str) -> str:
    return net(name).torch_source()


def tree(name: str) -> ast.Module:
    return ast.parse(source(name))


def classes(name: str) -> dict[str, ast.ClassDef]:
    """The classes of a file that come from the spec, by name."""
    found = [n for n in tree(name).body if isinstance(n, ast.ClassDef)]
    return {c.name: c for c in found if "The block" in (ast.get_docstring(c) or "")}


def arguments(name: str, cls: str) -> str:
    """The constructor's parameters as they stand."""
    (init,) = (n for n in classes(name)[cls].body if getattr(n, "name", "") == "__init__")
    assert isinstance(init, ast.FunctionDef)
    return ast.unparse(init.args).removeprefix("self").removeprefix(", ")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for every odd spec and every network of the zoo."""
    path = tmp_path_factory.mktemp("generated")
    for name in [*ODD, *ZOO]:
        (path / f"{name}.py").write_text(source(name))
    return path


# By itself


@pytest.mark.parametrize("name", [*ODD, *ZOO])
def test_it_imports_torch_alone(name: str) -> None:
    lines = [
        ast.unparse(n) for n in ast.walk(tree(name)) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    known = {"from collections import OrderedDict", "import torch", "from torch import Tensor, nn"}
    assert set(lines) <= known
    assert not re.search(r"\b(exec|eval|compile|open|__import__)\(", source(name))


RUN = """
import sys, importlib.util
from pathlib import Path
import torch

sys.modules["archdsl"] = None  # whoever imports it fails
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    expected = torch.load(path.with_suffix(".pt"))
    torch.manual_seed(3)
    network = getattr(module, expected["class"])().eval()
    state = network.state_dict()
    assert list(state) == list(expected["state"]), path
    for key, tensor in state.items():
        assert torch.equal(tensor, expected["state"][key]), (path, key)
    with torch.no_grad():
        output = network(*expected["inputs"])
    output = output if isinstance(output, dict) else {"out": output}
    for key, tensor in output.items():
        torch.testing.assert_close(tensor, expected["outputs"][key], equal_nan=True)
    print(path.stem)
"""


def test_it_stands_by_itself_and_is_what_to_torch_builds(tmp_path: Path) -> None:
    """In a process that cannot import archdsl: the same weights from the seed, the same outputs."""
    names = [*NAMES, *LEVELS, *BLOCKS, "heads", "lenet", "tiny", "simple_cnn"]
    generator = torch.Generator().manual_seed(0)
    for name in names:
        (tmp_path / f"{name}.py").write_text(source(name))
        module = net(name).to_torch(seed=3).eval()
        given = [torch.randn(2, *i.shape, generator=generator) for i in net(name).graph.inputs]
        with torch.no_grad():
            output = module(*given)
        facts = {
            "class": type(module).__name__,
            "state": module.state_dict(),
            "inputs": given,
            "outputs": output if isinstance(output, dict) else {"out": output},
        }
        torch.save(facts, tmp_path / f"{name}.pt")
    script = tmp_path / "run.txt"
    script.write_text(RUN)
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(names)


def test_it_says_what_made_it() -> None:
    text = source("lenet")
    graph = net("lenet").graph
    assert text.startswith(f'"""lenet: compiled by archdsl {archdsl.__version__} from lenet.arch.')
    assert graph.origin.sha256 in text
    assert "N x 1 x 32 x 32" in text
    assert "61,706 parameters" in text


@pytest.mark.parametrize(
    "file", ['a"b.arch', 'a"""b.arch', "a\\b.arch", "a\nb.arch", "é.arch", "a\udc80b.arch", "\\"]
)
def test_no_file_name_breaks_it(file: str) -> None:
    text = archdsl.parse("input 3x8x8; gap", file=file).torch_source()
    (docstring, *rest) = ast.parse(text).body
    assert isinstance(docstring, ast.Expr)
    assert ast.dump(ast.Module(rest, [])) == ast.dump(
        ast.Module(
            ast.parse(archdsl.parse("input 3x8x8; gap", file=file).torch_source()).body[1:], []
        )
    )
    text.encode("utf-8")


# Form


def ruff(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ruff")), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_ruff_has_nothing_to_change(folder: Path) -> None:
    done = ruff("format", "--isolated", "--diff", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    done = ruff("check", "--isolated", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr


@examples(40)
@given(networks())
def test_ruff_leaves_any_network_as_it_is(text: str) -> None:
    made = archdsl.parse(text).torch_source()
    assert ruff("format", "--isolated", "-", text=made).stdout == made


def test_pyright_finds_no_error(tmp_path: Path) -> None:
    names = [*NAMES, *LEVELS, *BLOCKS, "heads", "lenet", "alexnet", "vgg16_bn", "simple_cnn"]
    for name in names:
        if name != "deep":  # pyright takes minutes over nested OrderedDicts
            (tmp_path / f"{name}.py").write_text(source(name))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "0 errors" not in done.stdout and "error:" not in done.stdout:
        pytest.skip(f"pyright cannot run here: {(done.stderr or done.stdout)[-200:]}")
    assert done.returncode == 0, done.stdout


# Classes


def test_a_helper_is_there_once() -> None:
    text = archdsl.parse(
        "block a { conv 3x3; gap }\nblock b { gap; fc 3 }\n"
        "input 3x8x8\nconcat { a | b | gap }; fc 3"
    ).torch_source()
    assert text.count("class GlobalAvgPool") == 1


RESNET = """
block bottleneck width stride=1 {
  default conv bias=false
  residual {
    conv 1x1 width;               bn; relu
    conv 3x3 width stride=stride; bn; relu
    conv 1x1 4*width;             bn
  | downsample: { conv 1x1 4*width stride=stride; bn }
  }
  relu
}
block resnet unit depths classes=1000 {
  input 3x224x224
  conv 7x7 64 stride=2 bias=false; bn; relu
  maxpool 3x3 stride=2 pad=1
  layer1: { unit  64 x(depths[0]) }
  layer2: { unit 128 stride=2; unit 128 x(depths[1] - 1) }
  layer3: { unit 256 stride=2; unit 256 x(depths[2] - 1) }
  layer4: { unit 512 stride=2; unit 512 x(depths[3] - 1) }
  gap
  fc: fc classes
}
network resnet50 = resnet bottleneck [3, 4, 6, 3]
network resnet152 = resnet bottleneck [3, 8, 36, 3]
"""


def test_resnet152_is_as_long_as_resnet50() -> None:
    small, large = (
        archdsl.parse(RESNET, name).torch_source().splitlines()
        for name in ("resnet50", "resnet152")
    )
    assert len(small) == len(large) <= 120


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("argument_keyword", {"B": "in_channels: int, lambda_: int, def_: int, class_: int"}),
        ("argument_self", {"B": "in_channels: int, self_: int, nn_: int"}),
        ("inside", {"A": "in_channels: int, w: int", "B": "in_channels: int, w: int"}),
        ("started", {"B": "in_channels: int, w: int"}),
        ("derived", {"B": "w: int, out: int"}),
        ("kinds", {"B2": "in_channels: int, p: float, w: int, bias: bool"}),
    ],
)
def test_a_class_takes_the_arguments_of_its_block(name: str, expected: dict[str, str]) -> None:
    for cls, formals in expected.items():
        assert arguments(name, cls).startswith(formals)


def test_arguments_have_the_blocks_defaults() -> None:
    text = "block b w stride=1 p=0.5 { conv 3x3 w stride=stride; dropout p }\n"
    text += "input 3x8x8; b 4; b 4 stride=2; b 8 p=0.1"
    made = archdsl.parse(text).torch_source()
    assert (
        "def __init__(\n        self, in_channels: int, w: int, stride: int = 1, p: float = 0.5\n"
        in made
    )
    for call in ("B(3, 4)", "B(4, 4, stride=2)", "B(4, 8, p=0.1)"):
        assert f" = {call}\n" in made


def test_calls_that_do_not_differ_make_a_class_without_arguments() -> None:
    made = archdsl.parse("block b w { conv 3x3 w; relu }\ninput 4x8x8; b 4; b 4").torch_source()
    assert "nn.Conv2d(4, 4, 3, padding=1)" in made
    assert made.count("B()") == 2


def test_blocks_of_different_structure_are_different_classes() -> None:
    found = classes("acts")
    assert len(found) == 3
    assert {tuple(c.name for c in found.values())} == {("BRelu1", "BTanh1", "BLeakyRelu1")}


def test_every_class_has_a_name_of_its_own() -> None:
    for name in ODD:
        found = [n.name for n in tree(name).body if isinstance(n, ast.ClassDef)]
        assert len(set(found)) == len(found), name
        assert not set(found) & {"Tensor", "OrderedDict", "nn", "torch"}


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef) and inner.name == "forward":
            yield from inner.body


def test_forward_is_straight_line() -> None:
    """Assignments and a return; an `if` only for a module that may be missing, or in training.

    But for the chain of a block's modules, which is a loop.
    """
    loop = "for layer in self.children():\n    x = layer(x)"
    allowed = r"self\.\w+ is not None|(not )?self\.training"
    for name in [*ODD, *ZOO]:
        for statement in statements(tree(name)):
            if isinstance(statement, ast.If):
                test = ast.unparse(statement.test)
                assert re.fullmatch(allowed, test), (name, test)
            elif isinstance(statement, ast.For):
                assert ast.unparse(statement) == loop, name
            else:
                assert isinstance(statement, ast.Assign | ast.Return | ast.Expr), name
