"""`make gallery`: the pictures of docs/gallery and the page that shows them.

PICTURES says what is made.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from archdsl.cli import run

FOLDER = Path(__file__).parent.parent / "docs" / "gallery"


@dataclass(frozen=True)
class Picture:
    """One picture: its file, the command but for `-o`, and what it shows."""

    name: str
    command: str
    caption: str


PICTURES = (
    Picture(
        "alexnet",
        "draw --style volumes alexnet",
        "AlexNet as its paper drew it: two columns, which cross at conv3 and at the fully "
        "connected layers.",
    ),
    Picture(
        "alexnet_table",
        "draw --style table alexnet",
        "AlexNet as a table of layers.",
    ),
    Picture(
        "lenet",
        "draw --style volumes lenet",
        "LeNet-5: maps as sheets, the window that each position looks through.",
    ),
    Picture(
        "vgg16_volumes",
        "draw --style volumes vgg16",
        "VGG-16: maps shrink as they become many.",
    ),
    Picture(
        "unet",
        "draw --style volumes unet",
        "U-Net: what is cropped and kept on the way down comes back on the way up.",
    ),
    Picture(
        "vgg16",
        "draw vgg16 --label-with params,macs --heat params",
        "Where VGG-16's 138 million parameters are: most in its first fully connected layers.",
    ),
    Picture(
        "googlenet",
        "draw googlenet --depth 2",
        "GoogLeNet in full: each inception module's four branches side by side, and the two heads "
        "that exist in training only.",
    ),
    Picture(
        "densenet121",
        "draw --style volumes densenet121",
        "DenseNet-121: the dense blocks, and the transitions that halve maps and channels.",
    ),
    Picture(
        "efficientnet_b0",
        "draw efficientnet_b0 --theme print",
        "EfficientNet-B0: each stage with the calls of its blocks, as in table 1 of its paper.",
    ),
    Picture(
        "resnet50",
        "draw resnet50",
        "ResNet-50 as it comes: the blocks, folded, with what each is made of.",
    ),
    Picture(
        "resnet18",
        "draw resnet18 --depth 3 --highlight layer3",
        "ResNet-18 with its blocks open: identity shortcuts run beside the layers, projections are "
        "branches.",
    ),
    Picture(
        "resnet152",
        "draw resnet152 --theme dark --heat macs --label-with macs",
        "ResNet-152's 464 layers on a page, coloured by multiply-adds, for a dark slide.",
    ),
    Picture(
        "resnets",
        "draw --style table resnet18 resnet34 resnet50 resnet101 resnet152",
        "Table 1 of the ResNet paper, from the specs.",
    ),
    Picture(
        "vggs",
        "draw --style table vgg11 vgg11_lrn vgg13 vgg16c vgg16 vgg19",
        "Table 1 of the VGG paper, its columns A, A-LRN, B, C, D and E.",
    ),
    Picture(
        "vit_large",
        "draw vit_large_patch16_224 --theme print",
        "ViT-L/16 in greys for print: its 24 encoders are one, marked ×24.",
    ),
)


def command(picture: Picture, folder: str = "docs/gallery") -> str:
    """The whole command that makes a picture."""
    return f"archdsl {picture.command} -o {folder}/{picture.name}.svg"


def make(picture: Picture, folder: Path) -> Path:
    """Make a picture.

    Raises:
        RuntimeError: the command fails.
    """
    path = folder / f"{picture.name}.svg"
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = run([*shlex.split(picture.command), "-q", "-o", str(path)])
    if status:
        raise RuntimeError(f"{command(picture)}: {said.getvalue()}")
    return path


def page() -> str:
    """docs/gallery/README.md."""
    parts = [
        "# Gallery\n",
        "Every picture here was made by the command above it, from a spec of the zoo and nothing "
        "else; `make gallery` makes them again. [docs/drawing.md](../drawing.md) tells what else "
        "`archdsl draw` can do.\n",
    ]
    for picture in PICTURES:
        parts.append(f"## {picture.name}\n")
        parts.append(f"{picture.caption}\n")
        parts.append(f"    $ {command(picture)}\n")
        parts.append(f"![{picture.caption}]({picture.name}.svg)\n")
    return "\n".join(parts)


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        print(command(picture))
        make(picture, FOLDER)
    (FOLDER / "README.md").write_text(page(), encoding="utf-8", newline="\n")
    for path in FOLDER.glob("*.svg"):
        if path.stem not in {picture.name for picture in PICTURES}:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
