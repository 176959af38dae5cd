"""archdsl: a declarative architecture language for neural networks, and its compiler.

>>> import archdsl
>>> net = archdsl.parse("input 3x32x32; conv 3x3 16; relu; gap; fc 10")
>>> net.summary().params
618
"""

from typing import TYPE_CHECKING, Any

from archdsl.errors import ArchError
from archdsl.network import Network, compare, report
from archdsl.pipeline import load, parse, zoo
from archdsl.version import VERSION as __version__

if TYPE_CHECKING:
    from archdsl.serve import Session

__all__ = [
    "ArchError",
    "Network",
    "Session",
    "__version__",
    "compare",
    "load",
    "parse",
    "report",
    "zoo",
]


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext archdsl` does: the magic `%%arch`; see `archdsl.notebook`."""
    from archdsl.notebook import load

    load(shell)


def __getattr__(name: str) -> Any:
    """What few programs use is loaded when it is asked for (PEP 562)."""
    if name == "Session":
        from archdsl.serve import Session

        return Session
    raise AttributeError(f"module 'archdsl' has no attribute {name!r}")
