"""Every system on real clips, against other trackers' landmarks; lips of known words are read."""

from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from ..media import open_clip
from ..progress import Report
from ..weights import load_head
from .datasets import lrs3_clips
from .errors import LIPS
from .lip_table import LipTable
from .metrics import (
    CONTOUR_POINTS,
    SIGNALS,
    comparable_frames,
    correlation,
    face_signals,
    motion_error_mm,
)
from .referees import JUDGE, is_judged, judged_clips, referee_landmarks
from .systems import NAME_WIDTH, SYSTEMS, ask

_INNER = slice(CONTOUR_POINTS, 68)


def clip_table(folder: Path, lips: LipTable, report: Report) -> tuple[list[str], dict[str, dict]]:
    """Correlations with the referees and motion errors, medians over the clips; lips are read."""
    clips = _real_clips(folder)
    rows: dict[str, list[dict[str, float]]] = {system.name: [] for system in SYSTEMS}
    failed: dict[str, str] = {}
    for k, path in enumerate(clips):
        clip, head_file = open_clip(path), load_head()
        raw, sentence = None, lips.hear(path, clip)
        for system in SYSTEMS:  # the tracker's landmarks first
            if system.name in failed or (system.needs_sound and not clip.has_sound):
                continue
            try:
                answer = ask(system, clip, head_file, Report())
            except AVFaceError as error:
                failed[system.name] = error.message
                continue
            points = answer.landmarks
            raw = points if raw is None else raw
            if sentence is not None:
                lips.add(system.name, sentence, clip, answer)
            if is_judged(path):
                rows[system.name].append(_against_referees(path, points, raw))
        report((k + 1) / len(clips))
    keys = (*SIGNALS, "inner_mm", "lips_mm")
    lines = [
        f"Real clips: {len(clips)}, medians. Correlation with the referees (jaw: 3ddfa, the rest:",
        "ghost); motion of the inner 51 landmarks and of the lips against ghost, mm.",
        "",
        f"{'':{NAME_WIDTH}}" + "".join(f"{key:>10}" for key in keys),
    ]
    figures = {}
    for name, found in rows.items():
        if not found:
            why = f"not here: {failed[name]}" if name in failed else "no referee"
            lines.append(f"{name:{NAME_WIDTH}}{why}")
            continue
        medians = {key: float(np.nanmedian([row[key] for row in found])) for key in keys}
        figures[name] = medians
        lines.append(f"{name:{NAME_WIDTH}}" + "".join(f"{medians[key]:10.3f}" for key in keys))
    return lines, figures


def _real_clips(folder: Path) -> list[Path]:
    """Clips with referees; else LRS3's, whose lips can be read though nothing judges landmarks."""
    if not (folder / "referees").is_dir() and any(folder.glob("*/*.mp4")):
        return lrs3_clips(folder)
    return judged_clips(folder)


def _against_referees(clip: Path, points: np.ndarray, raw: np.ndarray) -> dict[str, float]:
    referees = referee_landmarks(clip, set(JUDGE.values()))
    count = min(len(points), len(raw), *map(len, referees.values()))
    everyone = {"raw": raw[:count]} | {who: p[:count] for who, p in referees.items()}
    good = comparable_frames(everyone) & np.isfinite(points[:count, 0, 0])
    mine = face_signals(np.where(good[:, None, None], points[:count], np.nan))
    row = {}
    for key in SIGNALS:
        judge = everyone.get(JUDGE[key], everyone["ghost"])
        row[key] = correlation(mine[key], np.where(good, face_signals(judge)[key], np.nan))
    ghost = everyone["ghost"]
    row["inner_mm"] = motion_error_mm(points[:count], ghost, _INNER, good)
    row["lips_mm"] = motion_error_mm(points[:count], ghost, LIPS, good)
    return row
