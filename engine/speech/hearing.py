"""What a clip's sound says to the fit: the voice at the pictures' times, and its place in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..exchange.take import REGIONS
from ..fitting.leaning import hidden_share, lead_mouth
from ..fitting.sound import Hearing, heard_share, person_by_sound, too_coarse, usual_range
from ..media import Clip, read_waveform
from ..options import CaptureOptions, trust_ranges
from .sync import Sync, measure_sync, sync_clock

if TYPE_CHECKING:
    from ..audio import SpeechFeatures
    from ..faces import FaceTrack
    from ..head.model import FaceParams, Head


@dataclass(frozen=True)
class Heard:
    """A clip's sound: what it says of the mouth, and whether it is in step with it."""

    features: SpeechFeatures
    offset_seconds: float  # that was taken out: features at `times + offset` belong to `times`
    hearing: Hearing
    sync: Sync


def hear_clip(
    clip: Clip, track: FaceTrack, options: CaptureOptions, sync: Sync | None = None
) -> Heard | None:
    """What is heard while the face of `track` is seen; None without sound or where it isn't asked.

    A sound that is surely late or early is heard where the lips say that it belongs; `sync` is
    measured where the whole clip has not told it before.
    Raises AVFaceError when the ranges of trust can't be read.
    """
    forced = forced_trust(options, track.times)
    if options.senses == "picture" or not clip.has_sound:
        return None
    from ..audio import speech_features  # torch is slow to load
    from ..audio.voice import listen

    waveform = read_waveform(clip)
    if waveform is None or not len(waveform):
        return None
    features = speech_features(waveform)
    sync = sync or measure_sync(track, listen(features, sync_clock(track.times)))
    offset = sync.offset_seconds if sync.is_off else 0.0
    hearing = Hearing(
        voice=listen(features, track.times + offset),
        belongs=sync.belongs,
        forced=forced,
        calibrated=options.senses == "both",
    )
    return Heard(features, offset, hearing, sync)


def mouth_by_sound(
    params: FaceParams, hearing: Hearing, track: FaceTrack, head: Head
) -> tuple[FaceParams, np.ndarray]:
    """A performance without a fit, and sound's share (T,) of it.

    The mouth is as heard where it is covered or the picture too coarse for it.
    What the two differ by while the mouth is seen is kept: it is the person's.
    """
    from .improvise import mouth_of, sealed

    voice, mouth = hearing.voice, REGIONS.index("mouth")
    confidence = np.nan_to_num(track.confidence[:, mouth]) * track.seen
    confidence = np.minimum(confidence, 1 - too_coarse(track, heard_share(hearing, track.times)))
    if hearing.belongs < 0.5:
        confidence = np.ones_like(confidence)
    if hearing.forced is not None:
        confidence = np.where(np.isnan(hearing.forced), confidence, 1 - hearing.forced)
    expression, jaw = mouth_of(voice, track.times, head)
    units, opening = usual_range(head.file.expression_names), usual_range(("jaw",))
    heard = params.replace(expression=units * expression, jaw=opening * jaw)
    hidden, own = hidden_share(confidence), person_by_sound(voice, track.times)
    led = lead_mouth(params, heard, hidden, hidden, own, track.times, head)
    shut = sealed(led.expression, led.jaw, voice.closed * hidden, head)
    trust = (1 - confidence) * voice.speaking
    return led.replace(expression=shut), trust


def forced_trust(options: CaptureOptions, times: np.ndarray) -> np.ndarray:
    """Whom the artist wants to be trusted, (T,): 1 sound, 0 picture, NaN where nothing is said."""
    forced = np.full(len(times), 1.0 if options.senses == "sound" else np.nan)
    for sense, start, end in trust_ranges(options.trust):
        forced[(times >= start) & (times <= end)] = float(sense == "sound")
    return forced
