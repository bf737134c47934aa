"""Refine a take by what an artist says: frames that were corrected, and whom to trust when."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take, find_clip
from ..faces import FaceOptions, track_face
from ..fitting import FitOptions, fit_clip
from ..fitting.landmark_track import landmark_track
from ..head.model import FaceParams, Head, fitted_params_of
from ..media import open_clip
from ..options import CaptureOptions
from ..progress import Report
from ..sight.beneath import look_beneath
from ..sight.second_look import carry_glances, look_at_turned
from ..speech.hearing import hear_clip
from .corrections import Correction, land, load_corrections, posed, taught, teach_track
from .dragged import left_px
from .retrust import trust_anew

_FAR_PX = 2.0  # of the clip: from here on it is told that a dragged landmark wasn't reached


def refine(
    take_path: Path,
    corrections: Path | None,
    out: Path,
    head_file: HeadFile,
    report: Report,
    trust: str | None = None,
    clip: Path | None = None,
) -> Take:
    """Write the take at `out`: as `take_path`, going by `trust`, taught by the corrections.

    `out` should lie beside `take_path`: both share their pictures. Without corrections only the
    stretches are looked at in which `trust` (as `CaptureOptions.trust`) is new. `clip`: where the
    take's clip is now. Raises AVFaceError when it is gone, or the head is another.
    """
    take = Take.load(take_path)
    if take.head["sha256"] != head_file.sha256:
        raise AVFaceError(
            f"{take_path.name} was made for another head than {head_file.name}.",
            "Give the head that it was captured with.",
        )
    if found := find_clip(take, take_path.parent, clip):
        take = replace(take, source=take.source | {"path": str(found)})
    options = _options_of(take)
    refined = take
    if trust is not None:
        share = 1.0 if corrections is None else 0.4
        part, report = report.part("fit", 0, share), report.part("", share, 1 - share)
        refined = trust_anew(take, take_path, options, trust, head_file, part)
    if corrections is not None:
        options = _options_of(refined)
        refined = _taught(refined, take_path, corrections, options, head_file, report)
    if refined is take:
        raise AVFaceError(
            f"Nothing says how {take_path.name} should be other than it is.",
            "Correct some frames, or trust picture or sound where the take doesn't yet.",
        )
    refined.save(out)
    report.part("done", 1, 0)(1.0)
    return refined


def _taught(
    take: Take,
    take_path: Path,
    corrections: Path,
    options: CaptureOptions,
    head_file: HeadFile,
    report: Report,
) -> Take:
    """The take, the whole clip fitted anew round the corrected frames."""
    head = Head(head_file)
    rows = load_corrections(corrections, take.expression_names, take.times)
    clip = open_clip(
        Path(take.source["path"]), fps=options.fps, start=options.start, end=options.end
    )
    faces = FaceOptions(face=options.face, region=options.region)
    track = track_face(clip, faces, report.part("faces", 0, 0.5))
    if len(track.times) != take.frame_count:
        raise AVFaceError(
            f"{clip.path.name} is not the clip that the take was captured from.",
            "Capture the clip again.",
        )
    track = carry_glances(look_at_turned(clip, look_beneath(clip, track, head), head), head)
    heard = hear_clip(clip, track, options)
    hearing = heard.hearing if heard else None
    fit = FitOptions(focal=options.focal, smoothing=options.smoothing, shape=take.shape)
    first = fit_clip(track, head, fit, report.part("fit", 0.5, 0.2), hearing)
    captured = fitted_params_of(take)
    rows = posed(captured, rows, head, take.size)
    lesson = teach_track(track, captured, rows, head)
    again = fit_clip(lesson, head, fit, report.part("fit", 0.7, 0.2), hearing, first.person)
    moved = taught(captured, first.params, again.params, rows, head, take.times)
    params = land(moved, captured, rows, head, take.times)
    _tell_what_is_left(params, rows, head, take, report)
    return replace(
        take,
        expression=params.expression,
        head_pose=params.head_pose,
        head_translation=params.head_translation,
        jaw=params.jaw,
        eyes=params.eyes,
        landmarks_px=landmark_track(head, params, take.size).astype(np.float32),
        made_by=take.made_by | {"refined_from": take_path.name, "corrections": len(rows)},
    )


def _tell_what_is_left(
    params: FaceParams, rows: list[Correction], head: Head, take: Take, report: Report
) -> None:
    """Say where the face can't follow a landmark to where it was dragged."""
    for row in rows:
        frame = params[row.frame : row.frame + 1]
        left = left_px(frame, row.landmarks, head, take.size) if row.landmarks else 0.0
        if left > _FAR_PX:
            report.warn(
                f"At {take.times[row.frame]:.2f} s the face can't follow the dragged landmark: "
                f"{left:.0f} pixels are left."
            )


def _options_of(take: Take) -> CaptureOptions:
    """The options that the take was captured with, as far as this version knows them."""
    known = {item.name for item in fields(CaptureOptions)}
    told: dict[str, Any] = take.made_by.get("options", {})
    options = {name: value for name, value in told.items() if name in known}
    if options.get("region"):
        options["region"] = tuple(options["region"])
    return CaptureOptions(**options)
