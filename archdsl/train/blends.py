"""`mixup`, `cutmix`: steps that blend examples of a batch, and their targets too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archdsl.ir.training import images as settings
from archdsl.train.data.examples import over

if TYPE_CHECKING:
    from torch import Tensor

Terms = list[tuple[float, Any]]
"""Targets with their weights: one, or several where examples were blended."""


def mixup(step: settings.MixUp) -> Callable[[Tensor, Terms], tuple[Tensor, Terms]]:
    def run(images: Tensor, terms: Terms) -> tuple[Tensor, Terms]:
        share = _beta(step.alpha)
        other = _others(images)
        return images.lerp(images[other], 1 - share), _blended(terms, other, share)

    return run


def cutmix(step: settings.CutMix) -> Callable[[Tensor, Terms], tuple[Tensor, Terms]]:
    def run(images: Tensor, terms: Terms) -> tuple[Tensor, Terms]:
        import torch

        share = _beta(step.alpha)
        other = _others(images)
        height, width = images.shape[2:]
        # The box has 1 - share of the area and a uniform middle; what is outside is cut off.
        rows, columns = (int(n * (1 - share) ** 0.5) for n in (height, width))
        y, x = (int(d * n) for d, n in zip(torch.rand(2).tolist(), (height, width), strict=True))
        top, bottom = max(0, y - rows // 2), min(height, y + rows // 2)
        left, right = max(0, x - columns // 2), min(width, x + columns // 2)
        images = images.clone()
        images[:, :, top:bottom, left:right] = images[other, :, top:bottom, left:right]
        kept = 1 - (bottom - top) * (right - left) / (height * width)
        return images, _blended(terms, other, kept)

    return run


def _beta(alpha: float) -> float:
    """A draw from Beta(alpha, alpha), by torch's own random state."""
    import torch

    return float(torch.distributions.Beta(alpha, alpha).sample())


def _others(images: Tensor) -> Tensor:
    import torch

    return torch.randperm(len(images)).to(images.device)


def _blended(terms: Terms, other: Tensor, share: float) -> Terms:
    mixed = [(weight * (1 - share), over(target, lambda t: t[other])) for weight, target in terms]
    return [(weight * share, target) for weight, target in terms] + mixed
