"""The whole flow on one page: a clip in, a take out."""

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .complexion import person_texture
from .detail import DetailOptions, bake_normals, estimate_appearance, recover_detail
from .exchange.head_file import HeadFile, file_sha256
from .exchange.take import Take
from .faces import FaceOptions, FaceTrack, track_face
from .fitting import FitOptions, FitResult, fit_clip
from .head.model import FaceParams, Head
from .media import Clip, open_clip
from .options import CaptureOptions
from .pictures import write_picture
from .progress import Report
from .version import product_version
from .weights import used_weights

_ALBEDO_SIZE = 1024  # px, the whole sheet


@dataclass(frozen=True)
class Capture:
    """What a capture leaves: the take, and what each stage took."""

    take: Take
    clip: Clip
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]  # of all cores together
    peak_megabytes: dict[str, float]  # of the process, at each stage's end


def capture(
    path: Path, out: Path, head_file: HeadFile, options: CaptureOptions, report: Report
) -> Capture:
    """Capture one clip and save the take at `out`, its pictures beside it.

    Raises AVFaceError when the clip can't be read or shows no face.
    """
    head, clock = Head(head_file), _Clock()
    clip = open_clip(path, fps=options.fps, start=options.start, end=options.end)
    for sentence in clip.warnings:
        report.warn(sentence)
    if not clip.has_sound:
        report.warn(f"{path.name} has no sound: the capture goes by the picture alone.")
    track, fit = _perform(clip, head, options, report, clock)
    albedo, light = estimate_appearance(clip, track, fit.params, head)
    params = fit.params.replace(albedo=albedo, light=light)
    clock.lap("appearance")
    take = _take(clip, track, fit, params, head_file, options, report)
    take = replace(take, **_pictures(clip, track, params, head, out, options, report))
    clock.lap("detail")
    made_by = take.made_by | {"weights": used_weights()}
    take = replace(take, warnings=tuple(report.warnings), made_by=made_by)
    take.save(out)
    report.part("done", 1, 0)(1.0)
    return Capture(take, clip, clock.seconds, clock.cpu_seconds, clock.peak_megabytes)


def capture_motion(
    clip: Clip, head_file: HeadFile, options: CaptureOptions, report: Report
) -> Take:
    """The take of a clip without its looks (skin colour, light, wrinkles); nothing is written."""
    track, fit = _perform(clip, Head(head_file), options, report, _Clock())
    return _take(clip, track, fit, fit.params, head_file, options, report)


def _perform(
    clip: Clip, head: Head, options: CaptureOptions, report: Report, clock: "_Clock"
) -> tuple[FaceTrack, FitResult]:
    """What the face does: where it is in each picture, and the head's parameters."""
    track = track_face(
        clip, FaceOptions(face=options.face, region=options.region), report.part("faces", 0, 0.35)
    )
    clock.lap("faces")
    fit = fit_clip(
        track,
        head,
        FitOptions(focal=options.focal, smoothing=options.smoothing),
        report.part("fit", 0.35, 0.25),
    )
    clock.lap("fit")
    return track, fit


def write_report(capture_: Capture, path: Path) -> None:
    """NAME.report.json: stages, times, figures and warnings of one capture."""
    take = capture_.take
    frames = take.frame_count
    content = {
        "ok": True,
        "clip": take.source["path"],
        "frames": frames,
        "frames_with_face": int(take.found.sum()),
        "clip_seconds": float(take.times[-1] - take.times[0]) if frames else 0.0,
        "stages": {
            name: {
                "seconds": round(seconds, 3),
                "frames_per_second": round(frames / max(seconds, 1e-6), 1),
                "peak_megabytes": round(capture_.peak_megabytes[name]),
            }
            for name, seconds in capture_.seconds.items()
        },
        "mean_confidence": {
            name: round(float(value), 3)
            for name, value in zip(
                ("face", "mouth", "left_eye", "right_eye", "brows"),
                take.confidence.mean(0),
                strict=True,
            )
        },
        "warnings": list(take.warnings),
        "made_by": take.made_by,
    }
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(temporary, path)


def _take(
    clip: Clip,
    track: FaceTrack,
    fit: FitResult,
    params: FaceParams,
    head_file: HeadFile,
    options: CaptureOptions,
    report: Report,
) -> Take:
    frames = len(params)
    return Take(
        times=track.times,
        shape=params.shape,
        albedo=params.albedo,
        expression=params.expression,
        head_pose=params.head_pose,
        head_translation=params.head_translation,
        jaw=params.jaw,
        eyes=params.eyes,
        light=params.light,
        landmarks_px=fit.landmarks_px.astype(np.float32),
        found=track.seen,
        confidence=fit.confidence.astype(np.float32),
        trust_sound=np.zeros(frames, np.float32),
        focal=float(params.focal),
        size=clip.size,
        fps=float(clip.fps),
        expression_names=head_file.expression_names,
        head={"name": head_file.name, "sha256": head_file.sha256},
        source={"path": str(clip.path), "sha256": _source_sha256(clip.path)},
        made_by={"version": product_version(), "options": asdict(options)},
        actor=options.actor,
        sound_offset=float(clip.sound_offset),
    )


def _pictures(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    head: Head,
    out: Path,
    options: CaptureOptions,
    report: Report,
) -> dict[str, Any]:
    """Write the skin's colour and normal maps beside the take; what `Take` stores about them."""
    name = out.name.removesuffix(".npz").removesuffix(".take")
    colour = out.with_name(f"{name}.albedo.png")
    write_picture(person_texture(head, params.albedo, _ALBEDO_SIZE), colour)
    stage = report.part("detail", 0.6, 0.4)
    detail = recover_detail(clip, track, params, head, DetailOptions(quality=options.detail), stage)
    normals = bake_normals(detail, head, params, out.parent, name)
    return {"albedo_image": colour.name, **normals}


def _source_sha256(path: Path) -> str:
    return file_sha256(path) if path.is_file() else ""


class _Clock:
    """Seconds and peak memory of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self.peak_megabytes: dict[str, float] = {}
        self._start = time.perf_counter(), time.process_time()

    def lap(self, stage: str) -> None:
        now = time.perf_counter(), time.process_time()
        self.seconds[stage], self.cpu_seconds[stage] = (
            end - begin for begin, end in zip(self._start, now, strict=True)
        )
        self.peak_megabytes[stage] = peak_megabytes()
        self._start = now


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    if os.name == "nt":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
