"""The IR as PyTorch: a file that a person can read, and the module that it defines."""

from archdsl.backends.torch.build import arrays, build, reference
from archdsl.backends.torch.source import source
from archdsl.backends.torch.told import Told, told
from archdsl.backends.torch.weights import about, read, save

__all__ = ["Told", "about", "arrays", "build", "read", "reference", "save", "source", "told"]
