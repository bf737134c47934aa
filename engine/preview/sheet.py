"""NAME.sheet.png: the telling frames of a capture on one page."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.take import REGIONS, Take
from ..media import Clip, read_frames
from ..media.pictures import write_picture
from .crops import crop_of
from .panels import AMBER, LOW_CONFIDENCE, RED, Panels, write

_MARGIN, _CAPTION = 8, 26  # px
_SHUT_LIPS = 0.02  # of nose to chin: about 2 mm
_BLINK = 0.62  # of the usual opening
_PAPER, _BAR = (24, 25, 28), (96, 176, 120)


@dataclass(frozen=True)
class SheetOptions:
    """What the sheet holds."""

    frames: int = 12  # or as many as there are extremes
    columns: int = 2
    panel_height: int = 260  # px


def write_sheet(
    clip: Clip,
    take: Take,
    head_file: HeadFile,
    path: Path,
    options: SheetOptions | None = None,
) -> None:
    """Write clip | head over clip | head alone for the frames that tell most.

    The take's normal maps are looked for beside `path`. Raises AVFaceError when the picture can't
    be written.
    """
    options = options or SheetOptions()
    panels = Panels(take, head_file, path.parent)
    cells = []
    for frame, reason in telling_frames(take, options.frames).items():
        crop = crop_of(take, np.array([frame]), options.panel_height)
        if clip.kind == "sound":
            drawn = [panels.alone(frame, crop)]
        else:
            drawn = [
                panels.triple(picture, frame, crop, panels.relief(frame))
                for _, picture in read_frames(clip, frame, frame + 1)
            ]
        for cell in drawn:
            cells.append(np.vstack([_caption(take, frame, reason, cell.shape[1]), cell]))
    columns = 3 * options.columns if clip.kind == "sound" else options.columns
    page = _page(cells, columns)
    write_picture(page, path, compression=9)


def telling_frames(take: Take, count: int) -> dict[int, str]:
    """Frame -> why it is shown, in order of time: extremes first, then evenly spread ones.

    Extremes are sought where their region is believed, so that no guess stands for the
    performance; of the frames without a face one tells all.
    """
    marks = take.landmarks_px.astype(float)
    height = np.linalg.norm(marks[:, 27] - marks[:, 8], axis=1)  # bridge of the nose to the chin

    def gap(upper: int, lower: int) -> np.ndarray:
        return np.linalg.norm(marks[:, upper] - marks[:, lower], axis=1) / height

    mouth = gap(62, 66)
    eyes = gap(37, 41) + gap(38, 40) + gap(43, 47) + gap(44, 46)
    brows = gap(19, 37) + gap(24, 44)
    turn = np.linalg.norm(take.head_pose - np.median(take.head_pose, axis=0), axis=1)
    sure = dict(zip(REGIONS, take.confidence.T, strict=True))
    eyes_sure = np.minimum(sure["left_eye"], sure["right_eye"])
    seen = np.flatnonzero(take.found)
    chosen: dict[int, str] = {}
    if len(seen):
        told, looked = _believed(seen, sure["mouth"]), _believed(seen, eyes_sure)
        is_shut = mouth[told].min() < _SHUT_LIPS
        is_blink = eyes[looked].min() < _BLINK * np.median(eyes[looked])
        for reason, score, among in (
            ("mouth widest open", mouth, told),
            ("lips closed" if is_shut else "lips nearest", -mouth, told),
            ("blink" if is_blink else "eyes narrowest", -eyes, looked),
            ("widest lips", gap(48, 54), told), ("narrowest lips", -gap(48, 54), told),
            ("head turned most", turn, seen),
            ("brows highest", brows, _believed(seen, sure["brows"])),
            ("least sure", -take.confidence.min(1), seen),
        ):  # fmt: skip
            chosen.setdefault(int(among[np.argmax(score[among])]), reason)
    lost = _longest(~take.found)
    if len(lost):
        chosen.setdefault(int(lost[len(lost) // 2]), "")
    shown = seen if len(seen) else np.arange(take.frame_count)
    for frame in shown[np.linspace(0, len(shown) - 1, 4 * count).round().astype(int)]:
        if len(chosen) >= min(count, take.frame_count):
            break
        if min((abs(int(frame) - other) for other in chosen), default=count) * count > (
            len(shown) // 2
        ):
            chosen[int(frame)] = ""
    return dict(sorted(chosen.items()))


def _believed(frames: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Those of `frames` (n,) in which a region is believed, by its confidence (T,); or all."""
    believed = frames[confidence[frames] >= LOW_CONFIDENCE]
    return believed if len(believed) else frames


def _longest(mask: np.ndarray) -> np.ndarray:
    """The frames of the longest run of True in (T,) bool."""
    frames = np.flatnonzero(mask)
    runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    return max(runs, key=len)


def _caption(take: Take, frame: int, reason: str, width: int) -> np.ndarray:
    """Frame, time and why; the confidence of each region as a small bar on the right."""
    strip = np.full((_CAPTION, width, 3), _PAPER, np.uint8)
    write(strip, f"{frame}   {take.times[frame]:.2f} s   {reason}", (6, 18))
    if take.source.get("kind") == "sound":
        return strip  # no picture, no confidence in it
    left = width - 34 * len(REGIONS) - 4
    for k, value in enumerate(take.confidence[frame]):
        colour = _BAR if value >= LOW_CONFIDENCE else (AMBER if take.found[frame] else RED)
        x = left + 34 * k
        cv2.rectangle(strip, (x, 9), (x + 28, 17), (60, 62, 66), -1)
        cv2.rectangle(strip, (x, 9), (x + round(28 * float(value)), 17), colour, -1)
    return strip


def _page(cells: list[np.ndarray], columns: int) -> np.ndarray:
    """Cells on a dark page, each in the middle of its place."""
    width = max(cell.shape[1] for cell in cells) + _MARGIN
    height = max(cell.shape[0] for cell in cells) + _MARGIN
    rows = -(-len(cells) // columns)
    page = np.full((rows * height + _MARGIN, columns * width + _MARGIN, 3), _PAPER, np.uint8)
    for k, cell in enumerate(cells):
        top, left = _MARGIN + k // columns * height, _MARGIN + k % columns * width
        left += (width - _MARGIN - cell.shape[1]) // 2
        page[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return page
