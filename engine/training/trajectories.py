"""What is spoken when -> how the mouth moves: jaw, lip and tongue units of the default head.

Every phone pulls each channel towards its target with a strength that decays away from it
(dominance blending: Cohen and Massaro 1993); phones own the articulators that they need. Blending
alone undershoots what must be reached, so hard rules follow (as in JALI: Edwards et al. 2016):
p b m seal the lips, f v put the lower lip to the teeth, sibilants hold the jaw up, the tongue
reaches the teeth, the ridge or the palate and never passes through them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..exchange.take import frame_seconds
from ..head.mouth import shutting
from ..head.tongue import clear_teeth
from .visemes import CHANNELS, DIPHTHONGS, FIRST_SHARE, GROUPS, STRENGTH, TARGETS

Phone = tuple[str, float, float]  # ARPAbet without stress, or SIL; start and end in seconds

_INNER_HZ = 200  # blending and low-pass run at this rate
_DECAY_PER_S = {  # before and after a phone: rounding leads and lags, the tongue's tip is quick
    "jaw": (14, 16), "shape": (9, 11), "opening": (20, 20), "tip": (50, 50), "body": (22, 22),
}  # fmt: skip
_SEALS, _TUCKS = ("P", "B", "M"), ("F", "V")
# jaw, rad, that a hiss leaves: the teeth nearly meet
_JAW_CAPS = {"S": 0.026, "Z": 0.026, "SH": 0.032, "ZH": 0.032, "CH": 0.032, "JH": 0.032}
_TUCKED_JAW = 0.036  # rad
_RAMP_S = 0.050  # a seal comes and goes: a raised cosine of 1 / (4 ramp) Hz and more
_MERGE_S = 0.050  # two closures this near are one ("pop man")
_OPENERS = ("mouthFunnel", "mouthLowerDown", "mouthUpperUp")
_SEALED = {"mouthRollLower": 0.14, "mouthRollUpper": 0.12, "mouthPress": 0.10}
_TUCKED = {
    "mouthRollLower": 0.92, "mouthRollUpper": 0.0, "mouthPress": 0.0, "mouthUpperUp": 0.25,
    "mouthLowerDown": 0.0, "mouthFunnel": 0.0,
}  # fmt: skip
_TUCKED_CLOSE = 0.38  # of the opening that the jaw leaves


@dataclass(frozen=True)
class Style:
    """One speaker's way to move. The defaults are a clear, even speaker."""

    jaw: float = 1.0  # gain
    lips: float = 1.0  # gain
    tongue: float = 1.0  # gain
    loudness: float = 1.0  # gain of everything but contacts
    lead: float = 1.0  # above 1, rounding spreads farther over its neighbours
    cutoff_hz: float = 6.5  # low-pass of all but contacts
    jitter_seconds: float = 0.0  # sd of each phone's borders
    rest: float = 0.0  # 0: lips shut in pauses, 1: a little open
    targets: dict[str, np.ndarray] = field(default_factory=dict)  # phone -> (channels,) factors


@dataclass(frozen=True)
class Trajectory:
    """Units of the default head over time; a pair of sides is one channel."""

    times: np.ndarray  # (T,) s
    values: np.ndarray  # (T, channels) in the order of `visemes.CHANNELS`: jaw in rad, units 0-1
    closed: np.ndarray  # (T,) how far p b m seal the lips, 0-1
    tucked: np.ndarray  # (T,) the same of f v
    speaking: np.ndarray  # (T,) 0-1

    def __getitem__(self, channel: str) -> np.ndarray:
        """One channel, (T,)."""
        return self.values[:, CHANNELS.index(channel)]


def draw_style(generator: np.random.Generator) -> Style:
    """A random speaker."""

    def gain(spread: float) -> float:
        return float(np.clip(np.exp(generator.normal(0, spread)), 0.45, 1.8))

    factors = np.exp(generator.normal(0, 0.15, (len(TARGETS), len(CHANNELS))))
    return Style(
        jaw=gain(0.28),
        lips=gain(0.25),
        tongue=gain(0.08),
        loudness=gain(0.12),
        lead=gain(0.2),
        cutoff_hz=float(generator.uniform(5.0, 8.0)),
        jitter_seconds=float(generator.uniform(0.0, 0.015)),
        rest=float(generator.choice([0.0, 0.0, 1.0]) * generator.uniform()),
        targets=dict(zip(TARGETS, factors, strict=True)),
    )


