"""The layers, a file per family. Importing this package fills the registry."""

# pyright: reportUnusedImport=false

from archdsl.ops import (  # noqa: F401
    activation,
    attention,
    channelwise,
    conv,
    linear,
    merge,
    normalization,
    pool,
    regularize,
    reshape,
    resize,
    tokens,
    upconv,
)
