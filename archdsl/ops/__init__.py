"""The layers, a file per family. Importing this package fills the registry."""

# pyright: reportUnusedImport=false

from archdsl.ops import (  # noqa: F401
    activation,
    adaptive_pool,
    attention,
    channelwise,
    clipped,
    conv,
    group_normalization,
    linear,
    local_response,
    margin,
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
