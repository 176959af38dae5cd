"""Sessions: known answers, however the pictures are prepared and grouped."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from classifiers import (
    MEAN,
    OLIVE,
    RED,
    mean_colour,
    node,
    photo,
    preprocess,
    refused,
    save,
    seeing,
    softmax,
)
from onnx import TensorProto
from PIL import Image

import archdsl
from archdsl.errors import ModelError
from archdsl.serve import Label, Prediction, Predictions


@pytest.fixture
def colours(tmp_path: Path) -> archdsl.Session:
    return archdsl.Session(mean_colour(tmp_path / "m.onnx"))


def test_known_answers(colours: archdsl.Session) -> None:
    """The logits are 10 times the mean of each channel."""
    found = colours([RED, OLIVE])
    assert isinstance(found, Predictions)
    assert found.logits is not None
    np.testing.assert_allclose(found.logits, [[10, 0, 0], [8, 6, 0]], atol=1e-5)
    wanted = softmax(np.array([[10, 0, 0], [8, 6, 0]]))
    np.testing.assert_allclose(found.probabilities, wanted, rtol=1e-5)
    first, second = found[1].top(2)
    assert (first.index, first.name, second.name) == (0, "red", "green")
    assert first.probability == pytest.approx(np.exp(8) / (np.exp(8) + np.exp(6) + 1))
    assert [len(row) for row in found.top(9)] == [3, 3]
    assert len(found[:1]) == 1
    assert colours.device in ("cpu", "cuda")


def test_of_equals_the_first_class_is_first() -> None:
    found = Prediction(np.array([0.1, 0.3, 0.3, 0.3], np.float32), None, None)
    assert [label.index for label in found.top(3)] == [1, 2, 3]
    assert found.top(1) == [Label(1, None, pytest.approx(0.3))]
    assert found.top(0) == []


def test_a_path_an_image_and_an_array_are_the_same(
    colours: archdsl.Session, tmp_path: Path
) -> None:
    image = photo()
    image.save(tmp_path / "x.png")
    path = tmp_path / "x.png"
    found = colours([path, str(path), image, np.asarray(image)]).probabilities
    assert (found == found[0]).all()
    for single in (path, str(path), image, np.asarray(image)):
        (alone,) = colours(single)
        np.testing.assert_allclose(alone.probabilities, found[0], rtol=1e-6)
    assert len(colours(np.stack([np.asarray(image)] * 3))) == 3
    assert len(colours([])) == 0
    assert colours([]).logits is None


def test_metadata_say_how_pictures_are_prepared(tmp_path: Path) -> None:
    """The model sees every pixel; what it should have seen is computed with Pillow alone."""
    how = preprocess(
        16, resize=20, interpolation="bicubic", mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4]
    )
    session = archdsl.Session(seeing(tmp_path / "m.onnx", 16, preprocess=how))
    image = photo(60, 40)
    small = np.asarray(image.resize((30, 20), Image.Resampling.BICUBIC)) / 255
    seen = (small[2:18, 7:23] - how["mean"]) / how["std"]
    weight = np.random.default_rng(0).normal(0, 0.3, (3 * 16 * 16, 5))
    wanted = seen.transpose(2, 0, 1).reshape(1, -1) @ weight
    found = session(image)
    assert found.logits is not None
    np.testing.assert_allclose(found.logits, wanted, rtol=1e-3, atol=1e-3)


def test_without_metadata_it_is_imagenet(tmp_path: Path) -> None:
    session = archdsl.Session(seeing(tmp_path / "m.onnx", 28))
    how = session.preprocess
    assert (how.size, how.resize, how.interpolation) == ((28, 28), 32, "bilinear")
    assert (how.mean, how.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert session.classes is None
    assert session(RED)[0].top(1)[0].name is None


def test_the_caller_is_above_the_file(tmp_path: Path) -> None:
    path = mean_colour(tmp_path / "m.onnx", preprocess=preprocess(8, resize=10))
    how = archdsl.Session(path, mean=[0.5], std=(1, 2, 4), resize=9).preprocess
    assert (how.mean, how.std, how.resize) == ((0.5, 0.5, 0.5), (1, 2, 4), 9)
    assert "must have 3 values" in refused("A904", path, mean=[])
    assert archdsl.Session(path, std=np.ones(3, np.float32)).preprocess.std == (1, 1, 1)  # pyright: ignore[reportArgumentType]
    nodes = [*MEAN, node("Identity", ["flat"], "out")]
    path = save(
        tmp_path / "any.onnx", nodes, ["N", 3, "H", "W"], preprocess=preprocess(8, resize=10)
    )
    how = archdsl.Session(path, size=16).preprocess
    assert (how.size, how.resize) == ((16, 16), 20), "as much is cut off as before"
    assert archdsl.Session(path, size=(16, 24)).preprocess.window == (16, 24)


def test_grey(tmp_path: Path) -> None:
    nodes = [*MEAN, node("Concat", ["flat", "flat"], "out", axis=1)]
    path = save(tmp_path / "m.onnx", nodes, ["N", 1, 8, 8], 2)
    assert "1 channel" in refused("A904", path)
    found = archdsl.Session(path, mean=[0], std=[0.5])(Image.new("L", (9, 9), 51)).logits
    assert found is not None
    np.testing.assert_allclose(found, [[0.4, 0.4]], rtol=1e-6)


def test_what_we_write_is_read(tmp_path: Path) -> None:
    """A network of the zoo's kind, against PyTorch."""
    import torch

    net = archdsl.parse("input 3x16x16\nconv 3x3 8; bn; relu; gap; fc 4; softmax")
    model = net.to_torch(seed=0).eval()
    net.to_onnx(tmp_path / "net.onnx", weights=model)
    image = photo(16, 16)
    x = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None].float() / 255
    x = (x - torch.tensor([0.5])) / torch.tensor([0.25])
    session = archdsl.Session(tmp_path / "net.onnx", resize=16, mean=[0.5], std=[0.25])
    with torch.no_grad():
        wanted = model(x).numpy()
    np.testing.assert_allclose(session(image).probabilities, wanted, rtol=1e-4)


