"""The whole flow on one page: a clip in, a take out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .clock import Clock
from .detail.appearance import Face, estimate_appearance
from .detail.textures import Performed, unseen_skin, write_colours, write_textures
from .detail.volume import usual_hair
from .device import device_name
from .exchange.head_file import HeadFile
from .exchange.protocol import AVFaceError
from .exchange.take import REGIONS, Take
from .faces import FaceOptions, FaceTrack, track_face
from .fitting import FitOptions, FitResult, fit_clip
from .fitting.gaze import rest_unseen
from .fitting.landmark_track import landmark_track
from .fitting.sound import Hearing
from .fitting.teeth import place_teeth
from .head.model import FaceParams, Head, LipShapes
from .head.tongue import with_clear_tongue
from .media import Clip, open_clip
from .methods.dispatch import Footage, apply_method, check_method
from .options import CaptureOptions, trust_ranges
from .progress import Report
from .sight.beneath import look_beneath
from .sight.beside import tell_hidden
from .sight.second_look import carry_glances, look_at_turned
from .speech.hearing import Heard, hear_clip, mouth_by_sound
from .speech.sync import Sync
from .speech.unseen_mouth import say_unseen
from .spoken import speak
from .takes import film_take
from .weights import used_weights

_SAME_FPS = 0.01  # pictures a second: what --fps says in other words


@dataclass(frozen=True)
class Capture:
    """What a capture leaves: the take, and what each stage took."""

    take: Take
    clip: Clip
    clock: Clock


def capture(
    path: Path, out: Path, head_file: HeadFile, options: CaptureOptions, report: Report
) -> Capture:
    """Capture one clip and save the take at `out`, its pictures beside it.

    Raises AVFaceError when the clip can't be read or shows no face.
    """
    head, clock = Head(head_file), Clock()
    trust_ranges(options.trust)  # a slip of the pen is told before the work
    device = device_name()
    check_method(options, head)
    person = known_person(options, head)
    clip = open_clip(path, fps=options.fps, start=options.start, end=options.end)
    for sentence in (*clip.warnings, *without_effect(options, clip)):
        report.warn(sentence)
    if clip.kind == "sound":
        take = speak(clip, head, person, options, report)
        hair = _hair(person) if person else {"hair": usual_hair(head, take.shape)}
        colours = write_colours(unseen_skin(take, person, head, options), out)
        take = replace(take, **hair, **colours)
        clock.lap("voice")
    else:
        if not clip.has_sound:
            report.warn(f"{path.name} has no sound: the capture goes by the picture alone.")
        done = perform(clip, head, options, report, clock)
        looks = estimate_appearance(clip, done.track, done.fit.params, head)
        params = done.fit.params.replace(albedo=looks.albedo, light=looks.light)
        if looks.face and looks.face.hat:
            report.warn("What is on the head isn't taken for hair: the hair beneath is a guess.")
        clock.lap("appearance")
        take = _take(clip, done, params, head_file, options)
        performed = Performed(clip, done.track, params, _around_pictures(done))
        pictures = write_textures(performed, looks.face, head, out, options, report)
        take = replace(take, **_hair(looks.face), **pictures)
        clock.lap("detail")
    if options.hair == "off":
        take = replace(take, hair=None)
    made_by = take.made_by | {"weights": used_weights(), "device": device}
    take = replace(take, warnings=tuple(report.warnings), made_by=made_by)
    take.save(out)
    report.part("done", 1, 0)(1.0)
    return Capture(take, clip, clock)


def without_effect(options: CaptureOptions, clip: Clip) -> list[str]:
    """Sentences on what was asked for and can't be had of this clip.

    Raises AVFaceError where nothing would be left.
    """
    name = clip.path.name
    if clip.kind == "sound":
        if options.senses == "picture":
            raise AVFaceError(
                f"{name} has no pictures to go by.", "Choose a film, or leave --senses out."
            )
        return []
    said = []
    if clip.kind == "video" and options.fps and abs(float(clip.fps) - options.fps) > _SAME_FPS:
        said.append(f"{name} tells the times of its pictures itself: --fps was left aside.")
    first, last = clip.times[0], clip.times[-1]
    for sense, start, end in trust_ranges(options.trust):
        if start > last or end < first:
            said.append(
                f"--trust {sense}:{start:g}-{end:g} meets no picture: they go from {first:.2f} s"
                f" to {last:.2f} s."
            )
    return said


def _around_pictures(done: "Performance") -> np.ndarray | None:
    """What is heard around each picture, (T, 16, C)."""
    if done.heard is None:
        return None
    from .audio.windows import windows

    return windows(done.heard.features, done.track.times + done.heard.offset_seconds)


def _hair(of: Face | Take | None) -> dict[str, Any]:
    """What a take stores of somebody's hair."""
    names = "hair", "hair_hangs", "hair_falls", "hair_parting"
    return {name: getattr(of, name) for name in names} if of else {}


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
    head = Head(head_file)
    if clip.kind == "sound":
        return speak(clip, head, known_person(options, head), options, report)
    done = perform(clip, head, options, report, track=track, sync=sync)
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
    clock: Clock | None = None,
    track: FaceTrack | None = None,
    sync: Sync | None = None,
) -> Performance:
    """Where the face is in each picture, what is heard, and the head's parameters by both."""
    clock = clock or Clock()
    if track is None:
        faces = FaceOptions(face=options.face, region=options.region)
        track = track_face(clip, faces, report.part("faces", 0, 0.35))
        clock.lap("faces")
    track = look_at_turned(clip, tell_hidden(look_beneath(clip, track, head)), head)
    heard = hear_clip(clip, track, options, sync)
    for sentence in heard.sync.sentences(options.fix_sync) if heard else ():
        report.warn(sentence)
    clock.lap("voice")
    hearing = heard.hearing if heard else None
    fit = _fit(Footage(clip, track, head, options, heard), report)
    fit = _what_the_fit_leaves(fit, head, options, track, hearing)
    clock.lap("fit")
    if heard is not None and options.lips == "on":
        lips = _refined_lips(fit, head, heard, track.times)
        fit = replace(fit, params=fit.params.replace(lips=lips))
        clock.lap("lips")
    return Performance(track, fit, heard)


