"""Models from strangers: damaged, or after what is not theirs. An error that names the file."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from classifiers import (
    MEAN,
    mean_colour,
    node,
    photo,
    preprocess,
    refused,
    save,
    status,
    with_external_data,
)
from onnx import TensorProto, helper

import archdsl
from archdsl.errors import ModelError
from archdsl.serve import model

SECRET = np.array([7.0], np.float32).tobytes() * 4


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A model's folder, beside a file that is none of its business."""
    (tmp_path / "secret.bin").write_bytes(SECRET)
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_weights_beside_the_file_are_read(home: Path) -> None:
    """The factor is 10, at byte 4 of a file in a folder below."""
    (home / "w").mkdir()
    (home / "w" / "ten.bin").write_bytes(np.array([0, 10, 0], np.float32).tobytes())
    path = with_external_data(home / "m.onnx", "w/ten.bin", offset="4", length="4")
    found = archdsl.Session(path)(photo()).logits
    wanted = archdsl.Session(mean_colour(home / "n.onnx"))(photo()).logits
    assert found is not None
    assert wanted is not None
    assert (found == wanted).all()


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        "{home}/../secret.bin",
        "{home}/m.bin",
        "w/../../secret.bin",
        "./../home/../secret.bin",
        "C:\\windows\\win.ini",
        "\\\\server\\share\\x",
        "link.bin",
        "folder/secret.bin",
        "..",
    ],
)
def test_what_is_outside_is_refused_before_it_is_opened(
    home: Path, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "m.bin").write_bytes(SECRET)
    (home / "w").mkdir()
    (home / "link.bin").symlink_to("../secret.bin")
    (home / "folder").symlink_to("..")
    path = with_external_data(home / "m.onnx", location.format(home=home))
    # It is our own look that refuses, not onnx's or onnxruntime's, which came later and may go.
    monkeypatch.setattr(onnx.checker, "check_model", lambda *_: pytest.fail("onnx was asked"))
    assert "outside of its folder" in refused("A902", path)


MEMORY = "*/_ORT_MEM_ADDR_/*"  # how onnxruntime marks an address in its own memory


@pytest.mark.parametrize(
    "location", ["", "none.bin", ".", "pipe.bin", "loop.bin", "a" * 10_000, MEMORY]
)
def test_weights_that_are_not_there(home: Path, location: str) -> None:
    (home / "loop.bin").symlink_to("loop.bin")
    os.mkfifo(home / "pipe.bin")
    path = with_external_data(home / "m.onnx", location, offset="140000000000", length="4")
    assert "not beside it" in refused("A901", path)


@pytest.mark.parametrize(
    "place",
    [
        {"offset": "17"},
        {"offset": "-4"},
        {"length": "99999999999999999999"},
        {"offset": "9223372036854775807", "length": "9"},
        {"offset": "x"},
    ],
)
def test_places_outside_of_the_weights(home: Path, place: dict[str, str]) -> None:
    (home / "w.bin").write_bytes(SECRET)
    path = with_external_data(home / "m.onnx", "w.bin", **place)
    refused("A901", path)


def outside(name: str = "w") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    return tensor


