"""Where the rows of teeth end in an open mouth: a small network that looks between the lips."""

import numpy as np
import torch
from torch import Tensor, nn

ROWS, COLUMNS = 28, 14  # of a picture
FIRST, LAST = -0.4, 1.4  # where its first and last row lie: 0 the upper inner lip, 1 the lower
_NARROWED = 4  # columns, before they are looked at together
_USUAL_GAP = 0.15  # between the lips, over the way between the eyes' outer corners
_DARK = 8.0  # of 255: noise of dark pixels
_LIGHT = np.array([0.299, 0.587, 0.114], np.float32)


class RowsNet(nn.Module):
    """Pictures (B, 3, ROWS, COLUMNS) by `beside_skin`, gaps (B,) -> logits (B, 2, ROWS).

    How likely the upper row ends, and the lower begins, in each of the picture's rows; a row of
    teeth that a lip hides ends beyond it. `gaps` are the lips' over the way between the eyes' outer
    corners.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(5, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 24, 3, (1, 2), padding=1)
        self.third = nn.Conv2d(24, 24, 3, (1, 2), padding=1)
        self.together = nn.Conv1d(24 * _NARROWED, 40, 3, padding=1)
        reaches = (2, 4, 8, 1)  # a row's surroundings are the whole picture
        self.further = nn.ModuleList(nn.Conv1d(40, 40, 3, padding=r, dilation=r) for r in reaches)
        self.out = nn.Conv1d(40, 2, 1)

    def forward(self, pictures: Tensor, gaps: Tensor) -> Tensor:
        """See the class."""
        plane = (len(pictures), 1, ROWS, COLUMNS)
        gap = (gaps / _USUAL_GAP).log()[:, None, None, None].expand(plane)
        height = torch.linspace(-1, 1, ROWS, device=gaps.device)[:, None].expand(plane)
        x = torch.cat([pictures, gap, height], 1)
        for layer in (self.first, self.second, self.third):
            x = torch.relu(layer(x))
        x = torch.relu(self.together(x.transpose(2, 3).flatten(1, 2)))
        for layer in self.further:
            x = x + torch.relu(layer(x))
        return self.out(x)


def edges_of(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the edges' places by logits (B, 2, ROWS): (B, 2) each."""
    places = torch.linspace(FIRST, LAST, ROWS, device=logits.device)
    chance = logits.softmax(2)
    mean = chance @ places
    spread = (chance * (places - mean[..., None]) ** 2).sum(2)
    return mean, spread.sqrt()


def beside_skin(pictures: np.ndarray, skin: np.ndarray) -> Tensor:
    """Log of light, red and blue over green, all beside the skin's: what RowsNet sees.

    Args:
        pictures: (N, ROWS, COLUMNS, 3) uint8 RGB.
        skin: (N, 3) RGB of the face's skin.

    Returns:
        (N, 3, ROWS, COLUMNS) float32.
    """
    over = np.log(pictures.astype(np.float32) + np.float32(_DARK))
    over -= np.log(skin.astype(np.float32) + np.float32(_DARK))[:, None, None]
    light, green = over @ _LIGHT, over[..., 1]
    return torch.from_numpy(np.stack([light, over[..., 0] - green, over[..., 2] - green], 1))
