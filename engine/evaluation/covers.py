"""Covers painted before real faces: are they noticed, and what becomes of the mouth beneath?

What the mouth does beneath a painted cover is known: the clip's own capture without it. Lips are
compared in head space, with what the two captures differ by while the mouth is seen (they find
slightly different people) taken out. Clips without sound count for what is noticed alone.

What is taken for covered in a clip as it is has a row of its own: there may be a real hand. Beside
the painted covers only that counts as false which the clip without them doesn't show.
"""

import tempfile
from dataclasses import dataclass, field, replace
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
from ..options import CaptureOptions
from ..pipeline import perform
from ..progress import Report
from ..weights import load_head
from .painting import HARMLESS, Cover, Kind, paint_cover
from .testset import write_film

# What is painted before which region, and whether for a third of the clip or all of it.
_PAINTED: tuple[tuple[Kind, str, bool], ...] = (
    ("skin", "mouth", False), ("dark", "mouth", False), ("pattern", "mouth", False),
    ("hand", "mouth", False), ("hand", "mouth", True), ("dark", "mouth", True),
    ("hand", "left_eye", False), ("dark", "left_eye", True), ("hair", "brows", False),
    ("glasses", "left_eye", True), ("shadow", "mouth", False),
)  # fmt: skip
_PART = (0.27, 0.6)  # of the clip's frames
_HIDDEN = 0.7  # share of a region's points from which it counts as hidden
_BELIEVED = 0.5
_BESIDE = 5  # frames next to a cover that count neither as covered nor as clear
_SHUT_MM, _MET_MM, _OPEN_MM = 0.8, 1.5, 5.0
_UNPAINTED = "nothing painted"
_UPPER, _LOWER = (61, 62, 63), (67, 66, 65)


@dataclass
class _Row:
    """One kind of cover over all clips."""

    hidden: int = 0  # frames of regions
    noticed: int = 0
    clear: int = 0
    false: int = 0
    lips: dict[str, list[float]] = field(default_factory=dict)  # mm, by sense and clip
    shut: int = 0  # frames of truly shut lips beneath the cover
    met: int = 0
    wide: int = 0
    wrong: int = 0
    steps: list[tuple[float, float]] = field(default_factory=list)  # largest, and the true one


def evaluate_covers(
    folder: Path, report: Report, options: CaptureOptions | None = None
) -> tuple[str, dict]:
    """Paint covers on every clip of a folder that shows a face: a table, and its figures.

    Raises AVFaceError when there is no such clip.
    """
    options, head = options or CaptureOptions(), Head(load_head())
    rows = {_UNPAINTED: _Row()} | {_name(*painted): _Row() for painted in _PAINTED}
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
        _count_noticed(track, np.zeros(track.confidence.shape), rows[_UNPAINTED])
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
    return _table(rows, used), {name: _figures(row) for name, row in rows.items()}


def _name(kind: str, region: str, whole: bool) -> str:
    return f"{kind}, {region.replace('_', ' ')}" + (", whole clip" if whole else "")


def _try_cover(
    clip: Clip,
    track: FaceTrack,
    truth: FaceParams,
    painted: tuple[Kind, str, bool],
    head: Head,
    options: CaptureOptions,
    row: _Row,
    number: list[int],
) -> None:
    """One cover on one clip, into its row."""
    kind, region, whole = painted
    start, stop = (int(share * clip.frame_count) for share in ((0, 1) if whole else _PART))
    cover, shares = Cover(kind, region, start, stop), []
    even = [side // 2 * 2 for side in reversed(clip.size)]

    def pictures():
        for picture, share in paint_cover(clip, track, cover, np.random.default_rng(number)):
            shares.append(share)
            yield picture[: even[0], : even[1]]

    with tempfile.TemporaryDirectory(prefix="avface-covers-") as temporary:
        film = Path(temporary) / f"{clip.path.stem}.mp4"
        write_film(film, pictures(), read_waveform(clip), clip.fps)
        over = open_clip(film)
        seen = track_face(over, FaceOptions(), Report())
        frames = min(len(shares), over.frame_count)
        hidden = _count_noticed(seen, np.array(shares)[:frames], row, track)
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
    seen: FaceTrack, shares: np.ndarray, row: _Row, unpainted: FaceTrack | None = None
) -> np.ndarray:
    """Covers and false alarms into the row; frames (T,) in which the mouth is hidden.

    Where `unpainted`, the same clip without the painted cover, has an alarm too, it is not false.
    """
    frames = len(shares)
    for k, _ in enumerate(REGIONS):
        alarm = (seen.confidence[:frames, k] < _BELIEVED) & seen.seen[:frames]
        hidden = (shares[:, k] >= _HIDDEN) & seen.seen[:frames]
        near = maximum_filter1d(shares[:, k], 2 * _BESIDE + 1) > 0
        row.hidden += int(hidden.sum())
        row.noticed += int((alarm & hidden).sum())
        row.clear += int((seen.seen[:frames] & ~near).sum())
        if unpainted is not None:
            alarm &= unpainted.confidence[:frames, k] >= _BELIEVED
        row.false += int((alarm & ~near).sum())
    return shares[:, REGIONS.index("mouth")] >= _HIDDEN


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