def test_tensors_are_looked_for_everywhere(home: Path) -> None:
    """Attributes, branches, functions, sparse ones, training."""

    def changed(change: object) -> Path:
        path = mean_colour(home / "m.onnx")
        found = onnx.load(path)
        change(found)  # pyright: ignore[reportCallIssue]
        path.write_bytes(found.SerializeToString())
        return path

    constant = helper.make_node("Constant", [], ["c"], value=outside())
    branch = helper.make_graph([constant], "b", [], [])
    deep = helper.make_graph(
        [helper.make_node("If", ["q"], ["r"], then_branch=branch)], "d", [], []
    )
    sparse = onnx.SparseTensorProto(values=outside(), dims=[1])
    function = helper.make_function("f", "f", [], ["c"], [constant], [])
    training = onnx.TrainingInfoProto()
    training.algorithm.initializer.append(outside())
    many = helper.make_node("Any", [], ["c"], domain="x")
    many.attribute.add(name="s", type=onnx.AttributeProto.TENSORS).tensors.append(outside())
    for change in (
        lambda m: m.graph.initializer.append(outside()),
        lambda m: m.graph.node.append(constant),
        lambda m: m.graph.node.append(many),
        lambda m: m.graph.node.append(helper.make_node("If", ["q"], ["r"], then_branch=branch)),
        lambda m: m.graph.node.append(helper.make_node("If", ["q"], ["r"], else_branch=deep)),
        lambda m: m.graph.sparse_initializer.append(sparse),
        lambda m: m.functions.append(function),
        lambda m: m.training_info.append(training),
    ):
        refused("A902", changed(change))
    compiled = helper.make_node("EPContext", [], ["c"], domain="com.microsoft")
    assert "compiled for one device" in refused(
        "A902", changed(lambda m: m.graph.node.append(compiled))
    )


def test_weights_in_two_places(home: Path) -> None:
    path = with_external_data(home / "m.onnx", "../secret.bin")
    found = onnx.load(path, load_external_data=False)
    found.graph.initializer[0].data_location = TensorProto.DEFAULT
    path.write_bytes(found.SerializeToString())
    refused("A902", path)


def test_files_that_are_no_models(home: Path) -> None:
    path = home / "m.onnx"
    assert "no such file" in refused("A901", path)
    assert "it is a folder" in refused("A901", home)
    for data in (b"", b"hello", b"\0" * 100, b"\x08\x0a", random.Random(0).randbytes(5000)):
        path.write_bytes(data)
        refused("A901", path)
    os.mkfifo(home / "pipe.onnx")
    assert "no regular file" in refused("A901", home / "pipe.onnx")
    assert "not UTF-8" in refused("A901", home / os.fsdecode(b"caf\xe9.onnx"))
    with (home / "huge.onnx").open("wb") as file:
        file.truncate(model.MAX_BYTES + 1)
    assert "2 GiB" in refused("A901", home / "huge.onnx")


def test_a_format_that_nobody_looked_at_is_not_run(home: Path) -> None:
    """A name in .ort is another format to onnxruntime; what was looked at is what must run."""
    path = mean_colour(home / "m.ort")
    assert len(archdsl.Session(path)(photo())) == 1


def test_truncated_at_every_length(home: Path) -> None:
    whole = mean_colour(home / "m.onnx").read_bytes()
    path = home / "cut.onnx"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        try:
            session = archdsl.Session(path)
        except ModelError as error:
            assert str(path) in str(error)
        else:  # what is missing are metadata, at the end of the file
            assert len(session.metadata) < 2


def test_flipped_bits(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Some are still models; the others are told in words."""
    generator = random.Random(0)
    whole = mean_colour(home / "m.onnx").read_bytes()
    photo().save(home / "x.png")
    path = home / "flipped.onnx"
    refusals = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(generator.choice((1, 1, 2, 8))):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        path.write_bytes(data)
        found = status(path, home / "x.png")
        refusals += found
        told = capsys.readouterr().err
        assert found == (1 if told else 0)
        assert "defect" not in told, told
        assert "Traceback" not in told, told
        assert not told or told.startswith("error[A9")
    assert 100 < refusals < 300


def test_what_fails_while_it_runs(home: Path) -> None:
    nodes = [*MEAN, node("Reshape", ["flat", "to"], "out")]
    weights = {"to": np.array([-1, 5])}
    path = save(
        home / "m.onnx", nodes, ["N", 3, 8, 8], 5, weights=weights, preprocess=preprocess(8)
    )
    with pytest.raises(ModelError, match="A907"):
        archdsl.Session(path)(photo())


def test_names_do_not_act_on_the_terminal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["\x1b[2J", "a\nb", "\u202ec"]
    path = mean_colour(home / "m.onnx", classes=names)
    photo().save(home / "x.png")
    assert status(path, home / "x.png") == 0
    found = capsys.readouterr().out
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert len(found.splitlines()) == 4
