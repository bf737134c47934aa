"""Picture alone, sound alone, both, and both with refined lips, side by side on the same clips.

The speech referee (`evaluation.speech`) judges every clip with speech; trackers that the product
doesn't use judge gap, width and jaw where the folder has their landmarks (`evaluation.report`).
Sound is no witness of its own in these figures: neither judge shares anything with it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..faces import FaceOptions, FaceTrack, track_face
from ..media import Clip, open_clip
from ..options import CaptureOptions
from ..pipeline import capture_motion
from ..progress import Report
from ..weights import load_head
from .metrics import correlation, face_signals
from .referees import JUDGE, referee_landmarks
from .speech import score_take, total

_SIGNALS = ("gap", "width", "jaw")  # that the referees judge
_MODES: tuple[Literal["picture", "sound", "both"], ...] = ("picture", "sound", "both")


def evaluate_senses(folder: Path, report: Report) -> tuple[str, dict]:
    """Capture every clip of a folder that shows a face and speaks: a table, and all figures.

    Raises AVFaceError when there is none.
    """
    head_file, figures = load_head(), {}
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    for done, path in enumerate(paths):
        stage = report.part(path.stem[:12], done / len(paths), 1 / len(paths))
        try:
            clip = open_clip(path)
            if clip.kind != "video" or not clip.has_sound:
                continue
            track = track_face(clip, FaceOptions(), stage)
            scores = {
                mode: _score(take, path, head_file)
                for mode, take in _takes(clip, track, head_file, stage).items()
            }
        except AVFaceError as error:
            report.warn(f"{path.name} is left out: {error.message}")
            continue
        if all(scores.values()):
            figures[path.name] = scores
    if not figures:
        raise AVFaceError(f"{folder} holds no clip of a speaking face.", "Choose another folder.")
    return _table(figures), figures


def _takes(clip: Clip, track: FaceTrack, head_file: HeadFile, report: Report) -> dict[str, Take]:
    """Each way's take; refined lips have a row of their own where the capture makes them."""
    takes = {}
    for mode in _MODES:
        take = capture_motion(clip, head_file, CaptureOptions(senses=mode), report, track)
        takes[mode] = replace(take, lip_vertices=None, lip_shapes=None, lip_weights=None)
        if mode == "both" and take.lip_shapes is not None:
            takes["both + lips"] = take
    return takes


def _score(take: Take, clip: Path, head_file: HeadFile) -> dict | None:
    """Figures of one take of a clip; None where no speech is heard."""
    speech = score_take(take, head_file)
    if speech is None:
        return None
    signals, judges = face_signals(take.landmarks_px.astype(float)), referee_landmarks(clip)
    for signal in _SIGNALS:
        speech[signal] = float("nan")
        if JUDGE[signal] in judges:
            theirs = face_signals(judges[JUDGE[signal]])[signal]
            frames = min(len(theirs), take.frame_count)
            mine = np.where(take.found, signals[signal], np.nan)
            speech[signal] = correlation(mine[:frames], theirs[:frames])
    return speech


def _table(figures: dict[str, dict]) -> str:
    lines = [
        "Closures of p, b, m met (the floor is chance), their contrast to open vowels, lag of the",
        "lips, and correlation with trackers that the product doesn't use. Counts over all clips,",
        "medians of the rest.",
        "",
        f"{'':14}{'closed':>9}{'rate':>7}{'floor':>7}{'contrast':>10}{'|lag| ms':>10}"
        + "".join(f"{name:>8}" for name in _SIGNALS),
    ]
    modes = dict.fromkeys(mode for scores in figures.values() for mode in scores)
    for mode in modes:
        scores = [clip[mode] for clip in figures.values() if mode in clip]
        all_clips = total(scores)
        count = f"{all_clips['closed']:.0f}/{all_clips['closures']:.0f}"
        lines.append(
            f"{mode:14}{count:>9}{all_clips['rate']:7.2f}{all_clips['floor']:7.2f}"
            f"{all_clips['contrast']:10.2f}{all_clips['absolute_lag_ms']:10.0f}"
            + "".join(f"{_median([s[name] for s in scores]):8.3f}" for name in _SIGNALS)
        )
    lines += ["", f"{len(figures)} clips: {', '.join(figures)}"]
    return "\n".join(lines)


def _median(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")
