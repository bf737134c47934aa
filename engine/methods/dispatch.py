"""Which networks, fits and descents make a performance: `--method` and `--quality`.

| method | draft | standard | high |
|---|---|---|---|
| fit | the landmarks read by a network | the fit | + adapted to the clip's colours |
| spectre | SPECTRE's network on the reading | the fit, then SPECTRE's descent | + adapted |
| avface | the coarse stage's networks | the fit, led by them beneath covers | + adapted |

Drafts, read frame by frame, are calmed by the fit's model of motion. A method whose weights the
product doesn't carry says so before anything is computed. The fit does not begin at the reading nor
at AVFace's networks: it ends at the same place, and no sooner. They look at covers and what lies
beside them alone: a clear clip is the fit's, in the fit's time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..exchange.protocol import AVFaceError
from ..fitting import FitResult
from ..fitting.calming import calm
from ..fitting.landmark_track import landmark_track
from ..fitting.lids import with_shut_eyes
from ..geometry import focal_px
from ..head.model import FaceParams, Head
from ..models.slots import check_slot
from ..options import CaptureOptions
from ..progress import Report
from ..weights import default_head_sha256, load_network, registry

if TYPE_CHECKING:
    from ..faces import FaceTrack
    from ..media import Clip
    from ..speech.hearing import Heard
    from .coarse import CoarseModels

_READER, _AVFACE, _SPECTRE = "reader", "avface", "spectre"  # names in the registry
_LANDMARKS = "landmarks"
_NO_READER = "none"  # instead of a lip reader's path
_BELONGS = 0.5  # a sound that is less surely this face's is not heard by AVFace's networks
# For each method and quality: the networks it can't do without, and what to do without them.
_NEEDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("fit", "draft"): (_READER, _LANDMARKS),
    ("fit", "high"): (_LANDMARKS,),
    ("spectre", "draft"): (_SPECTRE, _READER, _LANDMARKS),
    ("spectre", "high"): (_LANDMARKS,),
    ("avface", "draft"): (_AVFACE,),
    ("avface", "standard"): (_AVFACE,),
    ("avface", "high"): (_AVFACE, _LANDMARKS),
}
_RECIPES = {
    _READER: "scripts/recipes/train_reader.py",
    _LANDMARKS: "scripts/recipes/train_landmarks.py",
    _AVFACE: "scripts/recipes/train_avface_lite.py",
    _SPECTRE: "python -m engine train spectre",
}

Fit = Callable[[Report], FitResult]
"""The fit of the clip at hand."""


@dataclass(frozen=True)
class Footage:
    """One face of a clip, what is heard meanwhile, and what is asked of it."""

    clip: "Clip"
    track: "FaceTrack"
    head: Head
    options: CaptureOptions
    heard: "Heard | None"


def check_method(options: CaptureOptions, head: Head) -> None:
    """Say in one sentence what a method lacks. Raises AVFaceError."""
    _check_slots(options)
    carried = registry()
    for name in _NEEDS.get((options.method, options.quality), ()):
        if name not in carried:
            raise AVFaceError(
                f"--method {options.method} --quality {options.quality} needs the network"
                f" {name}, which this version doesn't carry.",
                f"Train it ({_RECIPES[name]}) and register it in weights/registry.toml, or use"
                " --method fit --quality standard.",
            )
        if options.quality == "draft" and not _drafts(name, head):
            raise AVFaceError(
                f"The networks of a draft know the default head alone, not {head.file.name}.",
                "Use --quality standard, or capture with the default head and transfer the take.",
            )


def _drafts(name: str, head: Head) -> bool:
    """Whether a network's drafts are of this head."""
    if head.file.sha256 == default_head_sha256() or name == _LANDMARKS:
        return True
    return name == _AVFACE and _models().speak_of(head)


def apply_method(footage: Footage, fit: Fit, report: Report) -> FitResult:
    """The performance by the method and the quality that are asked for.

    Raises:
        AVFaceError: What the method needs isn't there.
    """
    clip, track, head, options = footage.clip, footage.track, footage.head, footage.options
    check_method(options, head)
    if options.quality == "draft":
        params = _draft(footage, report)
        calmed = calm(params, track, head)
        return _without_fit(track, head, with_shut_eyes(calmed, track, head))
    share = 0.5 if options.quality == "high" or options.method == "spectre" else 1.0
    stage = report.part("fit", 0, share)
    result = _fit_led(footage, fit, stage) if options.method == "avface" else fit(stage)
    if options.method == "spectre":
        from .spectre import SpectreSlots, descend_on_clip

        paths = (None if p in ("", _NO_READER) else Path(p) for p in _slot_paths(options))
        slots = SpectreSlots(*paths, reads_lips=options.lip_reader != _NO_READER)
        end = 0.75 if options.quality == "high" else 1.0
        stage = report.part("spectre", share, end - share)
        moved = descend_on_clip(clip, track, result.params, head, stage, slots)
        result, share = _moved(result, head, moved, track), end
    if options.quality == "high":
        from .adaptation import adapt_to_clip

        stage = report.part("adaptation", share, 1 - share)
        moved = adapt_to_clip(clip, track, result.params, head, stage)
        result = _moved(result, head, moved, track)
    return result


