"""What a file does and says beside its network: prepares pictures, rates classes, metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image
from support import check_onnx, random_arrays, run_onnx, session

import archdsl
from archdsl.backends.onnx import ExportOptions
from archdsl.errors import BuildError
from archdsl.ir import preprocess
from archdsl.ir.preprocess import Preprocess

SPEC = "param classes = 7\ninput 3x28x28\nconv 3x3 8 stride=2; relu; gap; fc classes\n"


def export(text: str, folder: Path, **options: Any) -> onnx.ModelProto:
    path = folder / "a.onnx"
    archdsl.parse(text).to_onnx(path, options=ExportOptions(verify=True, **options))
    check_onnx(path)
    return onnx.load(path)


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    return {p.key: p.value for p in model.metadata_props}


# Metadata


def test_what_a_file_says_of_itself(tmp_path: Path) -> None:
    names = tuple(f"kind {i} of ß" for i in range(7))
    model = export(SPEC, tmp_path, classes=names, license="CC BY 4.0")
    found = metadata(model)
    net = archdsl.parse(SPEC)
    assert list(found) == sorted(found)
    assert found["archdsl.version"] == archdsl.__version__
    assert found["archdsl.network"] == net.name
    assert found["archdsl.spec"] == SPEC
    assert found["archdsl.sha256"] == net.graph.origin.sha256
    assert json.loads(found["archdsl.parameters"]) == {"classes": 7}
    assert tuple(json.loads(found["archdsl.classes"])) == names
    assert found["archdsl.license"] == "CC BY 4.0"
    assert session(tmp_path / "a.onnx").get_modelmeta().custom_metadata_map == found


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    found = metadata(export("input 5; fc 3", tmp_path))
    assert not {"archdsl.classes", "archdsl.license", "archdsl.preprocess"} & set(found)


def test_the_wrong_number_of_names(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="names of classes are 2, and the output has 7"):
        export(SPEC, tmp_path, classes=("a", "b"))
    assert not list(tmp_path.iterdir())


def said(text: str) -> dict[str, Any] | None:
    how = preprocess.of(archdsl.parse(text).graph)
    return how and how.model_dump(mode="json")


IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "input 3x224x224\ngap; fc 5",
            {"size": [224, 224], "resize": 256, "crop": [224, 224], **IMAGENET},
        ),
        ("input 3x227x227\ngap; fc 5", {"resize": 259, "crop": [227, 227], "channels": "RGB"}),
        ("input 3x96x128\ngap; fc 5", {"size": [96, 128], "resize": 110, "crop": [96, 128]}),
        ("input 1x28x28\ngap; fc 5", {"channels": "L", "mean": [0.0], "std": [1.0], "resize": 32}),
        (
            'input 3x64x64\ngap; fc 5\ntrain { data imagefolder "x" size=80; normalize imagenet }',
            {"resize": 80, **IMAGENET},
        ),
        (
            "input 3x64x64\ngap; fc 5\ntrain { eval center_crop 64 resize=72\n"
            "normalize values [0.5, 0.4, 0.3] [0.2, 0.2, 0.1] }",
            {"resize": 72, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.1]},
        ),
        (
            "input 3x64x64\ngap; fc 5\ntrain { epochs 5 }",
            {"resize": None, "mean": [0.0] * 3, "std": [1.0] * 3},
        ),
    ],
)
def test_how_pictures_are_prepared(text: str, expected: dict[str, Any]) -> None:
    found = said(text)
    assert found is not None
    assert {key: found[key] for key in expected} == expected
    assert found["scale"] == 0.00392156862745098
    assert (found["layout"], found["interpolation"]) == ("NCHW", "bilinear")


@pytest.mark.parametrize(
    "text",
    [
        "input 5; fc 3",
        "input 48x19x19; gap; fc 3",
        "input a 3x8x8\nx: gap\ninput b 3x8x8\nadd { gap | @x }",
        "input 3x8x8\ngap; fc 3\ntrain { normalize data }",
    ],
)
def test_what_takes_no_pictures_or_hides_how(text: str) -> None:
    assert said(text) is None


# Pictures as they are


def picture(rows: int, columns: int, depth: int = 3) -> np.ndarray[Any, Any]:
    """Smooth, with a little noise: 8 bits of a resized photograph hide no shift of half a pixel."""
    r, c = np.arange(rows)[:, None, None], np.arange(columns)[None, :, None]
    k = np.arange(depth)
    values = 120 + 60 * np.sin(r / 9 + k) + 50 * np.cos(c / 13 - k)
    noise = np.random.default_rng(0).normal(0, 4, values.shape)
    return np.clip(values + noise, 0, 255).astype(np.uint8)


def by_pillow(image: np.ndarray[Any, Any], how: Preprocess) -> np.ndarray[Any, Any]:
    """As torchvision's Resize and CenterCrop reckon it, with Pillow's own resize."""
    whole = Image.fromarray(image.squeeze())
    short = min(whole.size)
    resize = how.resize if isinstance(how.resize, int) else 1
    sides = [int(resize * n / short) for n in whole.size]
    resized = whole.resize((sides[0], sides[1]), Image.Resampling.BILINEAR)
    top = round((resized.height - how.size[0]) / 2.0)
    left = round((resized.width - how.size[1]) / 2.0)
    box = (left, top, left + how.size[1], top + how.size[0])
    values = np.asarray(resized.crop(box), np.float32).reshape(*how.size, -1) / 255
    return ((values - how.mean) / how.std).transpose(2, 0, 1)


def only_prepared(how: Preprocess, folder: Path) -> Path:
    """A file that does nothing but prepare pictures."""
    from archdsl.backends.onnx.translate import translate

    shape = "x".join(map(str, (len(how.channels), *how.size)))
    graph = archdsl.parse(f"input {shape}\nidentity").graph
    model = translate(graph, ExportOptions(preprocess=True), None, how).model
    path = folder / "prepared.onnx"
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)
    return path


@pytest.mark.parametrize(
    ("rows", "columns"), [(300, 400), (401, 299), (64, 64), (50, 333), (72, 72), (1000, 73)]
)
@pytest.mark.parametrize("resize", [72, 64])
def test_pictures_are_prepared_as_pillow_does(
    rows: int, columns: int, resize: int, tmp_path: Path
) -> None:
    """But for its rounding to 8 bits on the way, twice: rows, then columns."""
    mean, std = tuple(IMAGENET["mean"]), tuple(IMAGENET["std"])
    how = Preprocess(size=(64, 64), resize=resize, mean=mean, std=std)
    image = picture(rows, columns)
    path = only_prepared(how, tmp_path)
    found = session(path).run(None, {"input": image[None]})[0]
    expected = by_pillow(image, how)
    assert found.shape == (1, 3, 64, 64) and found.dtype == np.float32
    apart = np.abs(found[0] - expected) * np.array(std)[:, None, None] * 255
    assert apart.max() < 1.1


@pytest.mark.parametrize(("rows", "columns"), [(10, 300), (300, 10), (1, 1), (63, 65)])
def test_small_and_thin_pictures_cover_the_crop(rows: int, columns: int, tmp_path: Path) -> None:
    how = Preprocess(size=(64, 48), mean=(0.0,) * 3, std=(1.0,) * 3)
    path = only_prepared(how, tmp_path)
    found = session(path).run(None, {"input": picture(rows, columns)[None]})[0]
    assert found.shape == (1, 3, 64, 48)
    assert found.min() >= 0 and found.max() <= 1


def test_a_model_that_takes_pictures(tmp_path: Path) -> None:
    model = export(SPEC, tmp_path, preprocess=True)
    (given,) = model.graph.input
    tensor = given.type.tensor_type
    assert tensor.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_value or d.dim_param for d in tensor.shape.dim] == ["batch", "rows", "columns", 3]
    assert json.loads(metadata(model)["archdsl.preprocess"])["in_graph"] is True
    net = archdsl.parse(SPEC)
    plain = tmp_path / "plain.onnx"
    net.to_onnx(plain)
    how = preprocess.of(net.graph)
    assert how is not None
    image = picture(60, 90)
    (scores,) = run_onnx(plain, [by_pillow(image, how)[None].astype(np.float32)])
    (ours,) = session(tmp_path / "a.onnx").run(None, {"input": np.stack([image, image])})
    assert ours.shape == (2, 7)
    np.testing.assert_allclose(ours[0], scores[0], atol=2e-3)


def test_grey_pictures(tmp_path: Path) -> None:
    export("input 1x28x28\nconv 3x3 4 stride=2; relu; gap; fc 10", tmp_path, preprocess=True)
    (found,) = session(tmp_path / "a.onnx").run(None, {"input": picture(40, 50, 1)[None]})
    assert found.shape == (1, 10)


# Scores


def test_probabilities_and_the_likeliest(tmp_path: Path) -> None:
    model = export(SPEC, tmp_path, probabilities=True, top=3)
    assert [o.name for o in model.graph.output] == [
        *("out", "probabilities", "top_values", "top_indices"),
    ]
    arrays = random_arrays(((3, 28, 28),), 4)
    out, shares, values, indices = run_onnx(tmp_path / "a.onnx", arrays)
    exponentials = np.exp(out.astype(np.float64))
    expected = exponentials / exponentials.sum(1, keepdims=True)
    np.testing.assert_allclose(shares, expected, rtol=1e-5)
    order = np.argsort(-expected, axis=1)[:, :3]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(values, np.take_along_axis(expected, order, 1), rtol=1e-5)


def test_the_largest_scores_alone(tmp_path: Path) -> None:
    export(SPEC, tmp_path, top=7, fold=True)
    out, values, indices = run_onnx(tmp_path / "a.onnx", random_arrays(((3, 28, 28),), 2))
    np.testing.assert_array_equal(values, -np.sort(-out, axis=1))
    np.testing.assert_array_equal(np.take_along_axis(out, indices, 1), values)


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("input 5; fc 3", {"preprocess": True}, "what comes in is not one picture"),
        ("input 3x8x8; conv 3x3", {"probabilities": True}, "the network gives 3x8x8"),
        ("input 3x8x8; conv 3x3", {"top": 2}, "the network gives 3x8x8"),
        ("input 5; fc 3; softmax", {"probabilities": True}, "between 0 and 1 already"),
        ("input 5; fc 3", {"top": 4}, "there are 3 classes"),
        ("input 3x8x8; gap", {"preprocess": True, "dynamic_size": True}, "brought to one size"),
        ("input 5; output top_values { fc 2 }; fc 3", {"top": 1}, "of its own called `top_values`"),
        ("input 3x8x8; gap", {"preprocess": True, "opset": 17}, "--opset 18"),
    ],
)
def test_what_does_not_fit(text: str, options: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=why):
        export(text, tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_a_layer_may_be_called_like_a_stage(tmp_path: Path) -> None:
    text = "input 3x8x8\npreprocess: conv 3x3 4; probabilities: relu; gap; top_values: fc 3"
    export(text, tmp_path, preprocess=True, probabilities=True, top=2, fold=True)
