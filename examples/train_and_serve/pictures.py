"""Write scikit-learn's digits as pictures, a folder for each class: as your own might lie.

    digits/train/0/0000.png …    digits/val/0/0010.png …

Every fifth picture is kept to validate with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def main(folder: Path) -> None:
    """Write all 1,797 pictures, 8x8 in grey."""
    images, classes = load_digits().images, load_digits().target
    for number, (image, digit) in enumerate(zip(images, classes, strict=True)):
        place = folder / ("val" if number % 5 == 0 else "train") / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.round(image * 255 / 16).astype(np.uint8)  # scikit-learn's are 0 to 16
        Image.fromarray(pixels).save(place / f"{number:04}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "digits"))
