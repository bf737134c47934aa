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
from .outlines import soften
from .studio import Relief, Shot, Sitter, draw

LOW_CONFIDENCE = 0.5
RED, AMBER, WHITE = (224, 62, 54), (240, 176, 48), (240, 240, 240)
_TEXTURE_SIDE, _RELIEF_SIDE = 640, 1024  # px of the sheet: a preview shows nothing finer
_WHOLE = 0.985  # share of the face from which on it hides the film; up to 1, but for fallen hair
_DIMLY = 0.4  # where no face was found
_DARKER = 0.25, 0.55  # log sRGB: skin in shade, hair
_SOFT_HAIR, _SOFT_RIM = 0.004, 0.012  # of the panel's height: hair, and where it may lie
_GRADE_STEP, _LEAST_GRADED = 4, 100  # every so many px is looked at; with fewer of them no grade
_LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)
# sRGB, of a face's strongest colour. In a darker film the head stays just visible; where a picture
# is black up to _BLACK there is nothing else to see, and it stands out.
_DARKEST_FACE, _IN_BLACK, _BLACK = 48, 110, 6
_FONT, _LETTERS = cv2.FONT_HERSHEY_SIMPLEX, 0.55


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
        return Sitter(head, self.take.shape, texture, self.take.hair, self.take.hair_hangs)

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
        row = np.hstack(
            [
                clip,
                _over_clip(clip, shot, found, self._bare_above(frame, crop)),
                before_backdrop(shot),
            ]
        )
        if not found:
            cv2.rectangle(row, (0, 0), (row.shape[1] - 1, row.shape[0] - 1), RED, 6)
            write(row, "face not found", (12, 30), RED)
        else:
            self._mark_doubts(row, frame, crop.panel[0])
        return row

    def alone(self, frame: int, crop: Crop) -> np.ndarray:
        """The head alone, of a take without pictures: (h, w, 3) uint8; safe in threads."""
        return before_backdrop(self.shoot(frame, crop, None))

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


def cut(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """The crop of a clip's picture at the panel's size."""
    shrink = np.array(
        [[crop.scale, 0, -crop.left * crop.scale], [0, crop.scale, -crop.top * crop.scale]]
    )
    if crop.scale < 0.7:  # average, don't skip, when the picture is made smaller
        top, left = int(crop.top), int(crop.left)
        piece = picture[top : top + round(crop.height), left : left + round(crop.width)]
        return cv2.resize(piece, crop.panel, interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(
        picture, shrink, crop.panel, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


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


def _over_clip(clip: np.ndarray, shot: Shot, found: bool, bare: int) -> np.ndarray:
    """The face over the clip, fading into it towards hair, ears and neck.

    In the clip's light, read above the row `bare`: what differs from the film then is form, not the
    studio's lamps.
    """
    colour = _graded(clip, shot, bare) if found else shot.colour
    inside = shot.face.astype(np.float32) / 255
    alpha = np.minimum(inside / _WHOLE, 1) * (shot.bare.astype(np.float32) / 255)
    if found:
        beside = np.minimum((1 - inside[::2, ::2]) / (1 - _WHOLE), 1)
        hair = cv2.GaussianBlur(beside, (0, 0), len(beside) * _SOFT_RIM)
        hair *= _fallen_hair(clip, colour, shot.face == 255)
        alpha *= 1 - cv2.resize(hair, clip.shape[1::-1])
    else:
        alpha *= _DIMLY
    over = cv2.blendLinear(
        colour, clip, np.ascontiguousarray(alpha), np.ascontiguousarray(1 - alpha)
    )
    soften(over, shot.outline & (alpha > 0))
    return over


def _fallen_hair(clip: np.ndarray, colour: np.ndarray, face: np.ndarray) -> np.ndarray:
    """How far film and head over it differ in lightness, softly, (H / 2, W / 2) from 0 to 1.

    Near the hairline that is hair before the forehead, or the head's where the film shows skin. In
    a dark film all is darker: what counts is by how much more than in the face (H, W).
    """
    log = np.log(np.arange(256, dtype=np.float32) + 8)
    head, film = (cv2.LUT(np.ascontiguousarray(p[::2, ::2]), log) for p in (colour, clip))
    darker = cv2.transform(head - film, np.full((1, 3), 1 / 3))
    here = darker[::2, ::2][face[::4, ::4]]
    darker -= np.median(here) if len(here) else 0
    hair = np.clip((np.abs(darker) - _DARKER[0]) / (_DARKER[1] - _DARKER[0]), 0, 1)
    return cv2.GaussianBlur(hair, (0, 0), len(hair) * _SOFT_HAIR)


def _graded(clip: np.ndarray, shot: Shot, bare: int) -> np.ndarray:
    """The head with its face as bright and as coloured as what it hides, (H, W, 3) uint8.

    A gain on sRGB is a gain on light, as both are powers of it. In a film of one colour the head
    has one: a gain that takes the skin's red away would leave teeth green.
    """
    colour = shot.filmed if shot.filmed.any() else shot.colour
    grey = colourless(clip)
    if grey > 0:
        colour = cv2.transform(colour, (1 - grey) * np.eye(3) + grey * _LUMA)
    here = slice(None, bare, _GRADE_STEP), slice(None, None, _GRADE_STEP)
    face = (shot.face[here] > 250) & (shot.bare[here] > 250)
    if face.sum() < _LEAST_GRADED:
        return colour
    film, head = (np.median(p[here][face], axis=0) + 1 for p in (clip, colour))
    visible = np.interp(film.max(), (1, 1 + _BLACK), (_IN_BLACK, _DARKEST_FACE))
    gain = film / head * max(visible / film.max(), 1)
    curves = np.clip(np.arange(256)[:, None] * gain, 0, 255).round().astype(np.uint8)  # (256, 3)
    return cv2.LUT(colour, curves[:, None])


def before_backdrop(shot: Shot) -> np.ndarray:
    """The head before the studio's backdrop."""
    height, width = shot.coverage.shape
    alpha = shot.coverage.astype(np.float32) / 255
    picture = cv2.blendLinear(shot.colour, _backdrop(width, height), alpha, 1 - alpha)
    soften(picture, shot.outline)
    return picture


_BACKDROPS: dict[tuple[int, int], np.ndarray] = {}


def _backdrop(width: int, height: int) -> np.ndarray:
    """A dark cloth with a soft light on it, (height, width, 3) uint8."""
    if (width, height) not in _BACKDROPS:
        y, x = np.mgrid[:height, :width]
        distance = np.hypot((x / width - 0.5) * 1.1, y / height - 0.45)
        glow = np.clip(1 - distance / 0.85, 0, 1)[..., None] ** 1.5
        cloth = np.array([30, 32, 36]) + glow * np.array([52, 56, 62])
        grain = np.random.default_rng(0).uniform(-0.5, 0.5, cloth.shape)  # no bands
        _BACKDROPS.clear()
        _BACKDROPS[width, height] = np.round(cloth + grain).astype(np.uint8)
    return _BACKDROPS[width, height]


def _read_relief(path: Path) -> np.ndarray:
    """A normal map (h, w, 4) uint8, no larger than a preview needs."""
    picture = read_picture(path, alpha=True)
    if len(picture) > _RELIEF_SIDE:
        side = (_RELIEF_SIDE, _RELIEF_SIDE)
        picture = cv2.resize(picture, side, interpolation=cv2.INTER_AREA)
    return picture
