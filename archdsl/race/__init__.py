"""How fast a network runs, one way against another: PyTorch's modes, onnxruntime's providers."""
