"""The piece of a clip's picture that a preview shows."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..exchange.take import Take


@dataclass(frozen=True)
class Crop:
    """The piece of the clip's picture that is shown: px of the clip, and px of a panel."""

    left: float
    top: float
    width: float
    height: float
    panel: tuple[int, int]  # width, height

    @property
    def scale(self) -> float:
        """Panel px per clip px."""
        return self.panel[1] / self.height


def head_boxes(take: Take) -> np.ndarray:
    """The whole head's box from the 68 landmarks of each frame: (T, 4) x0, y0, x1, y1 px."""
    low, high = take.landmarks_px.min(1), take.landmarks_px.max(1)
    width, height = (high - low).T
    return np.stack(
        [
            low[:, 0] - 0.3 * width,
            low[:, 1] - 0.75 * height,
            high[:, 0] + 0.3 * width,
            high[:, 1] + 0.4 * height,
        ],
        axis=1,
    )


def crop_of(take: Take, frames: np.ndarray, panel_height: int) -> Crop:
    """A crop that holds the head in (nearly) all of `frames`, within the picture."""
    boxes = head_boxes(take)[frames]
    x0, y0 = np.percentile(boxes[:, :2], 3, axis=0)
    x1, y1 = np.percentile(boxes[:, 2:], 97, axis=0)
    (width, height), (cx, cy) = take.size, ((x0 + x1) / 2, (y0 + y1) / 2)
    tall = min(max(y1 - y0, (x1 - x0) * 0.75), height)
    wide = min(max(x1 - x0, tall * 0.8), width)
    left = np.clip(cx - wide / 2, 0, width - wide)
    top = np.clip(cy - tall / 2, 0, height - tall)
    panel = (2 * round(panel_height * wide / tall / 2), 2 * round(panel_height / 2))
    return Crop(float(left), float(top), float(wide), float(tall), panel)


def cut(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """The crop of a clip's picture at the panel's size."""
    # cv2 counts from pixel centres, crops and heads from corners
    centre = (crop.scale - 1) / 2
    shrink = np.array(
        [
            [crop.scale, 0, centre - crop.left * crop.scale],
            [0, crop.scale, centre - crop.top * crop.scale],
        ]
    )
    if crop.scale < 0.7:  # average, don't skip, when the picture is made smaller
        top, left = int(crop.top), int(crop.left)
        piece = picture[top : top + round(crop.height), left : left + round(crop.width)]
        return cv2.resize(piece, crop.panel, interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(
        picture, shrink, crop.panel, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
