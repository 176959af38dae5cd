"""Records what torchvision's and timm's own modules give, into outputs.json and variants.json.

Run by hand, with both installed: `PYTHONPATH=tests python tests/reference/record.py`. Recorded with
torchvision 0.29.2 and timm 1.0.31 on the CPU. The weights are those of fixed.py, so that any other
module with the same keys can be held against the same numbers.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from reference import fixed
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

HERE = Path(__file__).parent
OUTPUTS = {
    "resnet18": ("torchvision.models.resnet", 96),
    "resnet50": ("torchvision.models.resnet", 96),
    "resnext50_32x4d": ("torchvision.models.resnet", 96),
    "wide_resnet50_2": ("torchvision.models.resnet", 96),
    "mobilenet_v2": ("torchvision.models.mobilenetv2", 96),
    "shufflenet_v2_x0_5": ("torchvision.models.shufflenetv2", 96),
    "regnet_x_400mf": ("torchvision.models.regnet", 96),
    "regnet_y_400mf": ("torchvision.models.regnet", 96),
    "mixer_s32_224": ("timm.models.mlp_mixer", 224),
    "densenet121": ("torchvision.models.densenet", 96),
    "squeezenet1_0": ("torchvision.models.squeezenet", 96),
    "squeezenet1_1": ("torchvision.models.squeezenet", 96),
    "convnext_tiny": ("torchvision.models.convnext", 96),
    "efficientnet_b0": ("torchvision.models.efficientnet", 96),
}
VARIANTS = {
    "resnext50_32x4d": "torchvision.models.resnet",
    "wide_resnet50_2": "torchvision.models.resnet",
    "wide_resnet101_2": "torchvision.models.resnet",
    "mobilenet_v2": "torchvision.models.mobilenetv2",
    "shufflenet_v2_x0_5": "torchvision.models.shufflenetv2",
    "shufflenet_v2_x1_0": "torchvision.models.shufflenetv2",
    "shufflenet_v2_x1_5": "torchvision.models.shufflenetv2",
    "shufflenet_v2_x2_0": "torchvision.models.shufflenetv2",
    "mixer_s32_224": "timm.models.mlp_mixer",
    "mixer_s16_224": "timm.models.mlp_mixer",
    "mixer_b32_224": "timm.models.mlp_mixer",
    "mixer_b16_224": "timm.models.mlp_mixer",
    "mixer_l16_224": "timm.models.mlp_mixer",
}
REGNET = {  # torchvision's keys, `block1-0` among them, to those of specs/regnet.arch
    r"trunk_output\.block(\d)\.block\d-(\d+)\.proj\.": r"stage\1.\2.downsample.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.a\.0\.": r"stage\1.\2.conv1.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.a\.1\.": r"stage\1.\2.bn1.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.b\.0\.": r"stage\1.\2.conv2.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.b\.1\.": r"stage\1.\2.bn2.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.se\.": r"stage\1.\2.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.c\.0\.": r"stage\1.\2.conv3.",
    r"trunk_output\.block(\d)\.block\d-(\d+)\.f\.c\.1\.": r"stage\1.\2.bn3.",
}


CONVNEXT = {  # torchvision's keys to those of specs/convnext.arch
    r"features\.0\.(\d)\.": r"stem.\1.",
    **{
        rf"features\.{2 * s + 1}\.(\d+)\.{theirs}": rf"stages.{s}.blocks.\1.{ours}"
        for s in range(4)
        for theirs, ours in (
            (r"block\.0\.", "conv_dw."),
            (r"block\.2\.", "norm."),
            (r"block\.3\.", "mlp.fc1."),
            (r"block\.5\.", "mlp.fc2."),
            ("layer_scale", "ls.gamma"),
        )
    },
    **{rf"features\.{2 * s}\.(\d)\.": rf"stages.{s}.downsample.\1." for s in (1, 2, 3)},
    r"classifier\.0\.": "head.norm.",
    r"classifier\.2\.": "head.fc.",
}
RENAMED = {"regnet": REGNET, "convnext": CONVNEXT}  # by the beginning of the network's name


def our_key(key: str, name: str) -> str:
    for pattern, replacement in RENAMED.get(re.split("[_0-9]", name)[0], {}).items():
        key = re.sub(f"^{pattern}", replacement, key)
    return key


def our_shape(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Linear layers and 1x1 convolutions stand for one another, factors per channel for maps."""
    if re.search(r"blocks\.\d+\.mlp\.fc[12]\.weight", key) and "stages" in key:
        return (*shape, 1, 1)[:4]
    if re.search(r"stage\d\.\d+\.fc[12]\.weight", key):
        return shape[:2]
    return shape[:1] if key.endswith("ls.gamma") else shape


def fill(module: nn.Module, name: str) -> None:
    """Give a module the fixed weights of its keys, as specs/ calls them."""
    state: dict[str, torch.Tensor] = {}
    for key, tensor in module.state_dict().items():
        ours = our_key(key, name)
        drawn = fixed.weights({ours: our_shape(ours, tuple(tensor.shape))})[ours]
        state[key] = torch.from_numpy(drawn).reshape(tensor.shape)
    module.load_state_dict(state)


def make(name: str, module: str, **arguments: Any) -> nn.Module:
    made: nn.Module = getattr(import_module(module), name)(**arguments)
    fill(made, name)
    return made.eval()


def googlenet() -> dict[str, list[float]]:
    """At inference; and in training, its dropout taken out, with both heads."""
    source = "torchvision.models.googlenet"
    module = make("googlenet", source, aux_logits=True, init_weights=False)
    x = torch.from_numpy(fixed.image(96))
    found = {"out": fixed.digest(module(x).numpy())}
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    trained = module.train()(x)
    found["training out"] = fixed.digest(trained.logits.numpy())
    found["training aux1"] = fixed.digest(trained.aux_logits1.numpy())
    found["training aux2"] = fixed.digest(trained.aux_logits2.numpy())
    return found


def variant(name: str, module: str) -> dict[str, Any]:
    made = getattr(import_module(module), name)()
    state = [
        " ".join([k, "x".join(map(str, v.shape))]).strip() for k, v in made.state_dict().items()
    ]
    meta = made.to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        meta(torch.empty(1, 3, 224, 224, device="meta"))
    params = sum(p.numel() for p in meta.parameters())
    return {"params": params, "macs": counter.get_total_flops() // 2, "state": state}


def main() -> None:
    outputs: dict[str, dict[str, list[float]]] = {"googlenet": googlenet()}
    for name, (module, size) in OUTPUTS.items():
        x = torch.from_numpy(fixed.image(size))
        outputs[name] = {"out": fixed.digest(make(name, module)(x).numpy())}
    variants = {name: variant(name, module) for name, module in VARIANTS.items()}
    write("outputs", outputs)
    write("variants", variants)


def write(name: str, found: dict[str, Any]) -> None:
    """A line for each network."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
    (HERE / f"{name}.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    with torch.no_grad():
        main()
