"""8-bit integers: a network trained on scikit-learn's digits, before and after."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from command import Cli
from PIL import Image
from sklearn.datasets import load_digits

import archdsl
from archdsl.backends.onnx import ExportOptions
from archdsl.backends.onnx.session import run, session
from archdsl.serve.quantize import quantize

SPEC = """
    input 1x8x8
    conv 3x3 16; bn; relu
    conv 3x3 32 stride=2; bn; relu
    conv 3x3 32; bn; relu
    gap; fc 10
"""
NAMES = [f"digit {n}" for n in range(10)]


Trained = tuple[archdsl.Network, torch.nn.Module, np.ndarray[Any, Any], np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def trained() -> Trained:
    """A network, its module, and pictures that it was not trained on with their classes."""
    images, labels = load_digits(return_X_y=True)
    pixels = np.round(images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    net = archdsl.parse(SPEC, file="digits.arch")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = net.to_torch(seed=0).train()
    x = torch.from_numpy(pixels[:1200]).float()[:, None] / 255
    y = torch.from_numpy(labels[:1200])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(12):
        for part in torch.randperm(1200).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
    return net, model.eval(), pixels[1200:], labels[1200:]


@pytest.fixture(scope="module")
def digits(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A trained model, and a folder of pictures that it was not trained on, by class."""
    net, model, pixels, labels = trained
    folder = tmp_path_factory.mktemp("digits")
    path = folder / "digits.onnx"
    net.to_onnx(path, weights=model)
    proto = onnx.load(path)
    how = {"size": [8, 8], "resize": 8, "crop": 8, "interpolation": "nearest", "channels": "L"}
    how |= {"scale": 1 / 255, "mean": [0.0], "std": [1.0], "layout": "NCHW"}
    facts = {"archdsl.preprocess": json.dumps(how), "archdsl.classes": json.dumps(NAMES)}
    onnx.helper.set_model_props(proto, facts)
    onnx.save(proto, path)
    for n, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        home = folder / "pictures" / NAMES[label]
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(home / f"{n}.png")
    return path, folder / "pictures"


def test_a_model_whose_weights_lie_beside_it(
    cli: Cli, digits: tuple[Path, Path], tmp_path: Path
) -> None:
    """As those are that `export` writes of more than 32 MiB."""
    path, pictures = digits
    model = tmp_path / "beside.onnx"
    apart = {"save_as_external_data": True, "location": "beside.data", "size_threshold": 0}
    onnx.save(onnx.load(path), model, **apart)
    assert (tmp_path / "beside.data").is_file()
    assert cli("quantize", model, "--data", pictures, "-o", tmp_path / "small.onnx").status == 0
    assert cli("quantize", path, "--data", pictures, "-o", tmp_path / "other.onnx").status == 0
    assert (tmp_path / "small.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("functions", [False, True])
def test_folding_and_16_bits_keep_the_answers(
    trained: Trained, precision: Any, functions: bool, tmp_path: Path
) -> None:
    """With the running statistics of a training, which are not 0 and 1."""
    net, model, pixels, labels = trained
    variances = [v for k, v in model.state_dict().items() if k.endswith("running_var")]
    assert len(variances) == 3 and all((v - 1).abs().max() > 0.2 for v in variances)
    x = torch.from_numpy(pixels).float()[:, None] / 255
    with torch.no_grad():
        before = model(x).argmax(1).numpy()
    options = ExportOptions(fold=True, precision=precision, functions=functions, verify=True)
    path = tmp_path / "a.onnx"
    net.to_onnx(path, model, options=options)
    assert all(n.op_type != "BatchNormalization" for n in onnx.load(path).graph.node)
    runner, _ = session(path, precision=precision)
    after = run(runner, ["out"], {"input": x.numpy()})["out"].argmax(1)
    accuracy = float((before == labels).mean())
    assert accuracy > 0.85
    if precision == "float32":
        np.testing.assert_array_equal(after, before)
    least = {"float32": 1, "float16": 0.998, "bfloat16": 0.98}[precision]
    assert (after == before).mean() >= least
    assert abs((after == labels).mean() - accuracy) <= 0.01


def test_a_folded_model_in_8_bits(
    trained: Trained, digits: tuple[Path, Path], tmp_path: Path
) -> None:
    net, model, _, _ = trained
    whole, pictures = digits
    path, output = tmp_path / "a.onnx", tmp_path / "small.onnx"
    net.to_onnx(path, model, options=ExportOptions(fold=True, verify=True))
    proto = onnx.load(path)
    facts = {p.key: p.value for p in onnx.load(whole).metadata_props}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, facts)
    onnx.save(proto, path)
    found = quantize(path, output, sorted(pictures.rglob("*.png")), calibrate=100)
    assert found.agreement > 0.97 and found.accuracy is not None
    assert found.accuracy[0] > 0.85 and abs(found.accuracy[1] - found.accuracy[0]) < 0.02


def test_static(digits: tuple[Path, Path], tmp_path: Path) -> None:
    model, pictures = digits
    output = tmp_path / "small.onnx"
    found = quantize(model, output, sorted(pictures.rglob("*.png")), calibrate=100)
    assert (found.calibrated, found.tested) == (100, 497)
    assert found.agreement > 0.97
    assert found.accuracy is not None
    before, after = found.accuracy
    assert before > 0.85
    assert abs(after - before) < 0.02
    names = {node.op_type for node in onnx.load(output).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= names
    assert archdsl.Session(output).classes == tuple(NAMES)


def test_what_changes_too_much_is_not_written(digits: tuple[Path, Path], tmp_path: Path) -> None:
    model, pictures = digits
    output = tmp_path / "small.onnx"
    output.write_bytes(b"before")
    with pytest.raises(archdsl.ArchError, match=r"(?s)A908.*of the answers stay the same") as error:
        quantize(model, output, sorted(pictures.rglob("*.png")), calibrate=1, minimum=1.0)
    assert output.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [output]
    assert "100% were asked for" in str(error.value)


def test_too_few_pictures(digits: tuple[Path, Path], tmp_path: Path) -> None:
    model, pictures = digits
    one = sorted(pictures.rglob("*.png"))[:1]
    with pytest.raises(archdsl.ArchError, match="too few"):
        quantize(model, tmp_path / "small.onnx", one)


def test_the_command(cli: Cli, digits: tuple[Path, Path], tmp_path: Path) -> None:
    model, pictures = digits
    output = tmp_path / "small.onnx"
    some = [word for n in (1, 2) for word in ("--data", pictures / NAMES[n])]
    result = cli("quantize", model, *some, "-o", output, "--calibrate", 50)
    assert result.status == 0, result.err
    words = [line.split()[0] for line in result.out.splitlines()]
    assert words == ["wrote", "pictures", "agreement", "accuracy", "size", "latency"]
    assert re.search(r"50 to calibrate, \d+ others to test", result.out)
    words = ("-o", output, "--mode", "dynamic", "--json")
    data = json.loads(cli("quantize", model, *some, *words).out)
    assert data["agreement"] > 0.99
    assert data["latency"]["before"] > 0


@pytest.mark.parametrize("damage", [b"", b"no model"])
def test_a_model_that_is_none(cli: Cli, tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(damage)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    result = cli("quantize", path, "--data", tmp_path)
    assert result.status == 1
    assert "A901" in result.err
    assert not (tmp_path / "bad.int8.onnx").exists()