# Batches and threads


@pytest.mark.parametrize("batch", [1, 2, 5, 100])
def test_the_batch_changes_nothing(tmp_path: Path, batch: int) -> None:
    path = seeing(tmp_path / "m.onnx", 12, preprocess=preprocess(12))
    session = archdsl.Session(path)
    images = [photo(20 + i, 30, seed=i) for i in range(11)]
    alone = np.concatenate([session(image).probabilities for image in images])
    np.testing.assert_allclose(session(images, batch=batch).probabilities, alone, rtol=1e-5)


@pytest.mark.parametrize("fixed", [1, 4])
def test_a_model_of_a_fixed_batch_takes_any_number(tmp_path: Path, fixed: int) -> None:
    images = [photo(20, 30, seed=i) for i in range(6)]
    free = archdsl.Session(mean_colour(tmp_path / "n.onnx"))
    session = archdsl.Session(mean_colour(tmp_path / "m.onnx", batch=fixed))
    for ten_crop in (False, True):
        wanted = free(images, ten_crop=ten_crop).probabilities
        found = session(images, batch=3, ten_crop=ten_crop).probabilities
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_sixteen_threads_get_the_same(tmp_path: Path) -> None:
    session = archdsl.Session(seeing(tmp_path / "m.onnx", 12, preprocess=preprocess(12)))
    images = [photo(20 + i, 30, seed=i) for i in range(9)]
    wanted = session(images, batch=4).probabilities
    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(session, images, batch=4) for _ in range(64)]
        assert all((job.result().probabilities == wanted).all() for job in jobs)


