"""The IR as PyTorch: a file that a person can read, and the module that it defines."""

from archdsl.backends.torch.build import arrays, build
from archdsl.backends.torch.source import source
from archdsl.backends.torch.weights import read, save

__all__ = ["arrays", "build", "read", "save", "source"]