def _fit_led(footage: Footage, fit: Fit, report: Report) -> FitResult:
    """The fit, whose mouth rests or is led by AVFace's networks beneath covers."""
    from ..fitting.leaning import hidden_mouth, lean_on_networks, near_covers
    from ..fitting.sound import silent_share

    track, head, heard = footage.track, footage.head, footage.heard
    hidden = hidden_mouth(track)
    if not hidden.any():
        return fit(report)
    looked = near_covers(track, hidden)
    stage = report.part("networks", 0, 0.3)
    networks = _beneath(replace(footage, track=looked), hidden, stage)
    result = fit(report.part("fit", 0.3, 0.7))
    nothing = np.zeros(len(hidden))
    silent = nothing if heard is None else silent_share(heard.hearing, track.times)
    led = lean_on_networks(
        result.params, networks, hidden, looked.seen, result.trust_sound, silent, track.times, head
    )
    return _moved(result, head, led, track)


def _beneath(footage: Footage, hidden: np.ndarray, report: Report) -> FaceParams | None:
    """What the networks say where the mouth is `hidden` (T,); None where they can't lead."""
    from ..fitting.leaning import hardly_clear

    if hardly_clear(hidden):
        return None
    models, head = _models(), footage.head
    if models.speak_of(head):
        return _networks(footage, models, report)
    report.warn(
        f"AVFace's networks don't know {head.file.name}: beneath covers the fit does without."
    )
    return None


def _draft(footage: Footage, report: Report) -> FaceParams:
    """Networks alone."""
    from ..fitting.leaning import across_covers, hidden_mouth

    clip, track, head, options = footage.clip, footage.track, footage.head, footage.options
    hidden = hidden_mouth(track)
    if options.method == "avface":
        params = _networks(footage, _models(), report.part("networks", 0, 1))
        return across_covers(params, hidden, head, mouth=False)
    from ..sight.beneath import as_drawn
    from ..sight.reader import read_landmarks
    from ..sight.second_look import believed_points, second_look

    focal = focal_px(options.focal, track.size)
    track = second_look(clip, as_drawn(track, head))
    believed = believed_points(track)
    if track.guessed is not None:
        believed[track.guessed] = 1  # a whole face as the landmark network sees it
    params = read_landmarks(track.landmarks, track.size, focal, believed).params
    params = across_covers(params, hidden, head, mouth=True)
    if options.method == "spectre":
        from ..device import compute_device
        from ..models.config import Config
        from ..models.spectre import SpectreEncoder
        from .spectre import estimate_spectre

        tensors, metadata = load_network(_SPECTRE)
        network = SpectreEncoder(Config.from_json(metadata["config"]))
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
        params = estimate_spectre(clip, track, params, head, network.eval().to(compute_device()))
    return params


def _models() -> "CoarseModels":
    from .coarse import unpack_models

    return unpack_models(*load_network(_AVFACE))


def _networks(footage: Footage, models: "CoarseModels", report: Report) -> FaceParams:
    from ..sight.beneath import as_drawn
    from .coarse import Sounding, estimate_coarse

    heard, sound, track = footage.heard, None, as_drawn(footage.track, footage.head)
    if heard is not None and heard.hearing.belongs > _BELONGS:
        sound = Sounding(heard.features, heard.offset_seconds, heard.hearing.forced)
    return estimate_coarse(
        footage.clip, track, sound, models, footage.head, report, footage.options.focal
    )


def _without_fit(track: "FaceTrack", head: Head, params: FaceParams) -> FitResult:
    """A performance as the fit would hand it on; no region is believed less for a residual."""
    return FitResult(
        params=params,
        landmarks_px=landmark_track(head, params, track.size),
        confidence=np.nan_to_num(track.confidence) * track.seen[:, None],
        trust_sound=np.zeros(len(params)),
    )


def _moved(result: FitResult, head: Head, params: FaceParams, track: "FaceTrack") -> FitResult:
    return replace(result, params=params, landmarks_px=landmark_track(head, params, track.size))


def _slot_paths(options: CaptureOptions) -> tuple[str, str]:
    return options.lip_reader, options.emotion_network


def _check_slots(options: CaptureOptions) -> None:
    for flag, path in zip(("lip-reader", "emotion-network"), _slot_paths(options), strict=True):
        if not path:
            continue
        if options.method != "spectre" or options.quality == "draft":
            raise AVFaceError(
                f"--{flag} is for SPECTRE's descent on a clip.",
                "Add --method spectre and --quality standard or high, or leave it out.",
            )
        if path != _NO_READER:
            check_slot(Path(path))
