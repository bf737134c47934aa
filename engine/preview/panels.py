"""One frame of a capture as pictures to judge: clip | head over clip | head alone.

All three show the same piece of the clip's picture at the same scale, so that a feature lies at
the same place in each.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..detail.complexion import person_texture
from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import REGIONS, Take
from ..head.model import FaceParams, Head, params_of
from ..media.hues import colourless
from ..media.pictures import read_picture
from .crops import Crop, cut
from .overlay import before_backdrop, over_clip
from .sitter import Sitter
from .studio import Relief, Shot, draw

LOW_CONFIDENCE = 0.5
RED, AMBER, WHITE = (224, 62, 54), (240, 176, 48), (240, 240, 240)
_TEXTURE_SIDE, _RELIEF_SIDE = 640, 1024  # px of the sheet: a preview shows nothing finer
_BRIDGED_SECONDS = 0.5  # from a face, in which the head over the film shows how a gap is crossed
_FONT, _LETTERS = cv2.FONT_HERSHEY_SIMPLEX, 0.55


@dataclass(frozen=True)
class Panels:
    """Draws the frames of one take; `folder` is where the take's pictures lie."""

    take: Take
    head_file: HeadFile
    folder: Path

    def __post_init__(self) -> None:
        if self.take.head["sha256"] != self.head_file.sha256:
            raise AVFaceError(
                f"The take was made for another head ({self.take.head['name']}).",
                "Give the head that it was captured with, or capture the clip again.",
            )

    @cached_property
    def params(self) -> FaceParams:
        """The take's parameters."""
        return params_of(self.take)

    @cached_property
    def sitter(self) -> Sitter:
        """The take's person, in the colours that lie beside it."""
        head, colours = Head(self.head_file), self.folder / self.take.albedo_image
        if colours.is_file():
            side = (_TEXTURE_SIDE, _TEXTURE_SIDE)
            texture = cv2.resize(read_picture(colours), side, interpolation=cv2.INTER_AREA)
        else:
            texture = person_texture(head, self.take.albedo, _TEXTURE_SIDE)
        take = self.take
        return Sitter(
            head, take.shape, texture, take.hair, take.hair_hangs, take.hair_falls,
            take.hair_parting,
        )  # fmt: skip

    @cached_property
    def _loaded(self) -> dict[str, np.ndarray]:
        return {}

    def shoot(self, frame: int, crop: Crop, relief: Relief | None) -> Shot:
        """The head at `frame`, seen by the clip's camera through `crop`; safe in threads."""
        vertices = self.sitter.head.camera_frame(self.params, frame, self.sitter.rest)
        width, height = self.take.size
        return draw(
            self.sitter, vertices, self.take.focal * crop.scale, crop.panel, relief,
            ((width / 2 - crop.left) * crop.scale, (height / 2 - crop.top) * crop.scale),
            self.take.light if np.any(self.take.light) else None,
        )  # fmt: skip

    def triple(
        self, picture: np.ndarray, frame: int, crop: Crop, relief: Relief | None
    ) -> np.ndarray:
        """Clip, head over clip and head alone side by side: (h, 3 w, 3) uint8; safe in threads."""
        clip = cut(picture, crop)
        shot = self.shoot(frame, crop, relief)
        found = bool(self.take.found[frame])
        over = clip
        if self._lost_seconds(frame) <= _BRIDGED_SECONDS:
            bare = self._bare_above(frame, crop)  # a crop that is all skin has one hue, too
            over = over_clip(clip, shot, found, bare, colourless(picture))
        row = np.hstack([clip, over, before_backdrop(shot)])
        if not found:
            cv2.rectangle(row, (0, 0), (row.shape[1] - 1, row.shape[0] - 1), RED, 6)
            write(row, "face not found", (12, 30), RED)
        else:
            self._mark_doubts(row, frame, crop.panel[0])
        return row

    def alone(self, frame: int, crop: Crop) -> np.ndarray:
        """The head alone, of a take without pictures: (h, w, 3) uint8; safe in threads."""
        return before_backdrop(self.shoot(frame, crop, None))

    def _lost_seconds(self, frame: int) -> float:
        """Seconds from a frame to the nearest one with a face; 0 where none has one."""
        seen = self.take.times[self.take.found]
        return float(np.abs(seen - self.take.times[frame]).min()) if len(seen) else 0.0

    def _bare_above(self, frame: int, crop: Crop) -> int:
        """The row of the panel above which the film shows the face itself: a cover's colour is no
        skin's.
        """
        if self.take.confidence[frame, REGIONS.index("mouth")] >= LOW_CONFIDENCE:
            return crop.panel[1]
        nose = float(self.take.landmarks_px[frame, 30, 1])
        return int(np.clip((nose - crop.top) * crop.scale, 0, crop.panel[1]))

    def _mark_doubts(self, row: np.ndarray, frame: int, left: int) -> None:
        """Name the regions that should not be trusted at this frame, on the middle panel."""
        names = [
            name.replace("_", " ")
            for name, value in zip(REGIONS, self.take.confidence[frame], strict=True)
            if value < LOW_CONFIDENCE
        ]
        for line, name in enumerate(names):
            write(row, f"unsure: {name}", (left + 12, 30 + 24 * line), AMBER)

    def relief(self, frame: int) -> Relief | None:
        """The normal maps about this frame, read when first wanted; None when there are none."""
        take, names = self.take, self.take.dynamic_normals
        if names and take.detail_times is not None:
            after = int(np.searchsorted(take.detail_times, take.times[frame], side="right"))
            first, second = max(after - 1, 0), min(after, len(names) - 1)
            span = take.detail_times[second] - take.detail_times[first]
            mix = (take.times[frame] - take.detail_times[first]) / span if span > 0 else 0.0
            wanted = (names[first], names[second])
        elif take.static_normals:
            wanted, mix = (take.static_normals,) * 2, 0.0
        else:
            return None
        for old in set(self._loaded) - set(wanted):
            del self._loaded[old]
        for name in wanted:
            if name not in self._loaded:
                self._loaded[name] = _read_relief(self.folder / name)
        return Relief(self._loaded[wanted[0]], self._loaded[wanted[1]], float(np.clip(mix, 0, 1)))


