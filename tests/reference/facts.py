"""What others say about the networks of the zoo, each figure with its source.

`torchvision.json` and `timm.json` hold the parameters, the MACs (torch.utils.flop_counter on the
meta device) and the keys and shapes of the state_dict, in order, as read off torchvision 0.28.0 and
timm 1.0.31. `variants.json` holds the same for more networks of both (see record.py). "Computed"
means worked out by hand from the layer table of the paper.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

State = list[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Fact:
    """The figures of one network.

    `macs` is exact, or a text with as many digits of GMACs as the source gives.
    """

    network: str
    params: int
    macs: int | str | None
    source: str
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the spec's parameters are set to."""

    def __str__(self) -> str:
        return "-".join([self.network, *(f"{k}={v}" for k, v in self.parameters.items())])


FACTS = [
    Fact("lenet", 61_706, 416_520, "computed: modern reading, C3 fully connected, fc 120-84-10"),
    Fact("alexnet", 60_965_224, 724_406_816, "computed from the paper: groups of 2, 227x227"),
    Fact("alexnet_columns", 60_965_224, 724_406_816, "the same network, its groups written out"),
    Fact("simple_cnn", 94_538, None, "its listing"),
    Fact("vgg11_lrn", 132_863_336, "7.609", "the paper: A's layers, and LRN has no weights"),
    Fact("vgg16c", 133_638_952, "11.771", "computed: 1x1 third convolutions in blocks 3 to 5"),
    Fact("googlenet", 6_998_552, 1_582_671_872, "computed from the paper, table 1", {"aux": False}),
    Fact(
        "googlenet",
        6_998_552 + 3_188_840 + 3_190_888,
        1_582_671_872,
        "computed: the heads at 4a and 4d exist in training only, so that they add no MACs",
        {"aux": True},
    ),
    Fact("resnet50_v1", 25_557_032, "3.858", "computed: the paper's stride, in the first 1x1"),
    Fact("resnet101_v1", 44_549_160, "7.570", "computed: the paper's stride"),
    Fact("resnet152_v1", 60_192_808, "11.282", "computed: the paper's stride"),
    Fact("resnet18_a", 11_515_688, None, "computed: option A shortcuts have no weights"),
    Fact("resnet34_a", 21_623_848, None, "computed: option A shortcuts have no weights"),
    Fact("plain18", 11_515_688, None, "as many as option A: without a shortcut there is nothing"),
    Fact("plain34", 21_623_848, None, "as many as option A: without a shortcut there is nothing"),
    Fact("resnext50_32x4d", 25_028_904, "4.230", "torchvision's table of weights"),
    Fact("se_resnet50", 28_088_024, None, "timm's legacy_seresnet50"),
    Fact("resnet20", 269_722, None, "computed: He et al. 2015, section 4.2, option A"),
    Fact("resnet32", 464_154, None, "computed, as resnet20"),
    Fact("resnet44", 658_586, None, "computed, as resnet20"),
    Fact("resnet56", 853_018, None, "computed, as resnet20"),
    Fact("resnet110", 1_727_962, None, "computed, as resnet20"),
    Fact("resnet1202", 19_421_274, None, "computed, as resnet20"),
    Fact("plain20", 269_722, None, "as many as option A"),
    Fact("plain32", 464_154, None, "as many as option A"),
    Fact("plain44", 658_586, None, "as many as option A"),
    Fact("plain56", 853_018, None, "as many as option A"),
    Fact("plain110", 1_727_962, None, "as many as option A"),
    Fact("preact110", 1_146_842, None, "computed: He et al. 2016, bottlenecks, 9n+2 layers"),
    Fact("preact164", 1_703_258, None, "computed, as preact110; the paper: 1.7 M"),
    Fact("preact1001", 10_327_706, None, "computed, as preact110"),
    Fact("wrn_16_8", 10_961_370, None, "computed; Zagoruyko & Komodakis 2016: 11.0 M"),
    Fact("wrn_28_10", 36_479_194, None, "computed; Zagoruyko & Komodakis 2016: 36.5 M"),
    Fact("wrn_40_4", 8_949_210, None, "computed; Zagoruyko & Komodakis 2016: 8.9 M"),
    Fact("alphago_policy", 3_882_793, None, "computed: Silver et al. 2016, Methods"),
    Fact("alphago_policy", 1_777_641, None, "computed", {"k": 128}),
    Fact("alphago_policy", 6_798_953, None, "computed", {"k": 256}),
    Fact("alphago_policy", 15_064_297, None, "computed", {"k": 384}),
    Fact("alphago_value", 3_980_162, None, "computed: one scalar bias in the 1x1"),
    Fact(
        "unet", 31_030_658, None, "computed: Ronneberger et al. 2015, figure 1, biases everywhere"
    ),
    Fact("lenet5_original", 60_000, None, "LeCun et al. 1998"),
    Fact("mobilenet_v1", 4_231_976, "0.569", "computed; Howard et al. 2017: 4.2 M, 569 M"),
    Fact("regnet_x_400mf", 5_495_976, "0.41", "torchvision's table of weights"),
    Fact("regnet_x_800mf", 7_259_656, "0.80", "torchvision's table of weights"),
    Fact("regnet_x_1_6gf", 9_190_136, "1.60", "torchvision's table of weights"),
    Fact("regnet_y_400mf", 4_344_144, "0.40", "torchvision's table of weights"),
    Fact("regnet_y_800mf", 6_432_512, "0.83", "torchvision's table of weights"),
    Fact("vit_base_patch16_224", 86_567_656, "17.563828", "torchvision, meta device"),
    Fact("vit_large_patch16_224", 304_326_632, "61.554713", "torchvision, meta device"),
    Fact("vit_huge_patch14_224", 632_045_800, "167.295109", "torchvision, meta device"),
    Fact("vit_base_patch32_224", 88_224_232, "4.409", "timm; torchvision, meta device"),
]
"""Beside those in the JSON files."""

