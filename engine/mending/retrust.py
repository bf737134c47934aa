"""Solve a take's mouth anew where the artist now trusts another sense; all else stays as it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..fitting.landmark_track import landmark_track
from ..head.model import Head, fitted_params_of
from ..media import open_clip
from ..options import CaptureOptions
from ..pipeline import capture_motion
from ..progress import Report
from ..speech.hearing import forced_trust
from ..speech.sync import Sync
from .blend import blend_takes

_CONTEXT_SECONDS = 1.5  # solved beside a stretch: there picture and sound tell of this mouth
_EASE_SECONDS = 0.12  # beside a stretch, over which the new mouth becomes the old one
_APART_FACES = 0.5  # of a face's width: so far from the take's is another face


def trust_anew(
    take: Take, take_path: Path, options: CaptureOptions, trust: str, head_file: HeadFile,
    report: Report,
) -> Take:  # fmt: skip
    """The take with its mouth as `trust` wants it where that differs; itself where nothing does.

    Only these stretches of the clip are looked at, with some seconds beside them.

    Args:
        take: to be changed; its file is `take_path`.
        options: that it was captured with.
        trust: as `CaptureOptions.trust`, for the whole clip.
        head_file: of the take.
        report: hears of each stretch.

    Raises AVFaceError when the clip is gone, shows another face, or wasn't listened to.
    """
    wanted = replace(options, trust=trust)
    spans = changed_spans(take.times, forced_trust(options, take.times),
                          forced_trust(wanted, take.times))  # fmt: skip
    if not spans:
        return take
    if options.senses == "picture":
        raise AVFaceError(
            "The take was captured by the picture alone: its sound wasn't listened to.",
            "Capture it again by picture and sound (--senses both).",
        )
    if "eyeBlinkLeft" not in take.expression_names:
        raise AVFaceError(
            f"{head_file.name}'s units move the whole face: its mouth can't be solved alone.",
            "Capture this range of the clip again, by the new trust.",
        )
    old = take
    for number, span in enumerate(spans):
        part = report.part("fit", number / len(spans), 1 / len(spans))
        again = _solved(old, take_path, wanted, span, head_file, part)
        take = blend_takes(take, {"mouth": again}, span, _EASE_SECONDS)
    told = {"options": take.made_by.get("options", {}) | {"trust": trust}}
    marks = landmark_track(Head(head_file), fitted_params_of(take), take.size)
    return replace(
        take, landmarks_px=marks.astype(np.float32),
        made_by=take.made_by | told | {"refined_from": take_path.name},
    )  # fmt: skip


def changed_spans(
    times: np.ndarray, before: np.ndarray, after: np.ndarray
) -> list[tuple[float, float]]:
    """First and last time of each stretch in which trust (T,), NaN where free, has changed.

    Stretches that would be eased into each other are one.
    """
    changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    spans: list[tuple[float, float]] = []
    for time in times[changed].tolist():
        if spans and time - spans[-1][1] < 2 * _EASE_SECONDS:
            spans[-1] = (spans[-1][0], time)
        else:
            spans.append((time, time))
    return spans


def _solved(
    take: Take, take_path: Path, options: CaptureOptions, span: tuple[float, float],
    head_file: HeadFile, report: Report,
) -> Take:  # fmt: skip
    """A stretch of the clip and what lies beside it, captured anew on the same person."""
    step = 1 / max(take.fps, 1.0)
    start = max(span[0] - _CONTEXT_SECONDS, float(take.times[0]) - step / 2, 0.0)
    end = min(span[1] + _CONTEXT_SECONDS, float(take.times[-1]) + step / 2)
    clip = open_clip(Path(take.source["path"]), fps=options.fps, start=start, end=end)
    again = capture_motion(clip, head_file, replace(options, start=start, end=end,
                                                    person=str(take_path)), report,
                           sync=_sync_of(take))  # fmt: skip
    _check_face(take, again)
    return again


def _sync_of(take: Take) -> Sync:
    """What the whole clip told of its sound: a stretch is too short to tell it."""
    stranger = Sync(belongs=0.0, match=0.0)
    is_strange = set(stranger.sentences()) & set(take.warnings)
    return Sync(take.sync_offset, take.sync_confidence, 0.0 if is_strange else 1.0)


def _check_face(take: Take, again: Take) -> None:
    """Raises AVFaceError when `again` follows another face of the clip than `take`."""
    here = np.searchsorted(take.times, again.times).clip(0, take.frame_count - 1)
    was, now = take.landmarks_px[here], again.landmarks_px
    width = np.median(np.ptp(was[..., 0], axis=1))
    apart = np.median(np.linalg.norm(was.mean(axis=1) - now.mean(axis=1), axis=1))
    if apart > _APART_FACES * width:
        raise AVFaceError(
            f"From {again.times[0]:.1f} s another face is the clearest.",
            "Capture the clip again with a region in which the actor alone is seen.",
        )
