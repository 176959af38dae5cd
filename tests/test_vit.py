"""The vision transformers against timm's keys, published numbers, and PyTorch's own attention."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support import assert_close, load_weights, random_arrays, random_weights, run_onnx
from torch import Tensor, nn

import archdsl
from archdsl.backends import onnx as onnx_backend
from archdsl.backends import torch as torch_backend
from archdsl.ir.shapes import show

SPEC = Path(__file__).parent.parent / "specs" / "vit.arch"

# Parameters and state_dict, in order, read off timm 1.0.31.
TIMM: dict[str, Any] = json.loads(
    Path(__file__).with_name("reference").joinpath("timm.json").read_text()
)

# torchvision's, in billions of multiply-adds: both products of attention are counted.
GIGA_MACS = {
    "vit_base_patch16_224": 17.563828,
    "vit_large_patch16_224": 61.554713,
    "vit_huge_patch14_224": 167.295109,
    "vit_base_patch32_224": 4.409,
}


@pytest.mark.parametrize("name", TIMM)
def test_the_keys_are_timms_in_timms_order(name: str) -> None:
    state = archdsl.load(SPEC, name).graph.state()
    assert [f"{key} {show(w.shape)}" for key, w in state.items()] == TIMM[name]["state"]
    assert sum(w.trainable for w in state.values()) == len(state)


@pytest.mark.parametrize(
    ("name", "params"),
    [*((n, f["params"]) for n, f in TIMM.items()), ("vit_huge_patch14_224", 632_045_800)],
)
def test_the_parameters(name: str, params: int) -> None:
    assert archdsl.load(SPEC, name).summary().params == params


@pytest.mark.parametrize(("name", "expected"), GIGA_MACS.items())
def test_the_macs(name: str, expected: float) -> None:
    macs = archdsl.load(SPEC, name).summary().macs
    digits = len(str(expected).partition(".")[2])
    assert round(macs / 1e9, digits) == expected


def test_the_module_has_the_keys_in_the_same_order() -> None:
    name = "vit_tiny_patch16_224"
    state = archdsl.load(SPEC, name).to_torch().state_dict()
    assert [f"{key} {show(tuple(t.shape))}" for key, t in state.items()] == TIMM[name]["state"]


def test_the_spec_is_short() -> None:
    assert len(SPEC.read_text().splitlines()) <= 35


class Reference(nn.Module):
    """The network of the paper's section 3.1, made of PyTorch's transformer layers."""

    def __init__(self, state: dict[str, Tensor], heads: int, depth: int) -> None:
        super().__init__()
        width, _, patch, _ = state["patch_embed.proj.weight"].shape
        hidden = state["blocks.0.mlp.fc1.weight"].shape[0]
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token, self.places = state["cls_token"], state["pos_embed"]
        layer = nn.TransformerEncoderLayer(
            width, heads, hidden, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, depth, nn.LayerNorm(width, eps=1e-6), enable_nested_tensor=False
        )
        self.head = nn.Linear(width, state["head.bias"].shape[0])
        names = {
            "norm1": "norm1",
            "attn.qkv.": "self_attn.in_proj_",
            "attn.proj": "self_attn.out_proj",
            "norm2": "norm2",
            "mlp.fc1": "linear1",
            "mlp.fc2": "linear2",
            "patch_embed.proj": "patches",
            "blocks": "layers.layers",
        }
        renamed: dict[str, Tensor] = {}
        for key, tensor in state.items():
            if key.startswith("norm."):
                key = f"layers.{key}"
            for ours, theirs in names.items():
                if not key.startswith("layers.norm"):
                    key = key.replace(ours, theirs)
            renamed[key] = tensor
        del renamed["cls_token"], renamed["pos_embed"]
        self.load_state_dict(renamed, strict=True)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.places
        return self.head(self.layers(tokens)[:, 0])


def test_it_computes_what_pytorchs_transformer_computes(tmp_path: Path) -> None:
    """In PyTorch and in onnxruntime, with random weights in every place."""
    net = archdsl.load(SPEC, "vit_tiny_patch16_224")
    weights = random_weights(net.graph)
    images = random_arrays(((3, 224, 224),), 2)
    module = load_weights(torch_backend.build(net.graph), weights)
    reference = Reference({k: torch.from_numpy(v) for k, v in weights.items()}, heads=3, depth=12)
    with torch.no_grad():
        expected = reference.eval()(torch.from_numpy(images[0])).numpy()
        assert_close(module(torch.from_numpy(images[0])).numpy(), expected)
    onnx_backend.write(net.graph, tmp_path / "vit.onnx", weights)
    assert_close(run_onnx(tmp_path / "vit.onnx", images)[0], expected)


def test_the_weights_start_as_in_timm() -> None:
    """timm: N(0, 0.02) for the linear layers and the tables, biases at zero."""
    state = archdsl.load(SPEC, "vit_tiny_patch16_224").to_torch(seed=1).state_dict()
    for key in ("pos_embed", "blocks.3.attn.qkv.weight", "blocks.3.mlp.fc1.weight", "head.weight"):
        assert 0.015 < state[key].std().item() < 0.02, key  # cut at two standard deviations
        assert state[key].abs().max().item() <= 0.04, key
    assert not state["blocks.3.attn.qkv.bias"].any()
    assert not state["head.bias"].any()
    assert (state["blocks.3.norm1.weight"] == 1).all()
