"""Dense landmarks from a picture: points, their deviation, what is seen of each region, head turn.

A small ResNet down to 7 x 7, a feature pyramid back to a quarter of the picture, one heat-map a
point whose soft-argmax is the first guess; then each point looks at the fine features around its
guess, and all of them together say the correction.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# Points of MediaPipe's mesh (0-467) and its irises that the network finds.
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
        78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80,
        191)  # fmt: skip
LIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
        263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)  # fmt: skip
BROWS = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 71,
         276, 283, 282, 295, 285, 300, 293, 334, 296, 336, 301)  # fmt: skip
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67,
        109)  # fmt: skip
NOSE = (1, 2, 4, 5, 6, 168, 195, 197, 97, 326, 98, 327, 48, 278, 64, 294, 19, 94, 75, 305)
SKIN = (50, 280, 205, 425, 117, 346, 187, 411, 36, 266, 207, 427, 192, 416, 214, 434, 8, 9, 151,
        69, 299, 18, 200, 199, 175)  # fmt: skip
IRISES = tuple(range(468, 478))
POINTS = LIPS + LIDS + BROWS + OVAL + NOSE + SKIN + IRISES
REGIONS = ("face", "mouth", "left_eye", "right_eye", "left_brow", "right_brow")
PROFILE = ("agree.", "out.")  # of the layers that a face seen from the side has for itself
_SIGMA = (-5.5, 1.0)  # range of log deviations, in half crops
_AROUND = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))  # where a point looks, in fine cells


@dataclass(frozen=True)
class LandmarkNetConfig:
    """The network's size. The defaults are the lite network for two processor cores."""

    size: int = 112  # px along the picture
    widths: tuple[int, ...] = (32, 48, 96, 192)
    neck: int = 48
    fine: int = 24  # channels that a point looks at
    token: int = 16  # numbers that a point tells the others
    hidden: int = 256


FULL = LandmarkNetConfig(
    size=192, widths=(48, 96, 192, 320), neck=96, fine=48, token=24, hidden=512
)


class Maps(NamedTuple):
    """What the network makes of B pictures of S pixels before it looks for points."""

    fine: Tensor  # (B, config.fine, S / 2, S / 2)
    low: Tensor  # (B, widths[1], S / 4, S / 4)
    deep: Tensor  # (B, widths[3], S / 16, S / 16)
    up: Tensor  # (B, neck, S / 4, S / 4)


class Found(NamedTuple):
    """B pictures, L = len(POINTS). Places in half crops from the middle: x right, y down, -1..1."""

    points: Tensor  # (B, L, 2)
    guess: Tensor  # (B, L, 2) of the heat-maps alone
    log_sigma: Tensor  # (B, L)
    visible: Tensor  # (B, R) logits
    turn: Tensor  # (B, 3, 3) head axes to camera axes


def _convolve(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs), nn.ReLU(True),
    )  # fmt: skip


