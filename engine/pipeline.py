"""The whole flow on one page: a clip in, a take out."""

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .complexion import person_texture
from .detail.appearance import Face, estimate_appearance
from .detail.features import paint_features
from .detail.projected import project_colour
from .detail.recover import DetailOptions, bake_normals, recover_detail
from .detail.volume import usual_hair
from .device import device_name
from .exchange.files import take_stem
from .exchange.head_file import HeadFile, file_sha256
from .exchange.protocol import AVFaceError
from .exchange.saving import save
from .exchange.take import REGIONS, Take
from .faces import FaceOptions, FaceTrack, track_face
from .fitting import FitOptions, FitResult, fit_clip
from .fitting.landmark_track import landmark_track
from .gaze import rest_unseen
from .head.model import FaceParams, Head, LipShapes
from .head.tongue import with_clear_tongue
from .hearing import Heard, hear_clip, mouth_by_sound
from .improvise import improvise
from .media import SOUND_RATE, Clip, open_clip, read_waveform
from .methods import apply_method, check_method
from .options import CaptureOptions, trust_ranges
from .pictures import read_picture, write_picture
from .progress import Report
from .second_look import carry_glances, look_beneath
from .sync import Sync
from .unseen_mouth import say_unseen
from .version import product_version
from .weights import used_weights

_ALBEDO_SIZE = 1024  # px, the whole sheet
_SOUND_FPS, _SOUND_SIZE = 30.0, (1080, 1080)  # of a take that no film gives a rate and a size


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
    trust_ranges(options.trust)  # a slip of the pen is told before the work
    device = device_name()
    check_method(options, head)
    person = known_person(options, head)
    clip = open_clip(path, fps=options.fps, start=options.start, end=options.end)
    for sentence in clip.warnings:
        report.warn(sentence)
    if clip.kind == "sound":
        take = _speak(clip, head_file, options, report)
        hair = person.hair if person else usual_hair(head, take.shape)
        take = replace(take, hair=hair, **_colour(_unseen_skin(take, person, head, options), out))
        clock.lap("voice")
    else:
        if not clip.has_sound:
            report.warn(f"{path.name} has no sound: the capture goes by the picture alone.")
        done = perform(clip, head, options, report, clock)
        looks = estimate_appearance(clip, done.track, done.fit.params, head)
        params = done.fit.params.replace(albedo=looks.albedo, light=looks.light)
        clock.lap("appearance")
        take = _take(clip, done, params, head_file, options)
        pictures = _pictures(clip, done.track, params, looks.face, head, out, options, report)
        take = replace(take, hair=looks.face.hair if looks.face else None, **pictures)
        clock.lap("detail")
    made_by = take.made_by | {"weights": used_weights(), "device": device}
    take = replace(take, warnings=tuple(report.warnings), made_by=made_by)
    take.save(out)
    report.part("done", 1, 0)(1.0)
    return Capture(take, clip, clock.seconds, clock.cpu_seconds, clock.peak_megabytes)


def capture_motion(
    clip: Clip,
    head_file: HeadFile,
    options: CaptureOptions,
    report: Report,
    track: FaceTrack | None = None,
    sync: Sync | None = None,
) -> Take:
    """The take of a clip without its looks (skin colour, light, wrinkles); nothing is written.

    A `track` of the clip that stands already saves most of the work; `sync` is what the whole told
    where this is a part of it.
    """
    if clip.kind == "sound":
        return _speak(clip, head_file, options, report)
    done = perform(clip, Head(head_file), options, report, track=track, sync=sync)
    return _take(clip, done, done.fit.params, head_file, options)


@dataclass(frozen=True)
class Performance:
    """What a face does in a clip, and what is heard meanwhile."""

    track: FaceTrack
    fit: FitResult
    heard: Heard | None