# Sizes and paddings of the receptive field at the last convolutional layer, all with stride 32.
FIELDS = {
    # measured by gradient on torchvision's layers
    ("alexnet_torchvision", "features"): (195, 66),
    ("vgg11", "features"): (150, 59),
    ("vgg13", "features"): (156, 62),
    ("vgg16", "features"): (212, 90),
    ("vgg19", "features"): (268, 118),
    ("resnet18", "layer4"): (435, 217),
    ("resnet34", "layer4"): (899, 449),
    ("resnet50", "layer4"): (427, 213),
    # computed: stride in the 3x3
    ("resnet101", "layer4"): (971, None),
    ("resnet152", "layer4"): (1451, None),
    # Araujo, Norris & Sim (Distill 2019); their pools pad 0 before and 1 after, PyTorch's 1 and 1
    ("resnet50_v1", "layer4"): (483, 241),
    ("resnet101_v1", "layer4"): (1027, 513),
    ("resnet152_v1", "layer4"): (1507, 753),
}

_TORCHVISION = {
    "alexnet": "alexnet_torchvision",
    "googlenet[aux_logits=True]": "googlenet_torchvision",
    "googlenet[aux_logits=False]": "googlenet_torchvision",
}
"""What torchvision's networks are called in specs/, where that differs."""


@dataclass(frozen=True)
class Reference:
    """A network of torchvision or timm: what it is here, and its state_dict."""

    fact: Fact
    state: State

    def __str__(self) -> str:
        return str(self.fact)


@cache
def references() -> list[Reference]:
    """Every network that torchvision and timm have too."""
    found: list[Reference] = []
    for library in ("torchvision", "timm", "variants"):
        text = (Path(__file__).parent / f"{library}.json").read_text(encoding="utf-8")
        for name, data in json.loads(text).items():
            network = _TORCHVISION.get(name, name)
            parameters = {"aux": "=True" in name} if "aux" in name else {}
            source = f"{library}: {name}"
            fact = Fact(network, data["params"], data.get("macs"), source, parameters)
            found.append(Reference(fact, [_tensor(line) for line in data["state"]]))
    return found


def _tensor(line: str) -> tuple[str, tuple[int, ...]]:
    key, _, shape = line.partition(" ")
    return key, tuple(map(int, shape.split("x"))) if shape else ()
