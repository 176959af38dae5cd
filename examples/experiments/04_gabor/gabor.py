"""Gabor filters emerge where photographs are learnt, and not where their pixels are shuffled.

The first layer of AlexNet (Krizhevsky, Sutskever & Hinton 2012, figure 3) looks like the cells of
the primary visual cortex: waves under a Gaussian (Daugman 1985). Nobody put them there; photographs
have them as their independent components (Bell & Sejnowski 1997). Here a small network learns which
of ten photographs a patch comes from, and the components of patches are found for reference. The
control has the same patches with their pixels in another order, one for all patches: no more and no
less is to be learnt from them, but neighbours are none any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab import Check, Report, Runs, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[Any]

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket", "brick", "grass", "gravel")
SAMPLES = ("china.jpg", "flower.jpg")
SIDE, PATCH = 21, 12  # of what the network sees; of what components are found of
SHOWN = 24


def jobs(short: bool) -> list[dict[str, Any]]:
    return [
        {"method": method, "pixels": pixels, "seed": seed, "short": short}
        for method in ("network", "components")
        for pixels in ("photographs", "shuffled")
        for seed in range(1 if short else 5)
    ]


def measure(method: str, pixels: str, seed: int, short: bool) -> dict[str, Any]:
    if method == "components":
        return told(components(pixels == "shuffled", seed), seed)
    function = "gabor:patches" if pixels == "photographs" else "gabor:shuffled"
    changes = [f'data python "{function}" workers=0', f"epochs {5 if short else 30}"]
    trained = train("gabor.arch", seed=seed, changes=changes)
    found = told(first_layer(trained.model), seed)
    found["error"] = 1 - trained.rows[-1].valid_accuracy
    if pixels == "photographs":
        start = first_layer(trained.network.to_torch(seed=seed))
        found["start"] = told(start, seed)["r2"]
    return found


def told(filters: Array, seed: int) -> dict[str, Any]:
    """How well Gabors fit filters; of one seed some of them too, the best fitted first."""
    import numpy as np
    from gabor_fit import gabor_r2

    r2, fits = gabor_r2(filters)
    found: dict[str, Any] = {"r2": float(np.median(r2)), "most": float((r2 > 0.5).mean())}
    if seed == 0:
        shown = np.argsort(-r2)[np.linspace(0, len(r2) - 1, SHOWN).round().astype(int)]
        found["filters"] = [as_text(filters[i]) for i in shown]
        found["fits"] = [as_text(fits[i]) for i in shown]
    return found


def as_text(picture: Array) -> str:
    """A filter as two hexadecimal digits a pixel, 80 being zero."""
    scaled = picture / max(abs(picture).max(), 1e-12)
    return (128 + 127 * scaled).round().astype("uint8").tobytes().hex()


def as_picture(text: str) -> Array:
    """The pixels of a filter, from 0 to 255."""
    import numpy as np

    pixels = np.frombuffer(bytes.fromhex(text), np.uint8)
    return pixels.reshape(round(len(pixels) ** 0.5), -1)


def first_layer(model: Any) -> Array:
    return model.conv1.weight.detach().numpy()[:, 0].astype(float)


def components(shuffle: bool, seed: int) -> Array:
    """The independent components of patches, (49, 12, 12)."""
    import numpy as np
    from sklearn.decomposition import FastICA

    patches = np.concatenate(cut(PATCH, 1500, seed))
    flat = (patches - patches.mean((1, 2), keepdims=True)).reshape(len(patches), -1)
    if shuffle:
        flat = flat[:, order(PATCH)]
    ica = FastICA(49, whiten="unit-variance", random_state=seed, tol=1e-3, max_iter=300)
    return np.asarray(ica.fit(flat).mixing_).T.reshape(-1, PATCH, PATCH)


# The patches


def photographs() -> list[Array]:
    """Ten photographs in grey, from 0 to 1, that come with scikit-image and scikit-learn."""
    from skimage import color, data
    from sklearn.datasets import load_sample_image

    found = [getattr(data, name)() for name in PHOTOGRAPHS]
    found += [load_sample_image(name) for name in SAMPLES]
    return [color.rgb2gray(each) if each.ndim == 3 else each / 255 for each in found]


def cut(side: int, count: int, seed: int, right: bool = False) -> list[Array]:
    """Patches of the left three quarters of each photograph, or of the rest; flat ones left out."""
    import numpy as np

    draw = np.random.default_rng(seed)
    found: list[Array] = []
    for photo in photographs():
        height, width = photo.shape
        edge = 3 * width // 4
        rows = draw.integers(0, height - side, 3 * count)
        columns = draw.integers(edge if right else 0, (width if right else edge) - side, 3 * count)
        windows = np.lib.stride_tricks.sliding_window_view(photo, (side, side))
        patches = windows[rows, columns]
        found.append(patches[patches.std((1, 2)) > 0.02][:count])
    return found


def order(side: int) -> Array:
    """The order into which the pixels of every patch are brought."""
    import numpy as np

    return np.random.default_rng(0).permutation(side * side)


def patches(shuffle: bool = False) -> tuple[Any, Any]:
    """Patches of equal contrast and their photographs' numbers: to learn from, to validate with."""
    import numpy as np

    found: list[Any] = []
    for seed, count, right in ((1, 600, False), (2, 100, True)):
        cuttings = cut(SIDE, count, seed, right)
        x = np.concatenate(cuttings).reshape(-1, SIDE * SIDE)
        x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
        x = x[:, order(SIDE)] if shuffle else x
        numbers = np.repeat(np.arange(len(cuttings)), [len(each) for each in cuttings])
        found.append((x.reshape(-1, 1, SIDE, SIDE).astype("float32"), numbers))
    return found[0], found[1]


