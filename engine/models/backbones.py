"""ResNet-18, ResNet-50 (He et al. 2016) and MobileNetV2 (Sandler et al. 2018).

The state dict's names are torchvision's, so that weights stored by it can be read. Pictures are
(N, 3, H, W) RGB in 0..1, as DECA's encoder takes them.
"""

from torch import Tensor, nn

from .config import Backbone
from .sight import SightBackbone

# Of MobileNetV2's bottlenecks: expansion, channels, repeats, stride of the first (table 2).
_BOTTLENECKS = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip
_DIVISOR = 8  # channels of a narrowed MobileNet are rounded to multiples of it


def build_backbone(
    name: Backbone, width: float = 1.0, inputs: int = 0, hidden: int = 0
) -> "ResNet | MobileNetV2 | SightBackbone":
    """A backbone without its classifier.

    Args:
        name: Which.
        width: Narrows a MobileNetV2.
        inputs: Of what is read from a picture, the first numbers that "landmarks" uses.
        hidden: Width of the layers behind landmarks.
    """
    if name == "landmarks":
        return SightBackbone(inputs, hidden)
    if name == "mobilenet_v2":
        return MobileNetV2(width)
    assert width == 1.0, f"{name} has one width"
    return resnet50() if name == "resnet50" else resnet18()


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width, H / stride, W / stride)."""
        kept = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + kept)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 convolutions and a shortcut; the stride lies in the 3 x 3 one."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int = 1):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 4 width, H / stride, W / stride)."""
        kept = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + kept)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """A residual network; without `classes` it ends in pooled features.

    Args:
        block: Its kind of block.
        repeats: Blocks in each of the four layers.
        classes: Outputs of `fc`; 0 leaves it out.
        pictures: Channels of the input.
        extra: Channels that the caller adds before the fourth layer.
        width: Channels of the stem and the first layer's blocks.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        repeats: tuple[int, int, int, int],
        classes: int = 0,
        pictures: int = 3,
        extra: int = 0,
        width: int = 64,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(pictures, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.widths, inputs = [width], width
        for k, count in enumerate(repeats):
            inner, blocks = width << k, []
            inputs += extra if k == 3 else 0
            for n in range(count):
                blocks.append(block(inputs, inner, stride=2 if n == 0 and k else 1))
                inputs = inner * block.expansion
            self.add_module(f"layer{k + 1}", nn.Sequential(*blocks))
            self.widths.append(inputs)  # of the stem and of each layer
        self.outputs = inputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes) if classes else nn.Identity()
        _initialise(self)

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def stem(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width, H / 2, W / 2), before the pooling."""
        return self.relu(self.bn1(self.conv1(images)))

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, `outputs`), or (N, classes)."""
        x = self.layer2(self.layer1(self.maxpool(self.stem(images))))
        x = self.layer4(self.layer3(x))
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(classes: int = 0, pictures: int = 3, extra: int = 0, width: int = 64) -> ResNet:
    """ResNet-18; 512 features."""
    return ResNet(BasicBlock, (2, 2, 2, 2), classes, pictures, extra, width)


def resnet50(classes: int = 0, pictures: int = 3, extra: int = 0, width: int = 64) -> ResNet:
    """ResNet-50; 2048 features."""
    return ResNet(Bottleneck, (3, 4, 6, 3), classes, pictures, extra, width)


class InvertedResidual(nn.Module):
    """Expand 1 x 1, filter 3 x 3 channel by channel, project 1 x 1 without activation."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        expand = [_convolution(inputs, hidden, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            _convolution(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, outputs, H / stride, W / stride)."""
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """MobileNetV2; without `classes` it ends in pooled features, 1280 of them at width 1 or less.

    The dropout that stands before the published classifier holds no weights and is left out.
    """

    def __init__(self, width: float = 1.0, classes: int = 0):
        super().__init__()
        inputs = _narrowed(32, width)
        blocks: list[nn.Module] = [_convolution(3, inputs, 3, 2)]
        for expansion, channels, repeats, stride in _BOTTLENECKS:
            outputs = _narrowed(channels, width)
            for n in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, stride if n == 0 else 1, expansion))
                inputs = outputs
        last = _narrowed(1280, max(1.0, width))
        blocks.append(_convolution(inputs, last, 1))
        self.outputs = last
        self.features = nn.Sequential(*blocks)
        # torchvision's classifier is (dropout, linear): the linear layer's name is classifier.1
        tail = [nn.Identity(), nn.Linear(last, classes)] if classes else []
        self.classifier = nn.Sequential(*tail)
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 1280), or (N, classes)."""
        return self.classifier(self.features(images).mean((2, 3)))


def _convolution(
    inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


def _initialise(network: nn.Module) -> None:
    """He et al. 2015: variance kept from the output backwards; normalisations begin neutral."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _narrowed(channels: int, width: float) -> int:
    """Rounded to a multiple of 8, never down by more than a tenth (Sandler et al., their code)."""
    value = channels * width
    rounded = max(_DIVISOR, int(value + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * value else rounded
