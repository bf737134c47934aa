"""ONNX's operators in PyTorch: those of networks that look, listen and read lips.

Each takes its setting and its inputs (None where one is left out) and gives a tensor or several.
What changed between versions of ONNX (attributes that became inputs) is told by what is there.
"""

from .arithmetic import ARITHMETIC
from .layers import LAYERS
from .recurrent import RECURRENT
from .shapes import SHAPES

OPERATORS = ARITHMETIC | SHAPES | LAYERS | RECURRENT
