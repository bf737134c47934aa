"""Covers painted before real faces: are they noticed, and what becomes of the mouth beneath?

What the mouth does beneath a painted cover is known: the clip's own capture without it. Lips are
compared in head space, with what the two captures differ by while the mouth is seen (they find
slightly different people) taken out. Clips without sound count for what is noticed alone.

What is taken for covered in a clip as it is has a row of its own: there may be a real hand. Beside
the painted covers only that counts as false which the clip without them doesn't show.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter1d

from ..exchange.protocol import AVFaceError
from ..exchange.take import REGIONS
from ..faces import FaceOptions, FaceTrack, track_face
from ..fitting.landmark_track import posed_vertices
from ..geometry import embed
from ..head.model import FaceParams, Head
from ..media import Clip, open_clip, read_waveform
from ..media.writing import write_film
from ..models.landmarks import LIPS
from ..options import CaptureOptions
from ..pipeline import perform
from ..progress import Report
from ..sight.beneath import look_beneath
from ..sight.second_look import believed_points
from ..weights import load_head
from .covers_table import UNPAINTED, Row, figures_of, write_table
from .painted_hands import PART_KINDS
from .painting import HARMLESS, Cover, Kind, hidden_shares, paint_cover

# What is painted before which region, and whether for a third of the clip or all of it.
_PAINTED: tuple[tuple[Kind, str, bool], ...] = (
    ("skin", "mouth", False), ("dark", "mouth", False), ("pattern", "mouth", False),
    ("hand", "mouth", False), ("hand", "mouth", True), ("dark", "mouth", True),
    ("hand", "left_eye", False), ("dark", "left_eye", True), ("hair", "brows", False),
    ("glasses", "left_eye", True), ("shadow", "mouth", False),
    ("finger", "mouth", False), ("cheek", "mouth", False), ("chin", "mouth", False),
    ("cup", "mouth", False), ("food", "mouth", False), ("cheek", "mouth", True),
)  # fmt: skip
_PART = (0.27, 0.6)  # of the clip's frames
_HIDDEN = 0.7  # share of a region's points from which it counts as hidden
_BELIEVED = 0.5
_TOUCHED = 0.1  # hidden share of the lips' points from which a cover of a part counts
_BESIDE = 5  # frames next to a cover that count neither as covered nor as clear
_SHUT_MM, _MET_MM, _OPEN_MM = 0.8, 1.5, 5.0
_UPPER, _LOWER = (61, 62, 63), (67, 66, 65)


def evaluate_covers(
    folder: Path, report: Report, options: CaptureOptions | None = None
) -> tuple[str, dict]:
    """Paint covers on every clip of a folder that shows a face: a table, and its figures.

    Raises AVFaceError when there is no such clip.
    """
    options, head = options or CaptureOptions(), Head(load_head())
    rows = {UNPAINTED: Row()} | {_name(*painted): Row() for painted in _PAINTED}
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    used = 0
    for done, path in enumerate(paths):
        stage = report.part(path.stem[:12], done / len(paths), 1 / len(paths))
        try:
            clip = open_clip(path)
            if clip.kind != "video":
                continue
            track = track_face(clip, FaceOptions(), Report())
        except AVFaceError as error:
            report.warn(f"{path.name} is left out: {error.message}")
            continue
        _count_noticed(track, np.zeros(track.confidence.shape), rows[UNPAINTED])
        truth = perform(clip, head, options, Report(), track=track).fit.params
        for k, painted in enumerate(_PAINTED):
            row, number = rows[_name(*painted)], [done, k]
            try:
                _try_cover(clip, track, truth, painted, head, options, row, number)
            except AVFaceError as error:  # too little of the face is left
                report.warn(f"{path.name}, {_name(*painted)}, is left out: {error.message}")
            stage((k + 1) / len(_PAINTED))
        used += 1
    if not used:
        raise AVFaceError(f"{folder} holds no clip of a face.", "Choose another folder.")
    return write_table(rows, used), {name: figures_of(row) for name, row in rows.items()}


def _name(kind: str, region: str, whole: bool) -> str:
    return f"{kind}, {region.replace('_', ' ')}" + (", whole clip" if whole else "")


def _try_cover(
    clip: Clip,
    track: FaceTrack,
    truth: FaceParams,
    painted: tuple[Kind, str, bool],
    head: Head,
    options: CaptureOptions,
    row: Row,
    number: list[int],
) -> None:
    """One cover on one clip, into its row."""
    kind, region, whole = painted
    start, stop = (int(share * clip.frame_count) for share in ((0, 1) if whole else _PART))
    cover, points = Cover(kind, region, start, stop), []
    even = [side // 2 * 2 for side in reversed(clip.size)]

    def pictures():
        for picture, hides in paint_cover(clip, track, cover, np.random.default_rng(number)):
            points.append(hides)
            yield picture[: even[0], : even[1]]

    with tempfile.TemporaryDirectory(prefix="avface-covers-") as temporary:
        film = Path(temporary) / f"{clip.path.stem}.mp4"
        write_film(film, pictures(), clip.fps, read_waveform(clip))
        over = open_clip(film)
        seen = track_face(over, FaceOptions(), Report())
        hides = np.array(points)[: over.frame_count]  # (T, 478)
        if kind in PART_KINDS:
            hidden = _count_parts(look_beneath(over, seen, head), hides, row)
            _count_false(seen, hidden_shares(hides), row, track)
        else:
            hidden = _count_noticed(seen, hidden_shares(hides), row, track)
        if region != "mouth" or whole or kind in HARMLESS or not hidden.any() or not clip.has_sound:
            return
        for sense in ("picture", "both"):
            chosen = replace(options, senses=sense)
            mine = perform(over, head, chosen, Report(), track=seen).fit.params
            error, steps = _lip_error(mine, truth, head, hidden)
            row.lips.setdefault(sense, []).append(error)
        row.steps.append(steps)
        _count_closures(_gap_mm(mine, head), _gap_mm(truth, head), hidden, row)


def _count_noticed(
    seen: FaceTrack, shares: np.ndarray, row: Row, unpainted: FaceTrack | None = None
) -> np.ndarray:
    """Covers and false alarms into the row; frames (T,) in which the mouth is hidden."""
    frames = len(shares)
    alarm = seen.confidence[:frames] < _BELIEVED
    hidden = (shares >= _HIDDEN) & seen.seen[:frames, None]
    row.hidden += int(hidden.sum())
    row.noticed += int((alarm & hidden).sum())
    _count_false(seen, shares, row, unpainted)
    return shares[:, REGIONS.index("mouth")] >= _HIDDEN


def _count_false(
    seen: FaceTrack, shares: np.ndarray, row: Row, unpainted: FaceTrack | None = None
) -> None:
    """Clear regions that are taken for covered into the row, by the hidden `shares` (T, R).

    Where `unpainted`, the same clip without the painted cover, has an alarm too, it is not false.
    """
    frames = len(shares)
    alarm = (seen.confidence[:frames] < _BELIEVED) & seen.seen[:frames, None]
    near = maximum_filter1d(shares, 2 * _BESIDE + 1, axis=0) > 0
    row.clear += int((seen.seen[:frames, None] & ~near).sum())
    if unpainted is not None:
        alarm &= unpainted.confidence[:frames] >= _BELIEVED
    row.false += int((alarm & ~near).sum())


def _count_parts(seen: FaceTrack, hides: np.ndarray, row: Row) -> np.ndarray:
    """The lips' points that a cover of a part `hides` (T, 478) and leaves free, into the row.

    Returns the frames (T,) in which it hides some.
    """
    lips = list(LIPS)
    hidden = hides[:, lips]
    touched = (hidden.mean(1) >= _TOUCHED) & seen.seen[: len(hides)]
    believed = believed_points(seen)[: len(hides), lips] >= _BELIEVED
    here = touched[:, None]
    row.hidden += int((hidden & here).sum())
    row.noticed += int((~believed & hidden & here).sum())
    row.beside += int((~hidden & here).sum())
    row.kept += int((believed & ~hidden & here).sum())
    return touched


def _lip_error(
    mine: FaceParams, truth: FaceParams, head: Head, hidden: np.ndarray
) -> tuple[float, tuple[float, float]]:
    """Mean distance of the lips' vertices beneath the cover, mm; the largest steps, mine and true.

    A step is that of the vertex that moves most from one frame to the next.
    """
    used = np.flatnonzero(head.file.masks["lips"])
    ours, theirs = (1e3 * posed_vertices(head, p, used)[: len(hidden)] for p in (mine, truth))
    near = maximum_filter1d(hidden, 2 * _BESIDE + 1).astype(bool)
    apart = ours - theirs
    apart = apart - np.median(apart[~near], axis=0)
    steps = [
        np.linalg.norm(np.diff(p, axis=0), axis=2).max(1)[near[1:]].max() for p in (ours, theirs)
    ]
    return float(np.linalg.norm(apart[hidden], axis=2).mean()), (float(steps[0]), float(steps[1]))


def _gap_mm(params: FaceParams, head: Head) -> np.ndarray:
    """Opening of the inner lips, (T,)."""
    every = np.arange(len(head.file.template))
    faces, weights = head.file.landmarks_68
    used = np.unique(head.file.faces[faces[[*_UPPER, *_LOWER]]])
    vertices = np.zeros((len(every), len(params), 3))
    vertices[used] = posed_vertices(head, params, used).swapaxes(0, 1)
    points = [
        embed(vertices.reshape(len(every), -1), head.file.faces, (faces[list(k)], weights[list(k)]))
        for k in (_UPPER, _LOWER)
    ]
    apart = (points[0] - points[1]).reshape(len(_UPPER), len(params), 3)[..., 1]
    return np.maximum(1e3 * apart.mean(0), 0)


def _count_closures(gap: np.ndarray, true: np.ndarray, hidden: np.ndarray, row: Row) -> None:
    frames = len(hidden)
    gap, true = gap[:frames], true[:frames]
    near = np.minimum.reduce([gap, np.r_[gap[1:], gap[-1]], np.r_[gap[0], gap[:-1]]])
    shut, wide = hidden & (true < _SHUT_MM), hidden & (true > _OPEN_MM)
    row.shut += int(shut.sum())
    row.met += int((near[shut] < _MET_MM).sum())
    row.wide += int(wide.sum())
    row.wrong += int((gap[wide] < _MET_MM).sum())
