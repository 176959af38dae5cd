"""The layers, a file per family. Importing this package fills the registry."""

# pyright: reportUnusedImport=false

from archdsl.ops import (  # noqa: F401
    activation,
    adaptive_pool,
    attention,
    channelwise,
    conv,
    linear,
    local_response,
    merge,
    normalization,
    pool,
    regularize,
    reshape,
    resize,
    softmax,
    tokens,
    upconv,
)
