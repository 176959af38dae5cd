"""archdsl: a declarative architecture language for neural networks, and its compiler.

>>> import archdsl
>>> net = archdsl.parse("input 3x32x32; conv 3x3 16; relu; gap; fc 10")
>>> net.summary().params
618
"""

from archdsl.errors import ArchError
from archdsl.network import Network, compare
from archdsl.pipeline import load, parse, zoo
from archdsl.version import VERSION as __version__

__all__ = ["ArchError", "Network", "__version__", "compare", "load", "parse", "zoo"]
