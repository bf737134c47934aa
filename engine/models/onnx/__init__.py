"""ONNX networks without ONNX's packages: read from the file, run by PyTorch, with gradients."""

from .network import load_onnx

__all__ = ["load_onnx"]
