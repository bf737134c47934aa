"""Sound as the fit's second witness: what it says of the mouth, how far it is believed, and when.

Sound speaks of a mean speaker. What it says is brought to this person's face by frames in which
both witnesses are good: where the mouth's units rest and where while it speaks, how far they move
for what is heard, their shapes for each sound, and where they were just before and after
(`carrying`). Where the picture is good, sound adds little
but shuts the lips at p, b and m; where the mouth is covered or dark, sound leads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from ..exchange.take import REGIONS, frame_seconds
from .carrying import carry_difference
from .landmark_head import JAW, LandmarkHead
from .solver import Guide, Targets
from .terms import region_unknowns

if TYPE_CHECKING:
    from ..audio.voice import VoiceFace
    from ..faces import FaceTrack

_SHARE_BESIDE_PICTURE = 0.05  # of its trust that sound keeps where the picture is perfect
_SPEECH_SECONDS = 0.06  # by which trust begins before speech and ends after it
# How far a mouth opens, and how far it rounds and spreads, for what the mean speaker of the
# sound's network does: less, where sound is often wrong.
_OPENING, _SHAPE = 0.7, 0.2
# What this person's mouth may do otherwise than the mean speaker's, as deviations: open wider in
# lively speech, rest elsewhere while speaking, and have another shape for each sound of speech.
_WITH_OPENING, _WITH_SPEECH, _WITH_SOUND = 0.4, 0.6, 0.5
_PAUSE_SECONDS = 1.0
_LIVELY_MM = 5.0  # gap between the lips in lively speech
# What is left of the network's deviation, which holds for any speaker, once the person is seen;
# and the deviation of the mouth's units that sound says nothing of.
_SD_LEFT, _UNHEARD_SD = 0.3, 0.1
_SHAPE_UNITS = ("mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile")
_SEAL_GAP = (0.8e-3, 1.8e-3)  # m: seen lips that near are shut by a heard p, b or m; so far not
_SHUT = (0.2, 0.6)  # probability of p, b or m from which lips begin to shut, and are shut
_LEAST_TRUST = 0.02
_SEEN = 0.5  # confidence from which the picture tells of the mouth
_DISTURBED_SECONDS = 0.08  # before a cover and after it: it moves points that it doesn't hide yet
_SHUT_BY_PICTURE = 0.6e-3  # m: lips seen so near are shut without sound


@dataclass(frozen=True)
class Hearing:
    """What the clip's sound says, at the track's times."""

    voice: VoiceFace
    belongs: float = 1.0  # 0..1, whether the voice is this face's
    forced: np.ndarray | None = None  # (T,) 1 sound, 0 picture, by hand; NaN elsewhere
    calibrated: bool = True  # whether seen lips say how far this person's mouth moves


@dataclass(frozen=True)
class SoundTerms:
    """Sound's part of the fit's terms for T frames and D unknowns."""

    trust: np.ndarray  # (T,) 0..1, of the mouth's evidence that sound gives
    guide: np.ndarray  # (T, D) what the unknowns would be by the sound alone
    weight: np.ndarray  # (T, D) 1 / sd^2
    seal: np.ndarray  # (T,) 0..1, how surely p, b or m shuts the lips
    unseen: np.ndarray  # (T,) bool: the picture's mouth doesn't count

    def targets(self, frames: np.ndarray) -> Targets:
        """What sound wants of the unknowns in `frames`."""
        return Targets(self.guide[frames], self.weight[frames])

    def guided(self, frames: np.ndarray) -> Guide:
        """Where the mouth isn't seen, sound moves it."""
        leads = self.unseen[frames] & (self.trust[frames] > _LEAST_TRUST)
        return Guide(self.guide[frames], leads[:, None] & (self.weight[frames] > 0))