def _count_closures(gap: np.ndarray, true: np.ndarray, hidden: np.ndarray, row: _Row) -> None:
    frames = len(hidden)
    gap, true = gap[:frames], true[:frames]
    near = np.minimum.reduce([gap, np.r_[gap[1:], gap[-1]], np.r_[gap[0], gap[:-1]]])
    shut, wide = hidden & (true < _SHUT_MM), hidden & (true > _OPEN_MM)
    row.shut += int(shut.sum())
    row.met += int((near[shut] < _MET_MM).sum())
    row.wide += int(wide.sum())
    row.wrong += int((gap[wide] < _MET_MM).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _figures(row: _Row) -> dict[str, float]:
    def median(values) -> float:
        return float(np.median(values)) if len(values) else float("nan")

    picture, both = (row.lips.get(sense, []) for sense in ("picture", "both"))
    return {
        "noticed": _share(row.noticed, row.hidden),
        "false_alarms": _share(row.false, row.clear),
        "lips_picture_mm": median(picture),
        "lips_both_mm": median(both),
        "ratio": median([b / p for p, b in zip(picture, both, strict=True)]),
        "shut_met": _share(row.met, row.shut),
        "shut_wrongly": _share(row.wrong, row.wide),
        "step_mm": median([mine for mine, _ in row.steps]),
        "true_step_mm": median([true for _, true in row.steps]),
    }


def _table(rows: dict[str, _Row], clips: int) -> str:
    painted = [row for name, row in rows.items() if name != _UNPAINTED]
    together = _Row(
        lips={
            sense: [e for row in painted for e in row.lips.get(sense, [])]
            for sense in ("picture", "both")
        },
        steps=[step for row in painted for step in row.steps],
        **{
            name: sum(getattr(row, name) for row in painted)
            for name in ("hidden", "noticed", "clear", "false", "shut", "met", "wide", "wrong")
        },
    )
    lines = [
        f"Painted covers on {clips} clips: hidden frames noticed; clear ones taken for covered by",
        "what is painted (all regions; in the first row what is taken for covered in the clips as",
        "they are); lip vertices beneath a covered mouth against the clip without the cover,",
        "mm, by the picture and by both senses (medians); truly shut lips that meet, wide ones",
        "shut; the largest step from frame to frame, and the true one, mm.",
        "",
        f"{'':26}{'noticed':>9}{'false':>8}{'picture':>9}{'both':>7}{'ratio':>7}{'shut':>7}"
        f"{'wrong':>7}{'step':>7}{'true':>7}",
    ]
    for name, row in {**rows, "all": together}.items():
        f = _figures(row)
        lines.append(
            f"{name:26}{f['noticed']:9.1%}{f['false_alarms']:8.2%}{f['lips_picture_mm']:9.2f}"
            f"{f['lips_both_mm']:7.2f}{f['ratio']:7.2f}{f['shut_met']:7.0%}"
            f"{f['shut_wrongly']:7.0%}{f['step_mm']:7.1f}{f['true_step_mm']:7.1f}"
        )
    return "\n".join(lines)