def write(picture: np.ndarray, text: str, place: tuple[int, int], colour: tuple = WHITE) -> None:
    """Letters with a dark rim, in place, smaller where the picture ends before them.

    `place` is where their foot begins, px.
    """
    x, y = place
    (wide, _), _ = cv2.getTextSize(text, _FONT, _LETTERS, 1)
    size = _LETTERS * min(1.0, max(picture.shape[1] - x - 4, 1) / wide) if text else _LETTERS
    top, left = max(y - 20, 0), max(x - 4, 0)
    strip = picture[top : y + 10, left : x + 14 * len(text)]  # a view: drawn here, seen there
    letters = np.zeros(strip.shape[:2], np.uint8)
    cv2.putText(letters, text, (x - left, y - top), _FONT, size, 255, 1, cv2.LINE_AA)
    rim = cv2.GaussianBlur(cv2.dilate(letters, np.ones((3, 3), np.uint8)), (5, 5), 0)
    for shade, mask in (((16, 16, 16), rim), (colour, letters)):
        alpha = mask[..., None] / 255
        strip[:] = np.round(strip * (1 - alpha) + np.array(shade) * alpha)


def _read_relief(path: Path) -> np.ndarray:
    """A normal map (h, w, 4) uint8, no larger than a preview needs."""
    picture = read_picture(path, alpha=True)
    if len(picture) > _RELIEF_SIDE:
        side = (_RELIEF_SIDE, _RELIEF_SIDE)
        picture = cv2.resize(picture, side, interpolation=cv2.INTER_AREA)
    return picture