def shuffled() -> tuple[Any, Any]:
    """The same with the pixels of each patch in another order."""
    return patches(shuffle=True)


# What is told


def report(runs: Runs) -> Report:
    rows = [
        [
            "filters",
            "pixels",
            "R², median of the filters",
            "filters above 0.5",
            "error in validation",
        ]
    ]
    for method in ("network", "components"):
        for pixels in ("photographs", "shuffled"):
            job = {"method": method, "pixels": pixels}
            r2, most = (runs.spread(key, **job) for key in ("r2", "most"))
            error = f"{runs.spread('error', **job):.1%}" if method == "network" else ""
            rows.append([method, pixels, f"{r2:.3f}", f"{most:.0%}", error])
    start = runs.spread("start", method="network", pixels="photographs")
    rows.append(["network, not trained", "", f"{start:.3f}", "", ""])
    return Report(_checks(runs), rows, _text(runs))


def _checks(runs: Runs) -> list[Check]:
    checks = [_emerge(runs, method) for method in ("network", "components")]
    start = runs.values("start", method="network", pixels="photographs")
    there = runs.values("r2", method="network", pixels="photographs")
    claim = "network: learning makes them, in every seed more than twice what fits at the start"
    found = f"{min(there):.3f} at least, against {max(start):.3f} at most"
    return [*checks, Check(claim, found, min(there) > 2 * max(start))]


def _emerge(runs: Runs, method: str) -> Check:
    there = runs.values("r2", method=method, pixels="photographs")
    control = runs.values("r2", method=method, pixels="shuffled")
    return Check(
        f"""{method}: in every seed Gabors explain more than half of the median filter, and more
        than twice what they explain of the median of shuffled pixels""",
        f"{min(there):.3f} at least, against {max(control):.3f} at most",
        min(there) > max(0.5, 2 * max(control)),
    )


def _text(runs: Runs) -> str:
    there, control = (
        runs.spread("error", method="network", pixels=pixels)
        for pixels in ("photographs", "shuffled")
    )
    return f"""
        R² is the share of a filter's variance that the best Gabor explains, of all places, sizes,
        directions, frequencies and phases, a constant added; an edge or a blob is one, too. The
        network is given a strong weight decay, which smooths its filters; the control has the same.
        It is no good classifier: patches to validate with are cut from the right quarter of each
        photograph, which it has not seen, and it takes {there:.0%} of them for another
        photograph's, {control:.0%} where pixels are shuffled."""


def draw(runs: Runs) -> Figure:
    figure, axes = panels(3, 2, 7, 4.2)
    for row, method in zip(axes, ("network", "components"), strict=True):
        parts = (("photographs", "filters"), ("photographs", "fits"), ("shuffled", "filters"))
        for axis, (pixels, key) in zip(row, parts, strict=True):
            job = {"method": method, "pixels": pixels, "seed": 0}
            title = f"{method}, {pixels}: R² {runs.one('r2', **job):.2f}"
            title = "Gabors fitted to them" if key == "fits" else title
            axis.imshow(mosaic(runs.one(key, **job)), cmap="gray", vmin=0, vmax=255)
            axis.set_title(title, fontsize=8)
            axis.set_axis_off()
    return figure


def mosaic(texts: list[str], columns: int = 6) -> Array:
    """Pictures side by side, with a white line between them."""
    import numpy as np

    framed = [np.pad(as_picture(text), 1, constant_values=255) for text in texts]
    rows = [np.hstack(framed[i : i + columns]) for i in range(0, len(framed), columns)]
    return np.vstack(rows)
