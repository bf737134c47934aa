"""Networks that only look: their normalisation goes into the convolutions before it."""

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_normalisation(net: nn.Module) -> None:
    """Change `net` in place, for inference alone: each convolution does what follows it, too.

    In all parts that hold a convolution and its normalisation one after the other.
    """
    net.eval()
    for part in list(net.modules()):
        inner = part._modules
        for first, second in zip(list(inner), list(inner)[1:], strict=False):
            convolution, norm = inner[first], inner[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                inner[first], inner[second] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
