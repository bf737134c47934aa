"""Boundaries of neural voices, moved to where the sound changes.

What a neural voice decides before it speaks counts in frames of 12 to 25 ms and comes late by some
frames. The phones are known, and roughly when: the path through the posteriors of an acoustic
network that was trained on exact timings finds the rest.
"""

from dataclasses import replace

import numpy as np
import torch

from ...models.phone_classes import CLASS_OF
from ...models.phones import PhoneNetwork
from .utterance import Utterance, shut_before_bursts

_FRAME = 0.01  # seconds of the boundaries' grid
_FIRST_CENTRE = 0.0125  # seconds
_FURTHEST = 7  # frames by which a boundary may move
_DEVIATION = 3.0  # frames: of the given boundaries
_SHORTEST = 2  # frames of a phone


@torch.no_grad()
def align(model: PhoneNetwork, said: Utterance) -> Utterance:
    """The utterance with boundaries where the network hears them, near those that it had."""
    heard = _posteriors(model, said.waveform)  # (F, 29)
    sums = np.concatenate([np.zeros((1, heard.shape[1])), heard.cumsum(0)])
    classes = [CLASS_OF[name] for name, _, _ in said.phones]
    given = np.array([start for _, start, _ in said.phones[1:]])
    given = (given - _FIRST_CENTRE + _FRAME / 2) / _FRAME
    edges = _best_edges(sums, classes, given) * _FRAME + _FIRST_CENTRE - _FRAME / 2
    starts = [0.0, *edges.tolist()]
    ends = [*edges.tolist(), said.seconds]
    names = [name for name, _, _ in said.phones]
    phones = list(zip(names, starts, ends, strict=True))
    return replace(said, phones=tuple(shut_before_bursts(phones, said.waveform)))


def _posteriors(model: PhoneNetwork, waveform: np.ndarray) -> np.ndarray:
    """(F, 29) log-posteriors every 10 ms: the network's steps are 20 ms, so it hears twice."""
    sound = torch.from_numpy(waveform)[None]
    steps = [model(piece)[0].log_softmax(-1).numpy() for piece in (sound, sound[:, 160:])]
    count = min(len(s) for s in steps)
    return np.stack([s[:count] for s in steps], 1).reshape(2 * count, -1)


def _best_edges(sums: np.ndarray, classes: list[int], given: np.ndarray) -> np.ndarray:
    """(P - 1,) frames where each phone but the first begins, by dynamic programming.

    `sums` (F + 1, 29) adds the log-posteriors up; `given` (P - 1,) are the boundaries so far.
    """
    if len(given) == 0:
        return given
    moves = np.arange(-_FURTHEST, _FURTHEST + 1)
    places = (np.round(given)[:, None] + moves).astype(int).clip(0, len(sums) - 1)  # (P - 1, M)
    prior = -0.5 * ((places - given[:, None]) / _DEVIATION) ** 2
    scores = sums[places[0], classes[0]] + prior[0]
    origins = []
    for k in range(1, len(places)):
        spoken = sums[places[k], classes[k]][:, None] - sums[places[k - 1], classes[k]]  # (M, M)
        length = places[k][:, None] - places[k - 1]
        total = np.where(length >= _SHORTEST, spoken + scores, -1e6 + length)
        origins.append(total.argmax(1))
        scores = total.max(1) + prior[k]
    scores = scores + sums[-1, classes[-1]] - sums[places[-1], classes[-1]]
    path = [int(scores.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    edges = places[np.arange(len(places)), path[::-1]]
    return np.maximum.accumulate(edges).astype(float)