def articulate(
    phones: Sequence[Phone],
    times: np.ndarray,
    style: Style | None = None,
    generator: np.random.Generator | None = None,
) -> Trajectory:
    """How the mouth moves while `phones` are spoken, at any times (T,) in seconds.

    Args:
        phones: in order, with pauses as SIL. Outside of them is silence.
        times: any spacing; a seal lasts at least one of their steps.
        style: the speaker.
        generator: for the style's jitter; none, no jitter.
    """
    style = style or Style()
    phones = _placed(phones, style, generator, times)
    inner = np.arange(times[0] - 0.2, times[-1] + 0.2, 1 / _INNER_HZ)
    smooth = _blend(phones, inner, style)
    smooth = gaussian_filter1d(smooth, 0.1325 / style.cutoff_hz * _INNER_HZ, axis=0)
    values = np.stack([np.interp(times, inner, column) for column in smooth.T], 1)
    step = frame_seconds(times)
    closed = _gate([_middle(p) for p in _merged(phones, _SEALS)], times, step)
    tucked = _gate([_middle(p) for p in _merged(phones, _TUCKS)], times, step)
    return Trajectory(
        times=times,
        values=_contacts(values, phones, times, closed, tucked, style),
        closed=closed,
        tucked=tucked,
        speaking=_gate([p[1:] for p in phones if p[0] != "SIL"], times, step),
    )