def perform(
    clip: Clip,
    head: Head,
    options: CaptureOptions,
    report: Report,
    clock: "_Clock | None" = None,
    track: FaceTrack | None = None,
    sync: Sync | None = None,
) -> Performance:
    """Where the face is in each picture, what is heard, and the head's parameters by both."""
    clock = clock or _Clock()
    if track is None:
        faces = FaceOptions(face=options.face, region=options.region)
        track = track_face(clip, faces, report.part("faces", 0, 0.35))
        clock.lap("faces")
    track = look_beneath(clip, track)
    heard = hear_clip(clip, track, options, sync)
    for sentence in heard.sync.sentences if heard else ():
        report.warn(sentence)
    clock.lap("voice")
    person = known_person(options, head)
    shape = person.shape if person else None
    fitting = FitOptions(focal=options.focal, smoothing=options.smoothing, shape=shape)
    hearing = heard.hearing if heard else None

    def fit_track(begin: FaceParams | None, part: Report) -> FitResult:
        high = options.quality == "high"
        share = 0.5 if high else 1.0
        seen = track if high else carry_glances(track, head)
        first = fit_clip(seen, head, fitting, part.part("fit", 0, share), hearing, begin=begin)
        if not high:
            return first
        again, stage = _looked_at_again(clip, track, head), part.part("fit", share, 1 - share)
        return fit_clip(again, head, fitting, stage, hearing, first.person, first.params)

    fit = apply_method(clip, track, head, options, fit_track, report.part("fit", 0.35, 0.25))
    if shape is not None:  # a fit has it already, networks find their own
        fit = replace(fit, params=fit.params.replace(shape=shape))
    fit = replace(fit, params=rest_unseen(fit.params, track.confidence, track.times, head))
    if hearing is not None and options.quality == "draft":
        params, trust = mouth_by_sound(fit.params, hearing, track, head)
        marks = landmark_track(head, params, track.size)
        fit = replace(fit, params=params, landmarks_px=marks, trust_sound=trust)
    if hearing is not None:
        said = say_unseen(fit.params, hearing, track.times, head)
        fit = replace(fit, params=said, landmarks_px=landmark_track(head, said, track.size))
    fit = replace(fit, params=with_clear_tongue(fit.params, head))
    clock.lap("fit")
    if heard is not None and options.lips == "on":
        lips = _refined_lips(fit, head, heard, track.times)
        fit = replace(fit, params=fit.params.replace(lips=lips))
        clock.lap("lips")
    return Performance(track, fit, heard)


def known_person(options: CaptureOptions, head: Head) -> Take | None:
    """The take of the same person that `options` name; None: the person is to be found.

    Raises AVFaceError when it can't be read or is of another head.
    """
    if not options.person:
        return None
    take = Take.load(Path(options.person))
    if take.head["sha256"] != head.file.sha256:
        raise AVFaceError(
            f"{Path(options.person).name} was made for another head than {head.file.name}.",
            "Name a take of the person on the same head, or none (--person, in Blender Same"
            " Person).",
        )
    return take


def _looked_at_again(clip: Clip, track: FaceTrack, head: Head) -> FaceTrack:
    """The track whose brows, nose, skin and contour are two networks' mean.

    Lips and lids stay the tracker's: it follows them more closely (docs/log.md).
    """
    from .models.landmarks import BROWS, NOSE, OVAL, SKIN  # torch is slow to load
    from .second_look import second_look

    return second_look(clip, track, BROWS + NOSE + OVAL + SKIN, conventions_on=head)


def _refined_lips(fit: FitResult, head: Head, heard: Heard, times: np.ndarray) -> LipShapes | None:
    """What the sound adds to the lips, where it belongs to them and the artist lets it."""
    from .lips import refine_lips  # torch is slow to load

    forced = heard.hearing.forced
    trust = np.full(len(times), heard.hearing.belongs)
    if forced is not None:
        trust = np.where(np.isnan(forced), trust, forced)
    clock, led = times + heard.offset_seconds, fit.trust_sound
    return refine_lips(fit.params, head, heard.features, clock, trust, led)


def write_report(capture_: Capture, path: Path) -> None:
    """NAME.report.json: stages, times, figures and warnings of one capture. Raises AVFaceError."""
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
            for name, value in zip(REGIONS, take.confidence.mean(0), strict=True)
        },
        "warnings": list(take.warnings),
        "made_by": take.made_by,
    }
    save(path, json.dumps(content, indent=1))


def _take(
    clip: Clip,
    done: Performance,
    params: FaceParams,
    head_file: HeadFile,
    options: CaptureOptions,
) -> Take:
    sync = done.heard.sync if done.heard else Sync()
    moved = sync.offset_seconds if options.fix_sync and sync.is_off else 0.0
    return Take(
        times=done.track.times,
        landmarks_px=done.fit.landmarks_px.astype(np.float32),
        found=done.track.seen,
        confidence=done.fit.confidence.astype(np.float32),
        trust_sound=done.fit.trust_sound.astype(np.float32),
        size=clip.size,
        fps=float(clip.fps),
        sound_offset=float(clip.sound_offset) - moved,
        sync_offset=sync.offset_seconds,
        sync_confidence=sync.confidence,
        **_common(clip, params, head_file, options),
    )