def sound_terms(
    hearing: Hearing, track: FaceTrack, head: LandmarkHead, x: np.ndarray
) -> SoundTerms:
    """Sound's terms, with `x` (T, D) as the picture alone explains the face."""
    voice, forced = hearing.voice, _forced(hearing, len(x))
    heard = _reach(voice.speaking, track.times) * hearing.belongs
    picture = _seen_mouth(track)
    clear = np.ones(len(x)) if track.clear is None else track.clear
    picture = np.minimum(picture, 1 - too_coarse(track, heard))
    trust = heard * (1 - (1 - _SHARE_BESIDE_PICTURE) * picture)
    trust = np.where(forced == 0, 0.0, np.where(forced == 1, _reach(voice.speaking, track.times),
                                                trust))  # fmt: skip
    seen = (picture >= _SEEN) & (forced != 1)
    believed = np.where(seen & (clear >= _SEEN), picture, 0.0)
    guide, sd = _on_the_person(hearing, head, x, believed, track.times)
    known = np.isfinite(sd)
    # Where the mouth is seen well, sound's jaw and lips could only blur it: they keep out.
    needed = np.where(forced == 1, 1.0, 1 - picture) * trust
    needed[needed < _LEAST_TRUST] = 0
    weight = np.where(known, needed[:, None] / np.where(known, sd, 1.0) ** 2, 0.0)
    shuts = np.clip((voice.closed - _SHUT[0]) / (_SHUT[1] - _SHUT[0]), 0, 1)
    seal = np.where(forced == 0, 0.0, shuts * np.maximum(hearing.belongs, forced == 1))
    unseen = ~seen & (forced != 0)
    return SoundTerms(trust, guide, weight, seal, unseen)


