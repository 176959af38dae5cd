"""What archdsl does, from Python: `python examples/python_api.py [FOLDER]`.

What it writes goes into the folder, build/python_api unless one is given.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits

import archdsl
from archdsl.analyses.summary import Plan
from archdsl.backends.onnx import ExportOptions
from archdsl.train import Options

DIGITS = """
param classes = 10
param width = 16

input 1x8x8
init he
features: { conv 3x3 width; bn; relu; conv 3x3 2*width; bn; relu; maxpool 2x2 }
gap
head: fc classes
expect params <= 25_000

train { data digits; normalize values [0.3] [0.4]; optimizer adam lr=0.01; epochs 3 }
"""


def main(out: Path) -> None:
    """Each part by itself is what a program would take from here."""
    out.mkdir(parents=True, exist_ok=True)

    # Networks: of the zoo, of a file (archdsl.load("my.arch", "name", classes=10)), of a text
    resnet = archdsl.zoo("resnet18", classes=10)
    net = archdsl.parse(DIGITS, file="digits.arch")
    wide = archdsl.parse(DIGITS, file="wide.arch", width=24)

    # What they cost: parameters and MACs of one example; memory of a plan
    summary = resnet.summary(Plan(batch=32, dtype="float16"))
    print(f"{summary.params:,} parameters, {summary.macs:,} MACs")
    print(f"{summary.usage.training.peak(32).total:,} bytes to train with 32 pictures")
    largest = max(summary.layers, key=lambda layer: layer.params)
    print(f"the largest layer is {largest.path}: {largest.params:,}")
    (out / "resnet18.csv").write_text(summary.to_csv())
    print(archdsl.compare(net, wide))

    # What they see
    field = resnet.receptive_field(at="layer3")
    print(f"layer3 sees {field.size}, its corner {field.region(0, 0).clipped}")

    # What is probably not meant
    for finding in archdsl.parse("input 1x8x8; conv 3x3 8; conv 3x3 8; gap").lint():
        print(finding.code, finding.span)

    # The network as data: nodes in order, with their paths, layers and shapes
    print([node.path for node in net.graph.nodes if node.weights])

    # Pictures of it, and a page
    net.draw(out / "digits.svg")
    resnet.draw(out / "resnet18.pdf", style="volumes")
    net.report(out / "digits.html")

    # PyTorch: a module, and its text
    model = net.to_torch(seed=0)
    print(model(torch.zeros(2, 1, 8, 8)).shape)
    (out / "digits.py").write_text(net.torch_source())

    # Training, as the spec says; weights by the paths of the layers
    outcome = net.train(Options(runs=out / "runs"))
    print(f"{outcome.rows[-1].valid_accuracy:.0%} of the digits kept apart are right")
    trained = net.to_torch(weights=outcome.best)
    print(list(trained.state_dict())[:2])
    net.save_weights(out / "digits.safetensors", trained)

    # ONNX, held against PyTorch, and run on pictures
    names = tuple(map(str, range(10)))
    options = ExportOptions(fold=True, verify=True, classes=names)
    exported = net.to_onnx(out / "digits.onnx", weights=trained, options=options)
    print(exported.agreement)
    session = archdsl.Session(out / "digits.onnx")  # it knows how pictures are prepared
    values, _ = load_digits(return_X_y=True)  # from 0 to 16
    images = (values[:10] * 255 / 16).round().astype("uint8").reshape(10, 8, 8, 1)
    print([found[0].name for found in session(images).top(1)])

    # Errors: what, where, and the way out, to read and as data
    try:
        archdsl.parse(DIGITS, file="digits.arch", width=64)
    except archdsl.ArchError as error:
        print(error)
        print([(found.code, found.to_json()["place"]) for found in error.diagnostics])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/python_api"))
