"""A second witness of covers: what the landmark network sees of a face that has been followed.

To ask it about every picture would double the work, so it gets a glance of the face three times a
second, kept while the pictures stream by, and every picture where the glances or the clip's
colours are in doubt. A face that nothing ever covers costs it no more than the glances.
"""

from collections.abc import Iterator
from itertools import islice, pairwise

import numpy as np
from scipy.ndimage import maximum_filter1d

from ..exchange.take import REGIONS
from ..media import Clip, read_some
from ..weights import registry
from .partial import LIPS, something_near, usual_lips
from .people import Person
from .seen import NETWORK, NetworkPoints, level_face, see_level, unpack
from .visibility import network_doubts

_AT_ONCE = 64  # pictures in memory
_IN_DOUBT = 0.1  # of a cover, or of its change from one glance to the next
_AROUND = 3  # frames that are looked at on both sides of a doubtful one


def seen_by_network(
    clip: Clip, person: Person, cover: np.ndarray
) -> tuple[np.ndarray, NetworkPoints, np.ndarray] | None:
    """How surely the network sees each region of the person, (N, R) in 0..1, for N frames.

    `cover` (N, R) is what the colours say. Also what it was shown for that, and how surely
    something is before each point, (N, 478) log odds; None where the product carries no such
    network.
    """
    if NETWORK not in registry() or not person.glances:
        return None
    seen = np.full((len(person.frames), len(REGIONS)), np.nan)
    hidden = np.full((len(person.frames), person.points.shape[1]), np.nan, np.float32)
    usual = usual_lips(person.points)
    kept = {frame: int(row) for row, frame in enumerate(person.frames) if frame in person.glances}
    glances = ((row, unpack(person.glances[frame])) for frame, row in kept.items())
    looks = _look(seen, hidden, glances, person, usual)
    wanted = _doubtful(cover, seen, hidden) & np.isnan(seen[:, 0])
    looks += _look(seen, hidden, _read(clip, person, wanted), person, usual)
    return _between(seen), NetworkPoints.joined(looks), _between(hidden)


def _doubtful(cover: np.ndarray, seen: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Rows (N,) that need a look: by the colours' covers (N, R) and the glances, NaN elsewhere."""
    doubtful: np.ndarray = np.max(cover, axis=1) > _IN_DOUBT
    known = np.flatnonzero(np.isfinite(seen[:, 0]))
    touched = something_near(hidden[known])[:, None]
    doubts = np.hstack([network_doubts(seen[known]), touched])
    unsure = np.max(np.minimum(doubts, 1 - doubts), axis=1) > _IN_DOUBT
    changes = np.max(np.abs(np.diff(doubts, axis=0)), axis=1) > _IN_DOUBT
    for k, (first, last) in enumerate(pairwise(known)):
        if changes[k] or unsure[k] or unsure[k + 1]:
            doubtful[first : last + 1] = True
    return maximum_filter1d(doubtful, 2 * _AROUND + 1)


def _look(
    seen: np.ndarray,
    hidden: np.ndarray,
    pictures: Iterator[tuple[int, np.ndarray]],
    person: Person,
    usual: np.ndarray,
) -> list[NetworkPoints]:
    """What the network says of pictures, into their rows of `seen` (N, R) and `hidden` (N, 478).

    A point of the lips is as hidden as it is or its `usual` place (N, 40, 2) px. Returns the
    network's points, batch by batch.
    """
    looks = []
    while batch := list(islice(pictures, _AT_ONCE)):
        rows = np.array([row for row, _ in batch])
        shown = np.stack([picture for _, picture in batch])
        mesh = person.points[rows]
        places = np.concatenate([mesh[..., :2], usual[rows]], axis=1)  # (n, 478 + 40, 2)
        look = see_level(shown, mesh, places)
        own, beneath = np.split(look.covered, [mesh.shape[1]], axis=1)
        own[:, list(LIPS)] = np.maximum(own[:, list(LIPS)], beneath)
        hidden[rows] = own
        brows = look.visible[:, 4:].min(axis=1, keepdims=True)  # the network tells them apart
        seen[rows] = np.hstack([look.visible[:, :4], brows])
        looks.append(NetworkPoints(person.frames[rows], look.points, look.sigma, look.odds))
    return looks


def _read(clip: Clip, person: Person, wanted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The `wanted` (N,) rows of the person with what the network sees of them."""
    row_of = {int(person.frames[row]): int(row) for row in np.flatnonzero(wanted)}
    for frame, picture in read_some(clip, np.array(list(row_of), int)):
        yield row_of[frame], level_face(picture, person.points[row_of[frame]])


def _between(seen: np.ndarray) -> np.ndarray:
    """Rows without a look filled in from their neighbours, (N, R)."""
    every, known = np.arange(len(seen)), np.flatnonzero(np.isfinite(seen[:, 0]))
    columns = [np.interp(every, known, column[known]) for column in seen.T]
    return np.stack(columns, axis=1).astype(seen.dtype)