def test_ten_crops_are_averaged_by_their_probabilities(tmp_path: Path) -> None:
    path = seeing(tmp_path / "m.onnx", 6, preprocess=preprocess(6, resize=10))
    session = archdsl.Session(path)
    image = photo(14, 10)
    array = np.asarray(image)
    corners = [array[:6, :6], array[:6, 8:], array[4:, :6], array[4:, 8:], array[2:8, 4:10]]
    crops = np.stack([*corners, *(c[:, ::-1] for c in corners)]) / 255
    weight = np.random.default_rng(0).normal(0, 0.3, (3 * 6 * 6, 5))
    each = softmax(crops.transpose(0, 3, 1, 2).reshape(10, -1) @ weight)
    (found,) = session(image, ten_crop=True)
    np.testing.assert_allclose(found.probabilities, each.mean(axis=0), rtol=1e-4)
    assert found.logits is None
    assert abs(found.probabilities - session(image)[0].probabilities).max() > 0.01


def test_a_bad_picture_does_not_stop_the_others(tmp_path: Path, colours: archdsl.Session) -> None:
    (tmp_path / "bad.png").write_bytes(b"no")
    given = [RED, tmp_path / "bad.png", OLIVE, tmp_path / "none.png"]
    found = list(colours.stream(given, batch=2))
    kinds = [isinstance(f, Prediction) for f in found]
    assert kinds == [True, False, True, False]
    with pytest.raises(ModelError) as error:
        colours(given)
    assert [d.label.split(":")[0] for d in error.value.diagnostics] == [
        str(given[1]),
        str(given[3]),
    ]
    with pytest.raises(ModelError, match="picture 2: "):
        colours([RED, np.zeros(3, np.float32)])


def test_pictures_are_taken_as_they_are_needed(colours: archdsl.Session) -> None:
    """A million pictures do not lie in memory."""
    taken = 0

    def endless() -> Iterator[Image.Image]:
        nonlocal taken
        while True:
            taken += 1
            yield RED

    answers = colours.stream(endless(), batch=2)
    for _ in range(4):
        next(answers)
    assert taken <= 12
    answers.close()  # pyright: ignore[reportAttributeAccessIssue]


def test_the_binding_of_a_device_gives_the_same(tmp_path: Path) -> None:
    """What runs on CUDA, with the CPU as the device."""
    session = archdsl.Session(mean_colour(tmp_path / "m.onnx"), device="cpu")
    rows = np.random.default_rng(0).random((5, 3, 8, 8), np.float32)
    wanted = 10 * rows.mean(axis=(2, 3))
    np.testing.assert_allclose(session._through(rows, "cpu"), wanted, rtol=1e-5)
    np.testing.assert_allclose(session._once(rows), wanted, rtol=1e-5)


# Models that prepare the pictures themselves


def in_graph(path: Path, shape: list[int | str], **metadata: object) -> Path:
    """Takes uint8, rows x columns x channels; the logits are the mean of each, from 0 to 255."""
    nodes = [
        node("Cast", ["x"], "float", to=TensorProto.FLOAT),
        node("ReduceMean", ["float", "axes"], "out", keepdims=0),
    ]
    return save(
        path, nodes, shape, dtype=TensorProto.UINT8, weights={"axes": np.array([1, 2])}, **metadata
    )


def test_pictures_of_any_size_go_in_as_they_are(tmp_path: Path) -> None:
    path = in_graph(
        tmp_path / "m.onnx", ["N", "H", "W", 3], preprocess=preprocess(8, in_graph=True)
    )
    session = archdsl.Session(path)
    images = [photo(21, 13), photo(9, 50), photo(21, 13, seed=1)]
    found = session(images).logits
    assert found is not None
    np.testing.assert_allclose(found, [np.asarray(i).mean(axis=(0, 1)) for i in images], rtol=1e-5)
    with pytest.raises(ModelError, match="ten crops"):
        session(images, ten_crop=True)
    assert "nothing about them can be set" in refused("A904", path, mean=[0.5])


def test_bytes_of_a_fixed_size(tmp_path: Path) -> None:
    session = archdsl.Session(in_graph(tmp_path / "m.onnx", ["N", 8, 8, 3]))
    found = session(OLIVE).logits
    assert found is not None
    np.testing.assert_allclose(found, [[204, 153, 0]], atol=1e-3)
    assert "of any size" in refused("A904", in_graph(tmp_path / "n.onnx", ["N", "H", "W", 3]))
