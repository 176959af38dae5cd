"""Weights from files: read safely, fitted strictly, and every difference named."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from support import disk_of

import archdsl
from archdsl.backends.torch import save
from archdsl.network import Network

SPEC = "param classes = 4\ninput 3x8x8; features: { conv 3x3 6; bn; relu }; gap; fc classes"


@pytest.fixture
def net() -> Network:
    return archdsl.parse(SPEC)


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    left, right = a.state_dict(), b.state_dict()
    return list(left) == list(right) and all(torch.equal(left[k], right[k]) for k in left)


def refusal(net: Network, weights: object, code: str) -> str:
    with pytest.raises(archdsl.ArchError) as error:
        net.to_torch(weights)
    assert error.value.diagnostics[0].code == code
    return str(error.value)


def test_safetensors_round_trip_with_the_hash_of_the_spec(net: Network, tmp_path: Path) -> None:
    model = net.to_torch(seed=1)
    path = tmp_path / "w.safetensors"
    net.save_weights(path, model)
    assert equal(net.to_torch(path), model)
    assert equal(net.to_torch(str(path)), model)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert metadata["network"] == "spec"
    assert metadata["sha256"] == net.graph.origin.sha256


@pytest.mark.parametrize("kind", ["sparse", "complex"])
def test_tensors_that_no_layer_has(net: Network, tmp_path: Path, kind: str) -> None:
    state = net.to_torch().state_dict()
    odd = {k: v.to_sparse() if kind == "sparse" else v.cfloat() for k, v in state.items()}
    torch.save(odd, tmp_path / "w.pth")
    assert "is sparse or complex" in refusal(net, tmp_path / "w.pth", "A001")


def test_a_full_disk_leaves_what_was_there(net: Network, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    net.save_weights(path, net.to_torch(seed=1))
    before = path.read_bytes()
    with disk_of(len(before) // 2), pytest.raises(archdsl.ArchError) as error:
        net.save_weights(path, net.to_torch(seed=2))
    assert error.value.diagnostics[0].code == "A005"
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]


def test_the_same_weights_give_the_same_bytes(net: Network, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    about = {"classes": '["猫", "a\\"b\\u0001/"]', "a": "", "z": "\x7f", "one": "1", "two": "2"}
    state = net.to_torch(seed=1).state_dict()
    found: set[bytes] = set()
    for _ in range(10):
        save(net.graph, state, path, about)
        found.add(path.read_bytes())
    assert len(found) == 1
    with safe_open(path, "pt") as file:
        assert file.metadata().items() >= about.items()
    assert equal(net.to_torch(path), net.to_torch(state))


def test_the_folder_of_a_run_means_its_best_weights(net: Network, tmp_path: Path) -> None:
    model = net.to_torch(seed=4)
    net.save_weights(tmp_path / "best.safetensors", model)
    found = net.to_torch(weights=tmp_path).state_dict()
    assert all(torch.equal(found[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_pth_and_the_dicts_that_checkpoints_wrap_them_in(
    net: Network, tmp_path: Path, key: str | None
) -> None:
    model = net.to_torch(seed=2)
    path = tmp_path / "w.pth"
    torch.save({key: model.state_dict(), "epoch": 3} if key else model.state_dict(), path)
    assert equal(net.to_torch(path), model)


def test_a_module_and_a_state_dict_are_weights_too(net: Network) -> None:
    model = net.to_torch(seed=3)
    assert equal(net.to_torch(model), model)
    assert equal(net.to_torch(model.state_dict()), model)


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("evil"),))


def test_a_pickle_with_code_is_not_run(
    net: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": _Evil()}, "w.pth")
    assert "not opened" in refusal(net, "w.pth", "A001")
    assert not Path("evil").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_that_hold_no_weights(net: Network, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    refusal(net, path, "A001")
    for content in (b"", b"junk" * 100, b"\x00" * 64, struct.pack("<Q", 2**60) + b"{}"):
        path.write_bytes(content)
        assert str(path) in refusal(net, path, "A001")
    refusal(net, tmp_path, "A001")


def test_every_difference_is_named_with_the_nearest_key(net: Network) -> None:
    state = dict(net.to_torch().state_dict())
    state["features.0.kernel"] = state.pop("features.0.weight")
    state["features.1.weight"] = torch.zeros(7)
    told = refusal(net, state, "A702")
    assert "missing features.0.weight (6x3x3x3); is it features.0.kernel?" in told
    assert "unexpected features.0.kernel (6x3x3x3)" in told
    assert "features.1.weight is 7, here it is 6" in told


def test_keys_are_renamed_by_their_beginnings(net: Network) -> None:
    model = net.to_torch(seed=4)
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    assert "rename `module.` to nothing" in refusal(net, state, "A702")
    assert equal(net.to_torch(state, weights_map={"module.": ""}), model)


def test_another_number_of_classes_leaves_the_head_fresh_and_says_so(net: Network) -> None:
    model = net.to_torch(seed=5)
    other = archdsl.parse(SPEC, classes=9)
    with pytest.warns(UserWarning, match=r"fc1.weight, fc1.bias: 4 outputs .* 9 here") as told:
        transferred = other.to_torch(model, seed=6)
    assert told[0].filename == __file__, "the warning points at the caller"
    fresh = other.to_torch(seed=6)
    state = transferred.state_dict()
    assert torch.equal(state["features.0.weight"], model.state_dict()["features.0.weight"])
    assert torch.equal(state["fc1.weight"], fresh.state_dict()["fc1.weight"])


def test_a_difference_before_the_head_is_an_error(net: Network) -> None:
    wide = archdsl.parse(SPEC.replace("conv 3x3 6", "conv 3x3 8"))
    told = refusal(wide, net.to_torch(), "A702")
    assert "features.0.weight is 6x3x3x3, here it is 8x3x3x3" in told


def test_half_precision_weights_become_those_of_the_module(net: Network, tmp_path: Path) -> None:
    state = {
        k: v.half() if v.is_floating_point() else v for k, v in net.to_torch().state_dict().items()
    }
    assert net.to_torch(state).state_dict()["fc1.weight"].dtype == torch.float32
    net.to_onnx(tmp_path / "half.onnx", state)


def test_onnx_takes_the_same_weights(net: Network, tmp_path: Path) -> None:
    from archdsl.backends.onnx.proof import Subject, compare

    model = net.to_torch(seed=7)
    net.save_weights(tmp_path / "w.safetensors", model)
    net.to_onnx(tmp_path / "w.onnx", tmp_path / "w.safetensors")
    path = tmp_path / "w.onnx"
    assert compare(Subject(path, net.graph, model)).relative < 1e-5
    assert compare(Subject(path, net.graph, net.to_torch(seed=8))).relative > 1e-2


def test_the_state_that_a_file_header_lies_about(net: Network, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    header = json.dumps({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 10**9]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    refusal(net, path, "A001")