def closing(terms: SoundTerms, frames: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """How far sound shuts lips that are seen `gap` (n, P) m apart, (n, P) in 0..1."""
    near = np.clip((_SEAL_GAP[1] - gap) / (_SEAL_GAP[1] - _SEAL_GAP[0]), 0, 1)
    sure = np.maximum(2 * terms.seal[frames, None] - 1, 0)  # to overrule what is seen
    return np.where(terms.unseen[frames, None], terms.seal[frames, None], sure * near)


def changed_frames(terms: SoundTerms, gap: np.ndarray) -> np.ndarray:
    """Frames (T,) bool that sound changes, with the lips seen `gap` (T, P) m apart.

    Where the mouth is seen well and no heard closure parts from what is seen, it changes nothing.
    """
    every = np.arange(len(terms.trust))
    shuts = (closing(terms, every, gap) > _LEAST_TRUST) & (gap > _SHUT_BY_PICTURE)
    return np.any(terms.weight > 0, axis=1) | np.any(shuts, axis=1)


def unseen_units(hearing: Hearing, terms: SoundTerms, names: tuple[str, ...]) -> np.ndarray:
    """What sound alone can know, the tongue: (T, E) with zeros elsewhere."""
    out = np.zeros((len(terms.trust), len(names)))
    believed = terms.trust / np.maximum(1 - (1 - _SHARE_BESIDE_PICTURE) * ~terms.unseen, 1e-6)
    for column, name in enumerate(hearing.voice.names):
        if name.startswith("tongue") and name in names:
            out[:, names.index(name)] = hearing.voice.mean[:, column] * np.clip(believed, 0, 1)
    return out


def voice_unknowns(voice: VoiceFace, head: LandmarkHead) -> tuple[np.ndarray, np.ndarray]:
    """The fit's unknowns by sound, mean and sd, (T, D) each; sd is infinite for the others."""
    mean = np.zeros((len(voice.mean), head.unknowns))
    sd = np.full(mean.shape, np.inf)
    for k, name in enumerate(voice.names):
        column = JAW.start if name == "jaw" else head.column.get(name)
        if column is not None:
            mean[:, column], sd[:, column] = voice.mean[:, k], voice.sd[:, k]
    return mean, sd


def _seen_mouth(track: FaceTrack) -> np.ndarray:
    """How well the picture shows the mouth, (T,) 0..1, less beside a cover."""
    picture = np.nan_to_num(track.confidence[:, REGIONS.index("mouth")]) * track.seen
    wide = 2 * round(_DISTURBED_SECONDS / frame_seconds(track.times)) + 1
    least = minimum_filter1d(picture, wide, mode="nearest")
    return np.where(least < _SEEN, least, picture)


def heard_share(hearing: Hearing, times: np.ndarray) -> np.ndarray:
    """How far this face's speech is heard, (T,) 0..1, and the artist lets it be believed."""
    return _reach(hearing.voice.speaking, times) * _believed(hearing, len(times))


def silent_share(hearing: Hearing, times: np.ndarray) -> np.ndarray:
    """How surely this face says nothing, (T,) 0..1: as `heard_share`, of silence."""
    return (1 - _reach(hearing.voice.speaking, times)) * _believed(hearing, len(times))


def usual_range(names: Iterable[str]) -> np.ndarray:
    """How far units (and "jaw") go for what the mean speaker of the sound's network does, (n,)."""
    return np.array([_SHAPE if name.startswith(_SHAPE_UNITS) else _OPENING for name in names])


def person_by_sound(voice: VoiceFace, times: np.ndarray) -> np.ndarray:
    """What a person may differ in from the voice's mean speaker, (T, K), for `carry_difference`."""
    opening = voice.gap_mm[:, :1] * voice.speaking[:, None] / _LIVELY_MM
    speech = _reach(voice.speaking, times)[:, None]
    return np.concatenate(
        [_WITH_OPENING * opening, _WITH_SPEECH * speech, _WITH_SOUND * voice.sounds], axis=1
    )


def _believed(hearing: Hearing, frames: int) -> np.ndarray:
    """How far the sound is this face's, (T,) 0..1, and the artist lets it be believed."""
    forced = _forced(hearing, frames)
    return np.where(forced == 1, 1.0, np.where(forced == 0, 0.0, hearing.belongs))


def _forced(hearing: Hearing, frames: int) -> np.ndarray:
    return np.full(frames, np.nan) if hearing.forced is None else hearing.forced


def _reach(speaking: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Speech with its soft edges, (T,) 0..1: lips move before they are heard, and after."""
    width = _SPEECH_SECONDS / frame_seconds(times)
    wide = maximum_filter1d(speaking, 2 * round(width) + 1, mode="nearest")
    return np.clip(gaussian_filter1d(wide, max(width / 2, 0.3), mode="nearest"), 0, 1)


def too_coarse(track: FaceTrack, heard: np.ndarray) -> np.ndarray:
    """How far the picture is too coarse for the mouth where speech is `heard` (T,), (T,) 0..1.

    Short pauses included. A coarse picture of a mouth beats none, but not its voice.
    """
    if track.clear is None:
        return np.zeros(len(heard))
    near = maximum_filter1d(heard, 2 * round(_PAUSE_SECONDS / 2 / frame_seconds(track.times)) + 1)
    return near * (1 - track.clear)


def _on_the_person(
    hearing: Hearing, head: LandmarkHead, x: np.ndarray, seen: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What sound wants of this person's unknowns, and its sd, (T, D) each.

    `seen` (T,) weighs the frames in which the picture `x` can be believed.
    """
    voice = hearing.voice
    mean, sd = voice_unknowns(voice, head)
    gain = np.full(head.unknowns, _OPENING)
    gain[list(head.column.values())] = usual_range(head.column)
    guide, sd = gain * mean, sd * np.maximum(gain, 0.5)
    if hearing.calibrated and (seen > 0).any():
        own = person_by_sound(voice, times)
        mouth = region_unknowns(head)["mouth"]
        apart = carry_difference((x - guide)[:, mouth], seen, own, times)
        guide[:, mouth] += apart
        sd[:, mouth] = np.where(np.isfinite(sd), _SD_LEFT * sd, _UNHEARD_SD)[:, mouth]
    return guide, sd
