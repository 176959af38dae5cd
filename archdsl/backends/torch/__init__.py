"""The IR as PyTorch: a file that a person can read, and the module that it defines."""

from archdsl.backends.torch.build import arrays, build
from archdsl.backends.torch.source import source

__all__ = ["arrays", "build", "source"]