class _Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _convolve(inputs, outputs, 3, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        return torch.relu(self.shortcut(x) + self.second(self.first(x)))


class Told(NamedTuple):
    """What each point sees and tells the others, before they say anything together."""

    numbers: Tensor  # (B, N)
    guess: Tensor  # (B, L, 2)
    spread: Tensor  # (B, L) variance of the heat-maps


class LandmarkNet(nn.Module):
    """(B, 3, S, S) pictures in 0..255 -> Found."""

    def __init__(self, config: LandmarkNetConfig = LandmarkNetConfig()) -> None:
        super().__init__()
        self.config = config
        w0, w1, w2, w3 = config.widths
        neck, count = config.neck, len(POINTS)
        self.stem = _convolve(3, w0, 5, 2)
        self.stage1 = _Block(w0, w1, 2)
        self.stage2 = nn.Sequential(_Block(w1, w2, 2), _Block(w2, w2))
        self.stage3 = nn.Sequential(_Block(w2, w3, 2), _Block(w3, w3))
        self.side3, self.side2 = _convolve(w3, neck, 1), _convolve(w2, neck, 1)
        self.side1 = _convolve(w1, neck, 1)
        self.merge2, self.merge1 = _convolve(neck, neck), _convolve(neck, neck)
        self.heat = nn.Conv2d(neck, count, 1)
        self.fine = _convolve(w0, config.fine, 1)
        seen = neck + config.fine * len(_AROUND)
        self.look = nn.Parameter(torch.randn(count, seen, config.token) * (2 / seen) ** 0.5)
        self.look_bias = nn.Parameter(torch.zeros(count, 1, config.token))
        self.wide = _convolve(w3, 32, 1)
        cells = (config.size // 16) ** 2
        told = count * (config.token + 3) + 32 * cells + w3
        self.agree = nn.Sequential(
            nn.Linear(told, config.hidden), nn.ReLU(True),
            nn.Linear(config.hidden, config.hidden), nn.ReLU(True),
        )  # fmt: skip
        self.out = nn.Linear(config.hidden, 3 * count + len(REGIONS) + 6)
        nn.init.normal_(self.out.weight, 0, 0.003)
        nn.init.zeros_(self.out.bias)

    def forward(self, pictures: Tensor) -> Found:
        """See the class."""
        return self.find(self.map(pictures))

    def map(self, pictures: Tensor) -> Maps:
        """(B, 3, S, S) pictures in 0..255 -> what points, and covers, are found in."""
        fine = self.stem(normalised(pictures))
        low = self.stage1(fine)
        middle = self.stage2(low)
        deep = self.stage3(middle)
        up = self.merge2(
            functional.interpolate(self.side3(deep), scale_factor=2) + self.side2(middle)
        )
        up = self.merge1(functional.interpolate(up, scale_factor=2) + self.side1(low))
        return Maps(self.fine(fine), low, deep, up)

    def find(self, maps: Maps) -> Found:
        """Points, and what is said of the whole face."""
        return self.agreed(self.tell(maps))

    def tell(self, maps: Maps) -> Told:
        """What points tell of themselves."""
        fine, deep, up = maps.fine, maps.deep, maps.up
        guess, spread = soft_argmax(self.heat(up))
        tokens = self._look(up, fine, guess.detach())  # (B, L, token)
        scaled = _centred(guess)
        told = torch.cat([
            tokens.flatten(1), scaled.flatten(1), 0.5 * spread.log() + 2,
            self.wide(deep).flatten(1), deep.mean((2, 3)),
        ], 1)  # fmt: skip
        return Told(told, guess, spread)

    def agreed(self, told: Told) -> Found:
        """What all points together make of it: the last layers, of profiles others (`PROFILE`)."""
        guess, spread, count = told.guess, told.spread, len(POINTS)
        out = self.out(self.agree(told.numbers)).float()
        correction, log_sigma, visible, turn = out.split([2 * count, count, len(REGIONS), 6], 1)
        return Found(
            guess + correction.view(-1, count, 2), guess,
            (log_sigma + 0.5 * spread.log()).clamp(*_SIGMA), visible, turn_matrix(turn),
        )  # fmt: skip

    def _look(self, up: Tensor, fine: Tensor, guess: Tensor) -> Tensor:
        """What each point sees around its first guess, (B, L, token)."""
        step = 2.0 / fine.shape[-1]
        offsets = torch.tensor(_AROUND, dtype=torch.float32, device=guess.device) * step
        near = guess[:, :, None] + offsets  # (B, L, 5, 2)
        close = functional.grid_sample(fine.float(), near, align_corners=False)  # (B, C, L, 5)
        far = functional.grid_sample(up.float(), guess[:, :, None], align_corners=False)[..., 0]
        seen = torch.cat([close.permute(0, 2, 1, 3).flatten(2), far.permute(0, 2, 1)], 2)
        tokens = torch.bmm(seen.transpose(0, 1), self.look) + self.look_bias  # (L, B, token)
        return torch.relu(tokens).transpose(0, 1)


def normalised(pictures: Tensor) -> Tensor:
    """Pictures (N, C, H, W) of 0 to 255, each with mean 0 and deviation about 1."""
    away = pictures - pictures.mean((1, 2, 3), keepdim=True)
    squares = away.square().sum((1, 2, 3), keepdim=True)  # `std` takes ten times as long
    return away / ((squares / (pictures[0].numel() - 1)).sqrt() + 8)


def soft_argmax(heat: Tensor) -> tuple[Tensor, Tensor]:
    """Heat-maps (B, L, h, w) -> places (B, L, 2) in -1..1, and their variance (B, L)."""
    height, width = heat.shape[-2:]
    rows = heat.float().flatten(2).contiguous()  # along its memory a softmax takes a quarter
    share = rows.softmax(2).unflatten(2, (height, width))
    x = (torch.arange(width, device=heat.device) + 0.5) * (2 / width) - 1
    y = (torch.arange(height, device=heat.device) + 0.5) * (2 / height) - 1
    across, down = share.sum(2), share.sum(3)  # (B, L, w), (B, L, h)
    place = torch.stack([across @ x, down @ y], 2)
    variance = across @ x.square() + down @ y.square() - place.square().sum(2)
    return place, variance.clamp_min(1e-5)


def _centred(points: Tensor) -> Tensor:
    away = points - points.mean(1, keepdim=True)
    size = away.square().sum(2, keepdim=True).mean(1, keepdim=True).sqrt() + 1e-3
    return 2 * away / size


def turn_matrix(six: Tensor) -> Tensor:
    """Rotation of two columns (B, 6), 0 for none (Zhou et al. 2019): (B, 3, 3)."""
    first = functional.normalize(six[:, :3] + six.new_tensor([1.0, 0, 0]), dim=1)
    second = six[:, 3:] + six.new_tensor([0, 1.0, 0])
    second = functional.normalize(second - (first * second).sum(1, keepdim=True) * first, dim=1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], 2)
