"""`augment`, `normalize`, `eval`: what happens to a batch before the network sees it.

Steps work on a batch of images (n, channels, rows, columns), on the device. Those that bring images
of several sizes to one are carried out on each by itself, as it is read. All of them draw from
torch's own random state, which the loop settles for each batch and the loader for each example.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import TYPE_CHECKING, Any

from archdsl.ir import Graph
from archdsl.ir.shapes import Shape, channels, show
from archdsl.ir.training import images as settings
from archdsl.train.blends import Terms, cutmix, mixup
from archdsl.train.inputs import as_they_are
from archdsl.train.refuse import needed, refusal
from archdsl.train.statistics import Components

if TYPE_CHECKING:
    from torch import Tensor

Step = Callable[["Tensor"], "Tensor"]

_FLOATS = 1 / 255


def floats(inputs: Tensor) -> Tensor:
    """Bytes as values from 0 to 1; floats as they are."""
    import torch

    return inputs.float().mul_(_FLOATS) if inputs.dtype == torch.uint8 else inputs.float()


# One step each


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, with the values between averaged where it shrinks, as Pillow does it."""
    import torch

    resize = torch.nn.functional.interpolate
    return resize(images, size, mode="bilinear", antialias=True, align_corners=False)


def random_resized_crop(step: settings.RandomResizedCrop) -> Step:
    """The box's area and shape are uniform, the shape in its logarithm (Inception's own code).

    Ten draws are tried; if none lies inside the image the largest box in the middle is taken.
    """

    def box(height: int, width: int) -> tuple[int, int, int, int]:
        import torch

        area, ratio = height * width, tuple(map(log, step.ratio))
        for _ in range(10):
            draws = torch.rand(4).tolist()
            share = step.scale[0] + draws[0] * (step.scale[1] - step.scale[0])
            shape = 2.718281828459045 ** (ratio[0] + draws[1] * (ratio[1] - ratio[0]))
            rows, columns = (
                round((area * share / shape) ** 0.5),
                round((area * share * shape) ** 0.5),
            )
            if 0 < rows <= height and 0 < columns <= width:
                top, left = (
                    int(draws[2] * (height - rows + 1)),
                    int(draws[3] * (width - columns + 1)),
                )
                return top, left, rows, columns
        rows = min(height, round(width / step.ratio[0]))
        columns = min(width, round(height * step.ratio[1]))
        return (height - rows) // 2, (width - columns) // 2, rows, columns

    def run(images: Tensor) -> Tensor:
        import torch

        found: list[Tensor] = []
        for image in images:
            top, left, rows, columns = box(*image.shape[1:])
            part = image[None, :, top : top + rows, left : left + columns]
            found.append(_resized(part, step.size))
        return torch.cat(found)

    return run


def random_crop(step: settings.RandomCrop) -> Step:
    def run(images: Tensor) -> Tensor:
        import torch

        if step.pad:
            mode = "constant" if step.fill == "zeros" else "reflect"
            if mode == "reflect" and step.pad >= min(images.shape[2:]):
                label = f"`{step.text()}` mirrors more than there is of {show(images.shape[2:])}"
                raise refusal("A954", label, "`pad=` below the image's sides, or `fill=zeros`")
            images = torch.nn.functional.pad(images, (step.pad,) * 4, mode=mode)
        n, c, height, width = images.shape
        rows, columns = step.size
        if rows > height or columns > width:
            label = f"`{step.text()}` cuts {show(step.size)} out of {show((height, width))}"
            raise refusal("A954", label, "add `pad=`, or a `shorter_side` before it")
        device = images.device
        top = torch.randint(height - rows + 1, (n, 1)).to(device)
        left = torch.randint(width - columns + 1, (n, 1)).to(device)
        across = (top + torch.arange(rows, device=device))[:, None, :, None]
        along = (left + torch.arange(columns, device=device))[:, None, None, :]
        which = torch.arange(n, device=device)[:, None, None, None]
        channel = torch.arange(c, device=device)[None, :, None, None]
        return images[which, channel, across, along]

    return run


def center_crop(step: settings.MiddleCrop) -> Step:
    def run(images: Tensor) -> Tensor:
        down, right = (n - m for n, m in zip(images.shape[2:], step.size, strict=True))
        if down < 0 or right < 0:
            whole = show(tuple(images.shape[2:]))
            label = f"`{step.text()}` cuts {show(step.size)} out of {whole}"
            raise refusal("A954", label, "let a `shorter_side` come before it")
        top, left = round(down / 2), round(right / 2)
        return images[:, :, top : top + step.size[0], left : left + step.size[1]]

    return run


