"""Writers: the IR to PyTorch, ONNX and pictures. No writer has a table of layers of its own."""