def head_units(trajectory: Trajectory, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The default head's expression (T, E), in the order of its `names`, and jaw (T, 3) rad."""
    expression = np.zeros((len(trajectory.times), len(names)))
    for k, name in enumerate(names):
        channel = channel_of(name)
        if channel is not None:
            expression[:, k] = trajectory[channel]
    jaw = np.zeros((len(trajectory.times), 3))
    jaw[:, 0] = trajectory["jaw"]
    return expression, jaw


def channel_of(unit: str) -> str | None:
    """The channel that drives a unit: sides share one; None for what speech doesn't move."""
    bare = unit.removesuffix("Left").removesuffix("Right")
    return bare if bare in CHANNELS[1:] else None


def _placed(
    phones: Sequence[Phone],
    style: Style,
    generator: np.random.Generator | None,
    times: np.ndarray,
) -> list[Phone]:
    """The phones with jittered borders, and silence before and after them."""
    borders = np.array([phones[0][1], *(end for _, _, end in phones)], float)
    if generator is not None and style.jitter_seconds > 0:
        borders += generator.normal(0, style.jitter_seconds, len(borders)).clip(-0.03, 0.03)
        borders = np.maximum.accumulate(borders)
    placed: list[Phone] = []
    for (name, _, _), start, end in zip(phones, borders[:-1], borders[1:], strict=True):
        first, *second = DIPHTHONGS.get(name, (name,))
        turn = start + FIRST_SHARE * (end - start) if second else end
        placed.append((first, float(start), float(turn)))
        placed += [(name, float(turn), float(end)) for name in second]
    before, after = min(times[0], borders[0]) - 1, max(times[-1], borders[-1]) + 1
    return [("SIL", before, borders[0]), *placed, ("SIL", borders[-1], after)]


def _blend(phones: list[Phone], times: np.ndarray, style: Style) -> np.ndarray:
    """Dominance blending, (T, channels): the weighted mean of what the phones want."""
    weights = np.stack([_dominance(phone, times, style) for phone in phones], 1)  # (T, P, groups)
    wants = np.stack([_wanted(name, style) for name, _, _ in phones])  # (P, channels)
    out = np.empty((len(times), len(CHANNELS)))
    for g, group in enumerate(GROUPS):
        columns = [CHANNELS.index(name) for name in GROUPS[group]]
        share = weights[:, :, g] / (weights[:, :, g].sum(1, keepdims=True) + 1e-9)
        out[:, columns] = share @ wants[:, columns]
    return out


def _dominance(phone: Phone, times: np.ndarray, style: Style) -> np.ndarray:
    """How strongly a phone pulls each group, (T, groups)."""
    name, start, end = phone
    quarter = min((end - start) / 4, 0.04)
    early = np.maximum(start + quarter - times, 0)
    late = np.maximum(times - (end - quarter), 0)
    columns = []
    for group, strength in zip(GROUPS, STRENGTH[name], strict=True):
        before, after = _DECAY_PER_S[group]
        lead = style.lead if group == "shape" else 1.0
        away = np.exp(-before / lead * early - after / lead * late)
        columns.append(strength * np.where((early > 0) | (late > 0), away, 1.0))
    return np.stack(columns, 1)


def _wanted(name: str, style: Style) -> np.ndarray:
    """A speaker's targets of a phone, (channels,)."""
    target = TARGETS[name] * style.targets.get(name, 1.0)
    gains = np.full(len(CHANNELS), style.lips * style.loudness)
    gains[CHANNELS.index("jaw")] = style.jaw * style.loudness
    gains[CHANNELS.index("mouthClose")] = 1.0  # a share of the opening, not a distance
    for channel in GROUPS["tip"] + GROUPS["body"]:
        gains[CHANNELS.index(channel)] = style.tongue
    wanted = target * gains
    if name == "SIL":
        wanted[CHANNELS.index("jaw")] += 0.012 * style.rest
        wanted[CHANNELS.index("mouthClose")] *= 1 - 0.8 * style.rest
    return wanted


def _merged(phones: list[Phone], names: tuple[str, ...]) -> list[tuple[float, float]]:
    """Where `names` are spoken, as (start, end); near neighbours are one."""
    spans: list[tuple[float, float]] = []
    for name, start, end in phones:
        if name in names:
            if spans and start - spans[-1][1] < _MERGE_S:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
    return spans


def _middle(span: tuple[float, float]) -> tuple[float, float]:
    """The part of a contact that must be full: from just after its start to before its release."""
    start, end = span
    return start + 0.1 * (end - start), end - 0.2 * (end - start)


def _gate(spans: list[tuple], times: np.ndarray, step: float) -> np.ndarray:
    """1 within spans (widened to more than one step), a raised cosine at their sides, (T,)."""
    out = np.zeros(len(times))
    for start, end in spans:
        short = max(1.05 * step - (end - start), 0) / 2
        away = np.maximum(np.maximum(start - short - times, times - end - short), 0)
        side = 0.5 + 0.5 * np.cos(np.pi * np.clip(away / _RAMP_S, 0, 1))
        out = np.maximum(out, side)
    return out


def _contacts(
    values: np.ndarray,
    phones: list[Phone],
    times: np.ndarray,
    closed: np.ndarray,
    tucked: np.ndarray,
    style: Style,
) -> np.ndarray:
    """The hard rules on blended values (T, channels)."""
    own = dict(zip(CHANNELS, values.T.copy(), strict=True))
    step = frame_seconds(times)
    jaw, close = np.maximum(own["jaw"], 0), np.clip(own["mouthClose"], 0, 1)
    for name, cap in _JAW_CAPS.items():
        hiss = _gate([p[1:] for p in phones if p[0] == name], times, step)
        jaw = jaw + hiss * (np.minimum(jaw, cap * (0.6 + 0.4 * style.jaw)) - jaw)
    jaw = jaw + tucked * (np.minimum(jaw, _TUCKED_JAW) - jaw)
    close = close + tucked * (_TUCKED_CLOSE - close)
    own["mouthPucker"] = own["mouthPucker"] * (1 - 0.6 * tucked)  # or the lip leaves the teeth
    for name, value in _TUCKED.items():
        own[name] = own[name] + tucked * (value - own[name])
    for name in _OPENERS:
        own[name] = own[name] * (1 - closed)
    for name, value in _SEALED.items():
        own[name] = own[name] + closed * (value - own[name])
    own["jaw"] = jaw
    own["mouthClose"] = np.maximum(close, closed) * shutting(jaw)
    out, up = clear_teeth(own["tongueOut"], own["tongueUp"], jaw)
    own["tongueOut"], own["tongueUp"] = out, up
    all_ = np.stack([own[name] for name in CHANNELS], 1)
    return np.concatenate([all_[:, :1].clip(0, 0.45), all_[:, 1:].clip(0, 1)], 1)