def _fit(footage: Footage, report: Report) -> FitResult:
    """The head's parameters by the chosen method; a known person's shape stays theirs."""
    clip, track, head, options = footage.clip, footage.track, footage.head, footage.options
    hearing = footage.heard.hearing if footage.heard else None
    person = known_person(options, head)
    shape = person.shape if person else None
    fitting = FitOptions(focal=options.focal, smoothing=options.smoothing, shape=shape)

    def fit_track(part: Report) -> FitResult:
        high = options.quality == "high"
        share = 0.5 if high else 1.0
        seen = track if high else carry_glances(track, head)
        first = fit_clip(seen, head, fitting, part.part("fit", 0, share), hearing)
        if not high:
            return first
        again, stage = _looked_at_again(clip, track, head), part.part("fit", share, 1 - share)
        return fit_clip(again, head, fitting, stage, hearing, first.person, first.params)

    fit = apply_method(footage, fit_track, report.part("fit", 0.35, 0.25))
    if shape is not None:  # a fit has it already, networks find their own
        return replace(fit, params=fit.params.replace(shape=shape))
    return replace(fit, params=place_teeth(fit.params, track, head))


def _what_the_fit_leaves(
    fit: FitResult,
    head: Head,
    options: CaptureOptions,
    track: FaceTrack,
    hearing: Hearing | None,
) -> FitResult:
    """Unseen regions at rest, what is heard in lips and tongue, confidence by the detail seen."""
    fit = replace(fit, params=rest_unseen(fit.params, track.confidence, track.times, head))
    if hearing is not None and options.quality == "draft":
        params, trust = mouth_by_sound(fit.params, hearing, track, head)
        fit = replace(fit, params=params, trust_sound=trust)
    if hearing is not None:
        said = say_unseen(fit.params, hearing, track.times, head)
        fit = replace(fit, params=said, landmarks_px=landmark_track(head, said, track.size))
    fit = replace(fit, params=with_clear_tongue(fit.params, head))
    return replace(fit, confidence=_with_detail(fit.confidence, track))


def _with_detail(confidence: np.ndarray, track: FaceTrack) -> np.ndarray:
    """Confidence (T, R), the mouth's lowered where the picture has too little detail for it."""
    if track.clear is None:
        return confidence
    lowered = confidence.copy()
    lowered[:, REGIONS.index("mouth")] *= track.clear
    return lowered


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
    from .sight.second_look import second_look

    return second_look(clip, track, BROWS + NOSE + OVAL + SKIN, conventions_on=head)


def _refined_lips(fit: FitResult, head: Head, heard: Heard, times: np.ndarray) -> LipShapes | None:
    """What the sound adds to the lips, where it belongs to them and the artist lets it."""
    from .speech.lips import refine_lips  # torch is slow to load

    forced = heard.hearing.forced
    trust = np.full(len(times), heard.hearing.belongs)
    if forced is not None:
        trust = np.where(np.isnan(forced), trust, forced)
    clock, led = times + heard.offset_seconds, fit.trust_sound
    return refine_lips(fit.params, head, heard.features, clock, trust, led)


def _take(
    clip: Clip, done: Performance, params: FaceParams, head_file: HeadFile, options: CaptureOptions
) -> Take:
    sync = done.heard.sync if done.heard else Sync()
    return film_take(clip, done.track, done.fit, sync, params, head_file, options)