def shorter_side(step: settings.ShorterSide) -> Step:
    def run(images: Tensor) -> Tensor:
        import torch

        most = step.most or step.least
        side = int(torch.randint(step.least, most + 1, ()))
        height, width = images.shape[2:]
        short = min(height, width)
        return _resized(images, (round(height * side / short), round(width * side / short)))

    return run


def hflip(step: settings.HFlip) -> Step:
    def run(images: Tensor) -> Tensor:
        import torch

        turned = (torch.rand(len(images)) < step.p).to(images.device)
        return torch.where(turned[:, None, None, None], images.flip(3), images)

    return run


def pca_jitter(step: settings.PcaJitter, components: Components) -> Step:
    """Each image's colours move by sum_i a_i sqrt(v_i) p_i, a_i normal with `std`.

    v_i is the variance of the component p_i; AlexNet's paper writes its eigenvalue, and its code
    and all later ones draw in the component's own deviation or variance. Here it is the deviation.
    """

    def run(images: Tensor) -> Tensor:
        import torch

        draws = torch.randn(len(images), len(components.values)) * step.std
        scaled = draws * torch.tensor(components.values).sqrt()
        moved = scaled @ torch.tensor(components.vectors).T
        return images + moved.to(images)[:, :, None, None]

    return run


def color_jitter(step: settings.ColorJitter) -> Step:
    """Factors, as torchvision's; kornia's `ColorJiggle` would add to the brightness."""
    kornia = needed("kornia.augmentation")
    factors = (step.brightness, step.contrast, step.saturation)
    run = kornia.ColorJitter(*factors, step.hue, p=1.0)
    grey = kornia.ColorJitter(*factors[:2], 0.0, 0.0, p=1.0)

    def by_width(images: Tensor) -> Tensor:
        if images.shape[1] == 3:
            return run(images)
        if images.shape[1] == 1:  # saturation and hue are those of colours
            return grey(images.expand(-1, 3, -1, -1))[:, :1]
        raise refusal("A954", f"`{step.text()}` takes 1 or 3 channels, not {images.shape[1]}")

    return by_width


def randaugment(step: settings.RandAugment) -> Step:
    needed("kornia.augmentation")
    run = needed("kornia.augmentation.auto").RandAugment(step.operations, step.magnitude)

    def by_width(images: Tensor) -> Tensor:
        if images.shape[1] == 3:
            return run(images)
        if images.shape[1] == 1:
            return run(images.expand(-1, 3, -1, -1).contiguous())[:, :1]
        raise refusal("A954", f"`{step.text()}` takes 1 or 3 channels, not {images.shape[1]}")

    return by_width


def erasing(step: settings.Erasing) -> Step:
    kornia = needed("kornia.augmentation")
    return kornia.RandomErasing(step.scale, step.ratio, value=0.0, p=step.p)


# All of them


def _made(step: settings.Augmentation, components: Components | None) -> Any:
    if isinstance(step, settings.PcaJitter):
        assert components is not None
        return pca_jitter(step, components)
    makers: dict[type[settings.Augmentation], Callable[[Any], Any]] = {
        settings.RandomResizedCrop: random_resized_crop,
        settings.RandomCrop: random_crop,
        settings.MiddleCrop: center_crop,
        settings.ShorterSide: shorter_side,
        settings.HFlip: hflip,
        settings.ColorJitter: color_jitter,
        settings.RandAugment: randaugment,
        settings.MixUp: mixup,
        settings.CutMix: cutmix,
        settings.Erasing: erasing,
    }
    return makers[type(step)](step)


def one_by_one(graph: Graph, varied: bool) -> int:
    """How many of the first steps are carried out on each image by itself."""
    assert graph.training is not None
    steps = graph.training.augment
    crop = next((i for i, step in enumerate(steps) if step.crops), -1)
    resizes = any(isinstance(step, settings.ShorterSide) for step in steps[: crop + 1])
    return crop + 1 if varied or resizes else 0


class OneByOne:
    """The first steps, on an image by itself (channels, rows, columns), in bytes or floats."""

    def __init__(self, steps: tuple[settings.Augmentation, ...], components: Components | None):
        for step in steps:
            if isinstance(step, settings.MixUp | settings.CutMix):
                label = f"`{step.name}` blends images of one size, and a crop comes after it"
                raise refusal("A955", label, "write it behind the crop")
        self.steps = [(_is_geometric(step), _made(step, components)) for step in steps]

    def __call__(self, image: Tensor) -> Tensor:
        import torch

        images = image[None]
        for geometric, run in self.steps:
            if geometric or images.dtype != torch.uint8:
                images = run(images)
            else:
                images = run(floats(images)).mul(255).round_().clamp_(0, 255).to(torch.uint8)
        return images[0]


