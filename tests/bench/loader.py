"""What `cache` gives: photographs out of JPEG files, out of the cache on the disk, out of memory.

    python tests/bench/loader.py IMAGES WORKERS

As many pictures of 500x375, ImageNet's usual size, are drawn and written; each is read by the
loader of a run, brought to a shorter side of 256, and cut to 224x224 by `random_resized_crop`.
Prints JSON: images a second for each cache, the second time over the data, when the cache is full;
the bytes of a picture on the disk; and how many images a second ResNet-18 trains on.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import archdsl
from archdsl.train.augment import OneByOne, one_by_one
from archdsl.train.data import read
from archdsl.train.data.loader import Batches
from archdsl.train.data.pictures import Pictures

BATCH = 64
SPEC = """\
input 3x224x224
conv 1x1 1; gap; fc 2
train {{
  data imagefolder "{folder}" size=256 validation=0 cache={cache} workers={workers}
  augment random_resized_crop 224x224
  eval center_crop 224x224
  batch {batch}
}}
"""


def draw(folder: Path, count: int) -> None:
    """Pictures with edges, areas and grain, as photographs have them, in two classes."""
    numbers = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(numbers.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = numbers.integers(-12, 13, smooth.shape, dtype=np.int16)
        path = folder / "ab"[i % 2] / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        image = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
        image.save(path, quality=90)


def rate(folder: Path, cache: str, workers: int) -> float:
    """Images a second, the second time over the data."""
    text = SPEC.format(folder=folder, cache=cache, workers=workers, batch=BATCH)
    graph = archdsl.parse(text).graph
    sets = read(graph)
    assert isinstance(sets.train, Pictures) and graph.training is not None
    sets.train.keep()
    each = OneByOne(graph.training.augment[: one_by_one(graph, True)], None)
    batches = Batches(sets.train, BATCH, workers=sets.workers, each=each)
    took = 0.0
    for epoch in range(2):
        began = time.perf_counter()
        for _ in batches.epoch(epoch):
            pass
        took = time.perf_counter() - began
    return len(sets.train) / took


def training() -> float:
    """Images a second that ResNet-18 trains on: forward, backward, step, of a batch of 8."""
    model = archdsl.zoo("resnet18").to_torch()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    inputs, targets = torch.randn(8, 3, 224, 224), torch.randint(1000, (8,))
    took: list[float] = []
    for _ in range(4):
        began = time.perf_counter()
        torch.nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        optimizer.zero_grad()
        took.append(time.perf_counter() - began)
    return 8 / min(took)


def main() -> None:
    torch.set_num_threads(1)
    count, workers = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photographs"
        folder.mkdir()
        draw(folder, count)
        os.environ["XDG_CACHE_HOME"] = str(Path(name) / "cache")
        found: dict[str, float] = {c: rate(folder, c, workers) for c in ("none", "disk", "memory")}
        for what, place in (("jpeg", folder), ("cached", Path(name) / "cache")):
            sizes = [p.stat().st_size for p in place.rglob("*") if p.is_file()]
            found[f"{what}_bytes"] = sum(sizes) / count
        found["step"] = training()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
