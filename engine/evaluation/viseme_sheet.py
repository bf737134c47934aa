"""A contact sheet of visemes: for each, moments of real clips, the film's mouth beside the head's.

The moments are chosen by the sound alone (the speech referee's phones), never by how well the lips
turned out: of each viseme the longest sound of each clip whose face is seen, clips in turn. Where
the words aren't known, a moment must be of the same viseme in the phones that are heard one by one
and in those of the words that are recognised.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..media import open_clip, read_frames, read_waveform
from ..media.pictures import write_picture
from ..preview.crops import Crop, cut
from ..preview.panels import Panels, write
from ..progress import Report
from ..weights import load_head
from .alignment import (
    VISEMES,
    Phone,
    agreed_phones,
    heard_phones,
    heard_words,
    known_words,
)

_EACH = 3  # moments of a viseme
_PANEL = 210  # px, square
_LABEL = 104  # px
_SHORTEST_SECONDS = 0.04
_PAPER = (24, 25, 28)


@dataclass(frozen=True)
class _Moment:
    take: int
    frame: int
    phone: str
    seconds: float  # that the sound lasts


def write_viseme_sheet(folder: Path, path: Path, report: Report) -> str:
    """Draw the sheet from the takes of a folder; returns what it shows, one line a viseme.

    Raises AVFaceError when the folder holds no take with speech.
    """
    head_file, takes, heard = load_head(), [], []
    for place in sorted(folder.glob("*.take.npz")):
        take = Take.load(place)
        waveform = read_waveform(open_clip(Path(take.source["path"])))
        if take.source["kind"] != "video" or waveform is None or not len(waveform):
            continue
        try:
            phones = _sure_phones(waveform, known_words(Path(take.source["path"])))
        except AVFaceError as error:
            report.warn(f"{place.name} is left out: {error.message}")
            continue
        takes.append(take)
        heard.append(_moments(take, len(takes) - 1, phones))
    chosen = {name: _chosen(heard, names) for name, names in VISEMES.items()}
    if not any(chosen.values()):
        raise AVFaceError(f"{folder} holds no take with speech.", "Capture talking clips into it.")
    panels = [Panels(take, head_file, folder) for take in takes]
    rows = [_row(name, moments, takes, panels) for name, moments in chosen.items()]
    half = (len(rows) + 1) // 2
    columns = [np.vstack(part) for part in (rows[:half], rows[half:]) if part]
    write_picture(np.hstack(_padded(columns)), path, compression=9)
    return "\n".join(
        f"{name:12}"
        + ", ".join(f"{takes[m.take].actor} {m.phone} frame {m.frame}" for m in moments)
        for name, moments in chosen.items()
    )


def _sure_phones(waveform: np.ndarray, words: str | None) -> list[Phone]:
    """Phones of the known words; else those that two ways of hearing agree on."""
    phones = heard_phones(waveform, words)
    if words is not None or all(phone.name == "SIL" for phone in phones):
        return phones
    recognised = heard_words(waveform)
    return agreed_phones(phones, heard_phones(waveform, recognised)) if recognised else []


def _moments(take: Take, index: int, phones: list[Phone]) -> list[_Moment]:
    out = []
    for phone in phones:
        middle = (phone.start_seconds + phone.end_seconds) / 2
        frame = int(np.abs(take.times - middle).argmin())
        lasts = phone.end_seconds - phone.start_seconds
        seen = take.found[frame] and take.confidence[frame, 1] > 0.5
        if seen and lasts >= _SHORTEST_SECONDS and abs(take.times[frame] - middle) < 0.04:
            out.append(_Moment(index, frame, phone.name, lasts))
    return out


def _chosen(heard: list[list[_Moment]], names: tuple[str, ...]) -> list[_Moment]:
    """The longest of each clip, the longest first; further ones of the same clips to fill up."""
    own = [sorted((m for m in moments if m.phone in names), key=lambda m: -m.seconds)
           for moments in heard]  # fmt: skip
    in_turn = []
    for rank in range(_EACH):
        nth = [moments[rank] for moments in own if len(moments) > rank]
        in_turn += sorted(nth, key=lambda m: -m.seconds)
    return in_turn[:_EACH]


def _row(name: str, moments: list[_Moment], takes: list[Take], panels: list[Panels]) -> np.ndarray:
    row = np.full((_PANEL, _LABEL + 2 * _EACH * _PANEL, 3), _PAPER, np.uint8)
    write(row, name, (8, _PANEL // 2))
    for k, moment in enumerate(moments):
        take, drawn = takes[moment.take], panels[moment.take]
        crop = _mouth_crop(take, moment.frame)
        clip = open_clip(Path(take.source["path"]))
        for _, picture in read_frames(clip, moment.frame, moment.frame + 1):
            left = _LABEL + 2 * k * _PANEL
            row[:, left : left + _PANEL] = cut(picture, crop)
            row[:, left + _PANEL : left + 2 * _PANEL - 4] = drawn.alone(moment.frame, crop)[:, :-4]
            write(row, moment.phone.lower(), (left + 8, 24))
    return row


def _mouth_crop(take: Take, frame: int) -> Crop:
    """The lower face, as large in the panel whatever its size in the film."""
    marks = take.landmarks_px[frame].astype(float)
    side = 1.15 * float(np.linalg.norm(marks[27] - marks[8]))
    x, y = marks[48:68].mean(0) - side / 2
    return Crop(float(x), float(y), side, side, (_PANEL, _PANEL))


def _padded(columns: list[np.ndarray]) -> list[np.ndarray]:
    tallest = max(len(column) for column in columns)
    return [cv2.copyMakeBorder(column, 0, tallest - len(column), 0, 0, cv2.BORDER_CONSTANT,
                               value=_PAPER) for column in columns]  # fmt: skip
