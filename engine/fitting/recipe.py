"""The per-clip fit: a head's parameters from a track, the same for any head that has landmarks.

1. Place the head in every frame by points that expressions hardly move.
2. Find the person (shape) from key frames, once for the clip.
3. Solve pose, jaw, eyes and expression units of all frames of a run at once: bounded
   Gauss-Newton on landmarks, lip and lid apertures, priors and a model of motion in time.
4. Bridge the frames without a face, and say how sure each region is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter1d

from ..exchange.protocol import AVFaceError
from ..geometry import focal_px
from ..head.model import FaceParams, Head
from ..progress import Report
from .evidence import gather, hidden_frames, hidden_unknowns, jaw_target, pace_of_unknowns
from .identity import (
    Identity,
    choose_key_frames,
    fit_identity,
    frame_features,
    frontal_weight,
    nearest_key,
)
from .landmark_head import (
    JAW,
    LEFT_EYE,
    POSE,
    RIGHT_EYE,
    TRANSLATION,
    LandmarkHead,
    landmark_head,
)
from .landmark_track import landmark_track
from .motion import Motion
from .region_confidence import region_confidence
from .runs import Run, around, bridge, chunks, runs_of
from .solver import Problem, solve
from .sound import Hearing, SoundTerms, changed_frames, sound_terms, unseen_units
from .start import Start, first_pose, first_unknowns, lip_gaps, region_pace
from .subject import Camera, Model, Person, Subject, model_of
from .teeth_jaw import JawByRows, jaw_by_rows
from .terms import LIP_PAIRS, PAIRS, before_camera, moving_parts, unit_prior

if TYPE_CHECKING:
    from ..faces import FaceTrack

_CHUNK = 400  # frames solved at once
_KEY_MARGIN, _LEAST_KEYS = 3, 8  # frames from a cover to a key frame; fewer tell too little
_ITERATIONS = 5
_SMOOTHING = 5.8
_LIPS_PRESS = 2e-4  # m: soft lips that are pressed overlap so far


@dataclass(frozen=True)
class FitOptions:
    """How to fit a clip."""

    focal: float | None = None  # px; None is twice the picture's longer side
    smoothing: float = 1.0  # weight of the motion model; 0.5 is livelier, 2 calmer
    shape_sd: float = 1.2  # width of the identity prior, in the head's own standard deviations
    shape: np.ndarray | None = None  # (S,) of the person, where another clip has told it
    chunk: int = _CHUNK  # frames solved at once; memory grows with it, the result hardly changes


@dataclass(frozen=True)
class KnownPerson:
    """Who a clip shows, and the key frames (K,) that told."""

    keys: np.ndarray
    identity: Identity


@dataclass(frozen=True)
class FitResult:
    """A fitted performance."""

    params: FaceParams
    landmarks_px: np.ndarray  # (T, 68, 2) of the fitted head
    confidence: np.ndarray  # (T, R) the track's, lowered where the head doesn't meet the points
    trust_sound: np.ndarray  # (T,) in 0..1, of the mouth's evidence that sound gave
    person: KnownPerson | None = None  # who it is, for another fit of the same clip


@dataclass(frozen=True)
class _Clip:
    """What all stages share."""

    track: FaceTrack
    head: LandmarkHead
    model: Model
    camera: Camera
    start: Start
    hidden: dict[str, np.ndarray]
    pace: dict[str, np.ndarray]  # (T,) by region
    rows: JawByRows
    sound: SoundTerms | None = None


def fit_clip(
    track: FaceTrack,
    head: Head,
    options: FitOptions,
    report: Report,
    hearing: Hearing | None = None,
    known: KnownPerson | None = None,
    begin: FaceParams | None = None,
) -> FitResult:
    """Fit `head` to a track and to what is heard; to the person, where it is `known`.

    `begin`: jaw, eyes and units that the search starts from; None: those of the nearest key frame.
    Raises AVFaceError when no face is seen.
    """
    if not track.seen.any():
        raise AVFaceError("No face was found in the clip.", "Choose a clip that shows a face.")
    clip = _prepare(track, landmark_head(head.file), options)
    who = known or KnownPerson(*_find_person(clip, options))
    keys, identity = who.keys, who.identity
    report(0.1)
    person = Person(*clip.head.person(identity.shape, identity.offsets))
    x = first_unknowns(clip.start, clip.head, clip.camera.focal, track.size)
    x[:, : JAW.start] += np.median(identity.x - x[keys], axis=0)[: JAW.start]
    x[:, JAW.start :] = identity.x[nearest_key(_features(clip), keys), JAW.start :]
    x[keys] = identity.x
    if begin is not None:
        _begin_at(begin, x, clip.head)
    runs = runs_of(track, clip.start)
    whole = [Run(frames, np.ones(len(frames))) for frames in runs]
    _solve_runs(clip, person, x, whole, options, lambda done: report(0.1 + 0.4 * done))
    if hearing is not None:
        sound = sound_terms(hearing, track, clip.head, x)
        clip = replace(clip, sound=sound, hidden=hidden_frames(track, sound.unseen))
        again = around(changed_frames(sound, lip_gaps(track, clip.start)), runs)
        _solve_runs(clip, person, x, again, options, lambda done: report(0.5 + 0.4 * done))
    bridge(x, runs, track.times)
    params = _params(x, clip, identity, head)
    if hearing is not None and clip.sound is not None:
        tongue = unseen_units(hearing, clip.sound, head.file.expression_names)
        params = params.replace(expression=params.expression + tongue)
    subject = Subject(person, clip.camera, clip.model)
    return FitResult(
        params=params,
        landmarks_px=landmark_track(head, params, track.size),
        confidence=region_confidence(x, subject, track, clip.start, clip.head, runs),
        trust_sound=clip.sound.trust if clip.sound else np.zeros(len(x)),
        person=who,
    )


def _begin_at(begin: FaceParams, x: np.ndarray, head: LandmarkHead) -> None:
    """Jaw, eyes and units of `begin` into the unknowns (T, D), within their bounds, in place."""
    prior, moving = unit_prior(head), slice(JAW.start, None)
    wanted = head.unknowns_of(begin)[:, moving]
    x[:, moving] = np.clip(wanted, prior.low[moving], prior.high[moving])


def _prepare(track: FaceTrack, head: LandmarkHead, options: FitOptions) -> _Clip:
    upper, lower = np.array(LIP_PAIRS).T
    shut = head.template[upper, 1] - head.template[lower, 1]
    start, hidden = first_pose(track, head), hidden_frames(track)
    focal = focal_px(options.focal, track.size)
    camera = Camera(focal, track.size[0] / 2, track.size[1] / 2)
    return _Clip(
        track=track,
        head=head,
        model=model_of(head, PAIRS, np.minimum(shut, 0) - _LIPS_PRESS),
        camera=camera,
        start=start,
        hidden=hidden,
        pace=region_pace(track, start),
        rows=jaw_by_rows(track, head, start, ~hidden["mouth"]),
    )


def _find_person(clip: _Clip, options: FitOptions) -> tuple[np.ndarray, Identity]:
    """The key frames (K,) and who they show."""
    track, head = clip.track, clip.head
    covered = np.logical_or.reduce(list(clip.hidden.values()))
    # What comes before a face disturbs its points before it hides any.
    near = np.asarray(maximum_filter1d(covered, 2 * _KEY_MARGIN + 1), bool)
    calm = ~near & track.seen
    choices = (calm, ~covered, ~clip.hidden["face"], track.seen)
    usable = next(mask for mask in choices if mask.sum() >= _LEAST_KEYS or mask is track.seen)
    keys = choose_key_frames(_features(clip), usable)
    x = first_unknowns(clip.start, head, clip.camera.focal, track.size)[keys]
    neutral = Person(
        *head.person(np.zeros(head.shape_basis.shape[2]), np.zeros_like(head.template))
    )
    problem = _problem(clip, neutral, x, keys, 0.0, seeking_identity=True)
    weight = frontal_weight(clip.start.pose[keys])[:, None]
    evidence = problem.evidence._replace(
        point_weight=problem.evidence.point_weight * weight,
        pair_weight=problem.evidence.pair_weight * weight,
    )
    problem = replace(problem, evidence=evidence)
    x = solve(problem, x, 4)
    return keys, fit_identity(problem, head, x, options.shape_sd, options.shape)


def _features(clip: _Clip) -> np.ndarray:
    """What makes frames differ, (T, 4)."""
    middle = LIP_PAIRS.index((13, 14))
    return frame_features(clip.start.pose, lip_gaps(clip.track, clip.start)[:, middle])


def _problem(
    clip: _Clip,
    person: Person,
    x: np.ndarray,
    frames: np.ndarray,
    weight: float,
    seeking_identity: bool = False,
) -> Problem:
    """All terms for some frames; with `weight` 0 each frame stands alone."""
    prior, sound = unit_prior(clip.head, seeking_identity), clip.sound
    seen = clip.track.seen
    if (seen & ~clip.hidden["shaken"]).sum() < min(_LEAST_KEYS, seen.sum()):
        prior = before_camera(prior)
    hidden = hidden_unknowns(clip.head, clip.hidden, frames)
    pace = pace_of_unknowns(clip.head, clip.pace, frames)
    targets = jaw_target(clip.track, clip.head, clip.start, frames, clip.hidden)
    targets += clip.rows.targets(frames, ~clip.hidden["mouth"], clip.head)
    return Problem(
        subject=Subject(person, clip.camera, clip.model),
        evidence=gather(clip.track, clip.head, clip.start, x, frames, clip.hidden, sound),
        prior=prior,
        motion=Motion(
            clip.track.times[frames], prior, weight, pace, hidden, moving_parts(clip.head)
        ),
        targets=targets if sound is None else targets + sound.targets(frames),
        guide=None if sound is None else sound.guided(frames),
    )


def _solve_runs(
    clip: _Clip,
    person: Person,
    x: np.ndarray,
    runs: list[Run],
    options: FitOptions,
    report: Callable[[float], None],
) -> None:
    """Solve all frames of all runs, piece by piece, from `x` (T, D) on, in place."""
    weight, done = _SMOOTHING * options.smoothing, 0
    for run in runs:
        for frames, share in chunks(run, options.chunk):
            problem = _problem(clip, person, x[frames], frames, weight)
            solved = solve(problem, x[frames], _ITERATIONS)
            x[frames] += share[:, None] * (solved - x[frames])
            done += len(frames)
            report(min(done / len(x), 1))


def _params(x: np.ndarray, clip: _Clip, identity: Identity, head: Head) -> FaceParams:
    eyes = np.zeros((len(x), 6))
    eyes[:, 0:2], eyes[:, 3:5] = x[:, LEFT_EYE], x[:, RIGHT_EYE]
    neutral = FaceParams.neutral(head, 1, clip.camera.focal)
    return neutral.replace(
        shape=identity.shape,
        expression=clip.head.expression(x),
        head_pose=x[:, POSE].copy(),
        head_translation=x[:, TRANSLATION].copy(),
        jaw=x[:, JAW].copy(),
        eyes=eyes,
    )