def _speak(clip: Clip, head_file: HeadFile, options: CaptureOptions, report: Report) -> Take:
    """The take of a sound file, spoken by the known or the default person.

    Raises AVFaceError when the file holds no sound.
    """
    from .audio import speech_features  # torch is slow to load
    from .voice import listen

    waveform = read_waveform(clip)
    if waveform is None or not len(waveform):
        raise AVFaceError(f"{clip.path.name} holds no sound.", "Choose another file.")
    fps = options.fps or _SOUND_FPS
    end = min(len(waveform) / SOUND_RATE, np.inf if options.end is None else options.end)
    times = np.arange(options.start, end, 1 / fps)
    if not len(times):
        raise AVFaceError(
            f"{clip.path.name} has no sound after {options.start:g} s.", "Choose another start."
        )
    report.part("voice", 0, 0.5)(0.2)
    voice = listen(speech_features(waveform), times)
    if voice.speaking.max() < 0.5:
        report.warn(f"No speech is heard in {clip.path.name}: the mouth stays at rest.")
    head = Head(head_file)
    focal = float(options.focal or 2 * max(_SOUND_SIZE))
    params, person = improvise(voice, times, head, focal), known_person(options, head)
    if person is not None:
        params = params.replace(shape=person.shape, albedo=person.albedo)
    params = with_clear_tongue(params, head)
    everywhere = np.ones(len(times))
    return Take(
        times=times,
        landmarks_px=landmark_track(head, params, _SOUND_SIZE).astype(np.float32),
        found=everywhere > 0,
        confidence=np.ones((len(times), len(REGIONS)), np.float32),
        trust_sound=everywhere.astype(np.float32),
        size=_SOUND_SIZE,
        fps=float(fps),
        sound_offset=float(clip.sound_offset),
        **_common(clip, params, head_file, options),
    )


def _common(
    clip: Clip, params: FaceParams, head_file: HeadFile, options: CaptureOptions
) -> dict[str, Any]:
    """What takes of films and of sound files fill in alike."""
    return {
        "shape": params.shape,
        "albedo": params.albedo,
        "expression": params.expression,
        "head_pose": params.head_pose,
        "head_translation": params.head_translation,
        "jaw": params.jaw,
        "eyes": params.eyes,
        "light": params.light,
        "focal": float(params.focal),
        "lip_vertices": params.lips and params.lips.vertices,
        "lip_shapes": params.lips and params.lips.shapes,
        "lip_weights": params.lips and params.lips.weights,
        "expression_names": head_file.expression_names,
        "head": {"name": head_file.name, "sha256": head_file.sha256},
        "source": {
            "path": str(clip.path), "sha256": _source_sha256(clip.path), "kind": clip.kind,
        },
        "made_by": {"version": product_version(), "options": asdict(options)},
        "actor": options.actor,
    }  # fmt: skip


def _pictures(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    face: Face | None,
    head: Head,
    out: Path,
    options: CaptureOptions,
    report: Report,
) -> dict[str, Any]:
    """Write the skin's colour and normal maps beside the take; what `Take` stores about them."""
    name = take_stem(out)
    stage = report.part("detail", 0.6, 0.4)
    detail = recover_detail(clip, track, params, head, DetailOptions(quality=options.detail), stage)
    normals = bake_normals(detail, head, params, out.parent, name)
    texture = paint_features(person_texture(head, params.albedo, _ALBEDO_SIZE), face)
    if options.skin == "clip":
        projected = project_colour(clip, track, params, head, texture)
        if projected is None:
            report.warn("The clip shows too little skin: its colours are the head's model's.")
        else:
            texture = projected
    return {**_colour(texture, out), **normals}


def _unseen_skin(
    take: Take, person: Take | None, head: Head, options: CaptureOptions
) -> np.ndarray:
    """The skin (n, n, 3) uint8 of somebody who is only heard: as another take has painted it."""
    painted = Path(options.person).parent / person.albedo_image if person else Path()
    if painted.is_file():
        return read_picture(painted)
    return person_texture(head, take.albedo, _ALBEDO_SIZE)


def _colour(texture: np.ndarray, out: Path) -> dict[str, Any]:
    """Write the skin's colours beside the take; what `Take` stores about them."""
    name = take_stem(out)
    colour = out.with_name(f"{name}.albedo.png")
    write_picture(texture, colour)
    return {"albedo_image": colour.name}


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