def _is_geometric(step: settings.Augmentation) -> bool:
    """Whether it moves pixels and leaves their values, so that bytes do."""
    return step.crops or isinstance(step, settings.ShorterSide | settings.HFlip)


class Preparation:
    """Batches as the network takes them: augmented to learn from, cut out to validate with."""

    def __init__(
        self, graph: Graph, components: Components | None, done: int = 0, ready: bool = False
    ) -> None:
        training = graph.training
        assert training is not None
        self.inputs = graph.inputs
        self.shape: Shape = graph.inputs[0].shape
        steps = training.augment
        if steps and len(self.shape) != 3:
            label = f"`{steps[0].text()}` is of images, and the network takes {show(self.shape)}"
            raise refusal("A954", label)
        self.steps = [_made(step, components) for step in steps[done:]]
        self.blends = [isinstance(s, settings.MixUp | settings.CutMix) for s in steps[done:]]
        self.evaluation = None if ready else training.eval
        self.ten = isinstance(training.eval, settings.TenCrop)
        self.resize = training.data.shorter_side
        statistics = training.normalize.statistics
        assert statistics is not None, "the data's own are values by now"
        self.mean, self.std = statistics
        if self.mean and len(self.mean) != channels(self.shape):
            label = f"`normalize` has {len(self.mean)} values, the input is {show(self.shape)}"
            raise refusal("A954", label)

    def learn(self, inputs: Any, targets: Any) -> tuple[Any, Terms]:
        """A batch to learn from, and its targets with their weights."""
        if len(self.inputs) > 1:
            return as_they_are(self.inputs, inputs), [(1.0, targets)]
        images, terms = floats(inputs), [(1.0, targets)]
        for run, blends in zip(self.steps, self.blends, strict=True):
            images, terms = run(images, terms) if blends else (run(images), terms)
        return self._normalized(self._fitting(images)), terms

    def validate(self, inputs: Any) -> Any:
        """A batch to validate with; of ten crops, the first axis has them one after the other."""
        if len(self.inputs) > 1:
            return as_they_are(self.inputs, inputs)
        images = floats(inputs)
        if self.evaluation is not None:
            images = self._cut(images)
        elif self.ten:
            images = images.flatten(0, 1)
        return self._normalized(self._fitting(images))

    def _cut(self, images: Tensor) -> Tensor:
        """The middle of images of one size, or ten crops of each."""
        import torch

        assert self.evaluation is not None
        rows, columns = self.evaluation.size
        height, width = images.shape[2:]
        side = self.evaluation.resize or self.resize or min(height, width)
        covering = max(
            -(-rows * min(height, width) // height), -(-columns * min(height, width) // width)
        )
        side = max(side, covering)
        size = side * height // min(height, width), side * width // min(height, width)
        if size != (height, width):
            images = _resized(images, size)
        down, right = size[0] - rows, size[1] - columns
        places = [(round(down / 2), round(right / 2))]
        if self.ten:
            places = [(0, 0), (0, right), (down, 0), (down, right), *places]
        crops = [images[:, :, y : y + rows, x : x + columns] for y, x in places]
        if not self.ten:
            return crops[0]
        crops += [crop.flip(3) for crop in crops]
        return torch.stack(crops, 1).flatten(0, 1)

    def _fitting(self, images: Tensor) -> Tensor:
        """The batch, if it has the shape that the network takes.

        Raises:
            TrainError: it has another.
        """
        if tuple(images.shape[1:]) != self.shape:
            given = show(tuple(images.shape[1:])) or "a number"
            label = f"an example comes as {given}, and the network takes {show(self.shape)}"
            help = "another `input`, or a crop: `augment random_crop`, `eval center_crop`"
            raise refusal("A954", label, help if len(self.shape) == 3 else "")
        return images

    def _normalized(self, images: Tensor) -> Tensor:
        import torch

        if not self.mean:
            return images
        axes = (-1, 1, 1) if len(self.shape) == 3 else (-1,)
        mean = torch.tensor(self.mean, device=images.device).view(axes)
        std = torch.tensor(self.std, device=images.device).view(axes)
        return (images - mean) / std
