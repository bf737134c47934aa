"""AVFace's fine stage: relief of the skin in UV, from the unwrapped picture and the sound."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .backbones import resnet18, resnet50
from .config import Config

_BUILDERS = {"resnet18": resnet18, "resnet50": resnet50}


class UpBlock(nn.Module):
    """Twice the size, joined with the encoder's map of that size, two convolutions."""

    def __init__(self, inputs: int, skipped: int, outputs: int):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(inputs + skipped, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """(N, C, H, W), and maybe (N, skipped, 2 H, 2 W) -> (N, outputs, 2 H, 2 W)."""
        x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.convolutions(x if skip is None else torch.cat([x, skip], 1))


class FineNetwork(nn.Module):
    """UNet-ResNet (Abrevaya et al. 2020) with one output channel, metres along the coarse normal.

    The frame's sound (16, 29) is stretched over the third layer's map and joined as its last
    channel (open: how; bilinearly here). (open) The picture comes unwrapped to UV, where the
    relief is predicted; `fine_channels` 6 adds the coarse normals.
    """

    def __init__(self, config: Config):
        super().__init__()
        assert config.fine_sound_layer == 3, "the encoder takes the sound after its third layer"
        self.limit = config.displacement_limit
        self.sound = config.audio_steps, config.audio_channels
        build = _BUILDERS[config.fine_backbone]
        width = config.fine_width
        self.encoder = build(pictures=config.fine_channels, extra=1, width=width)
        stem, one, two, three, four = self.encoder.widths
        self.up4 = UpBlock(four, three + 1, 4 * width)
        self.up3 = UpBlock(4 * width, two, 2 * width)
        self.up2 = UpBlock(2 * width, one, width)
        self.up1 = UpBlock(width, stem, width)
        self.up0 = UpBlock(width, 0, width // 2)
        self.last = nn.Conv2d(width // 2, 1, 3, 1, 1)

    def forward(self, unwrapped: Tensor, sound: Tensor) -> Tensor:
        """(N, C, U, U) in 0..1 and (N, 16, 29) -> D (N, 1, U, U) metres, within the limit."""
        stem = self.encoder.stem(unwrapped)  # (N, width, U / 2, U / 2)
        one = self.encoder.layer1(self.encoder.maxpool(stem))
        two = self.encoder.layer2(one)
        three = self.encoder.layer3(two)  # (N, C, U / 16, U / 16)
        heard = functional.interpolate(
            sound[:, None], three.shape[2:], mode="bilinear", align_corners=False
        )
        three = torch.cat([three, heard], 1)
        x = self.up4(self.encoder.layer4(three), three)
        x = self.up1(self.up2(self.up3(x, two), one), stem)
        return self.limit * torch.tanh(self.last(self.up0(x, None)))

    def silence(self, count: int) -> Tensor:
        """What stands for the sound of pictures that have none, (count, 16, 29)."""
        return torch.zeros(count, *self.sound)
