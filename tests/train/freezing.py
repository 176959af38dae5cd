"""Small trainings in which a part is frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from runs import graph

from archdsl.backends.torch import build, save
from archdsl.train import Options, Outcome, start
from archdsl.train.watch import Watch

# A branch goes around the second block, so that two tensors cross a cut in it; dropout and
# normalisation are in what is frozen and in what is not.
NETWORK = """\
input 3x8x8
block unit c { conv 3x3 c bias=false; bn; relu; dropout 0.2 }
one: unit 6
two: { residual { conv 3x3 6; bn; relu; conv 3x3 6 }; relu }
head: { gap; fc 12; bn; dropout 0.3; fc 4 }
"""

SECTION = """\
data synthetic 52
from "start.safetensors"
optimizer adamw lr=0.01 weight_decay=0.1
clip 1; ema 0.9; epochs 4; batch 8; accumulate 2; seed 3
"""


def begun() -> dict[str, Any]:
    made = graph("", NETWORK)
    module = build(made, None, 7)
    module.train()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(2)  # of its dropout
        module(torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 + 1)
    state = module.state_dict()
    save(made, state, "start.safetensors")
    return state


def trained(section: str, name: str = "run", watch: Watch | None = None, **options: Any) -> Outcome:
    chosen = Options(Path(), name, device="cpu", **options)
    return start(graph(merged(section), NETWORK), chosen, watch=watch)


def merged(section: str) -> str:
    """The section above with these statements, which take the place of its own."""
    lines = [line.strip() for line in section.replace("\n", ";").split(";") if line.strip()]
    own = [line for line in SECTION.replace("\n", ";").split(";") if line.strip()]
    words = {line.split()[0] for line in lines}
    return "\n".join([*(line for line in own if line.split()[0] not in words), *lines])


def kept() -> list[Path]:
    return sorted(Path("cache/archdsl/features").glob("*.npy"))


FROZEN = {
    "freeze all except head": ("one.", "two."),
    'freeze all except "head.4"': ("one.", "two.", "head.1", "head.2"),
    "freeze until two": ("one.",),
    'freeze until "two.3"': ("one.", "two.0", "two.1"),
    "freeze all except one": ("two.", "head."),
}
