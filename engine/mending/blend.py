"""One take from several of the same head: the mouth from here, the eyes from there, for a while.

A unit goes with the region whose name it bears; the jaw goes with the mouth. Rotations are blended
along the shortest arc, everything else linearly, eased in and out at the ends of the range.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from ..easing import ease
from ..exchange.protocol import AVFaceError
from ..exchange.take import REGIONS, Take
from ..head.regions import unit_regions

PARTS = ("pose", "mouth", "eyes", "brows", "identity")
_REGIONS = {"mouth": ("mouth",), "eyes": ("left_eye", "right_eye"), "brows": ("brows",)}


def blend_takes(
    take: Take,
    sources: dict[str, Take],
    seconds: Sequence[float] | None = None,
    ease_seconds: float = 0.2,
) -> Take:
    """`take` with parts of it from `sources` (PARTS -> take), within `seconds` (from, to).

    Raises AVFaceError when a source is of another head or doesn't reach over the range.
    """
    if not sources:
        raise AVFaceError("Nothing is to be blended.", f"Name one of --{', --'.join(PARTS)}.")
    if not 0 <= ease_seconds < np.inf:
        raise AVFaceError(f"An ease of {ease_seconds:g} s is none.", "Give --ease 0 or above.")
    for part, source in sources.items():
        _check(take, source, part, seconds)
    share = _share(take.times, seconds, ease_seconds)
    for part, source in sources.items():
        other = _at(source, take.times)
        if part == "identity":
            take = replace(take, shape=source.shape, albedo=source.albedo)
        elif part == "pose":
            take = replace(
                take,
                head_pose=_turned(take.head_pose, other["head_pose"], share),
                head_translation=_mixed(take.head_translation, other["head_translation"], share),
            )
        else:
            take = _with_part(take, source, other, part, share)
    return take


def _with_part(
    take: Take, source: Take, other: dict[str, np.ndarray], part: str, share: np.ndarray
) -> Take:
    """The units, joints and confidence of one part of the face."""
    columns = np.isin(unit_regions(take.expression_names), _REGIONS[part])
    expression, confidence = take.expression.copy(), take.confidence.copy()
    expression[:, columns] = _mixed(expression[:, columns], other["expression"][:, columns], share)
    regions = [REGIONS.index(name) for name in _REGIONS[part]]
    confidence[:, regions] = _mixed(confidence[:, regions], other["confidence"][:, regions], share)
    changed = replace(take, expression=expression, confidence=confidence)
    if part == "mouth":
        trust = _mixed(take.trust_sound[:, None], other["trust_sound"], share)[:, 0]
        changed = replace(changed, jaw=_turned(take.jaw, other["jaw"], share), trust_sound=trust)
        if source.lip_weights is not None or take.lip_weights is not None:
            changed = _with_lips(changed, source, share)
    if part == "eyes":
        left = _turned(take.eyes[:, :3], other["eyes"][:, :3], share)
        right = _turned(take.eyes[:, 3:], other["eyes"][:, 3:], share)
        changed = replace(changed, eyes=np.concatenate([left, right], axis=1))
    return changed


def _with_lips(take: Take, source: Take, share: np.ndarray) -> Take:
    """Both takes' lip shapes side by side, each weighed by its share."""
    shapes, weights, vertices = [], [], None
    for one, part in ((take, 1 - share), (source, share)):
        if one.lip_shapes is None or one.lip_weights is None or one.lip_vertices is None:
            continue
        if vertices is not None and not np.array_equal(vertices, one.lip_vertices):
            raise AVFaceError(
                "The takes refine different parts of the lips.", "Capture both with one version."
            )
        vertices = one.lip_vertices
        shapes.append(one.lip_shapes)
        weights.append(_resampled(one.lip_weights, one.times, take.times) * part[:, None])
    return replace(
        take, lip_vertices=vertices, lip_shapes=np.concatenate(shapes),
        lip_weights=np.concatenate(weights, axis=1),
    )  # fmt: skip


def _check(take: Take, source: Take, part: str, seconds: Sequence[float] | None) -> None:
    if source.head["sha256"] != take.head["sha256"]:
        raise AVFaceError(
            f"The take for the {part} is on another head.", "Carry it over first: `transfer`."
        )
    if part in _REGIONS and "eyeBlinkLeft" not in take.expression_names:
        raise AVFaceError(
            f"{take.head['name']}'s columns belong to no part of the face.",
            "Carry the takes over to the default head first: `transfer`.",
        )
    first, last = seconds if seconds else (take.times[0], take.times[-1])
    if not first <= last:
        raise AVFaceError("The range ends before it begins.", "Give --range FROM TO, seconds.")
    step = 1.5 / max(source.fps, 1.0)
    if part != "identity" and (source.times[0] > first + step or source.times[-1] < last - step):
        raise AVFaceError(
            f"The take for the {part} does not reach over the range.",
            f"It has {source.times[0]:.2f} to {source.times[-1]:.2f} s: choose a --range in it.",
        )


def _share(times: np.ndarray, seconds: Sequence[float] | None, ease_seconds: float) -> np.ndarray:
    """How much comes from elsewhere, (T,): 1 within the range, eased to 0 outside its ends."""
    if seconds is None:
        return np.ones(len(times))
    outside = np.maximum(np.maximum(seconds[0] - times, times - seconds[1]), 0)
    return ease(1 - outside / max(ease_seconds, 1e-6))


def _at(source: Take, times: np.ndarray) -> dict[str, np.ndarray]:
    """A take's fields at other times, held at its ends."""
    out = {
        name: _resampled(getattr(source, name), source.times, times)
        for name in ("expression", "confidence", "head_translation")
    }
    out["trust_sound"] = _resampled(source.trust_sound[:, None], source.times, times)
    for name in ("head_pose", "jaw"):
        out[name] = _resampled_turns(getattr(source, name), source.times, times)
    eyes = [_resampled_turns(source.eyes[:, k : k + 3], source.times, times) for k in (0, 3)]
    out["eyes"] = np.concatenate(eyes, axis=1)
    return out


def _resampled(values: np.ndarray, at: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(times, at, column) for column in values.T], axis=1)


def _resampled_turns(turns: np.ndarray, at: np.ndarray, times: np.ndarray) -> np.ndarray:
    if len(at) == 1:
        return np.repeat(turns, len(times), axis=0)
    return Slerp(at, Rotation.from_rotvec(turns))(np.clip(times, at[0], at[-1])).as_rotvec()


def _mixed(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + share[:, None] * (b - a)


def _turned(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    first, second = Rotation.from_rotvec(a), Rotation.from_rotvec(b)
    step = (first.inv() * second).as_rotvec()
    return (first * Rotation.from_rotvec(share[:, None] * step)).as_rotvec()
