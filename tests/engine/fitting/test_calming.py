"""Performances that tremble are calmed; what happens in a frame, or at a cut, stays."""

from dataclasses import replace

import numpy as np
import pytest

from engine.fitting.calming import calm
from engine.head.model import FaceParams
from tests.made_tracks import made_track, points_of

SIZE, FRAMES, SHUT = (640, 480), 60, slice(30, 33)
NOISE = 0.02


@pytest.fixture(scope="module")
def still(head):
    """Somebody who opens the mouth a little, and shuts it for a moment."""
    params = FaceParams.neutral(head, FRAMES, 1280.0)
    jaw = params.jaw.copy()
    jaw[:, 0] = 0.15
    jaw[SHUT, 0] = 0.0
    return params.replace(jaw=jaw)


@pytest.fixture(scope="module")
def track(head, still):
    """The face as it is followed, in even frames."""
    return made_track(points_of(head, still, SIZE), SIZE)


def trembling(params, seed=0):
    """As a network would read it, frame by frame."""
    generator = np.random.default_rng(seed)
    return params.replace(
        expression=params.expression + generator.uniform(0, 2 * NOISE, params.expression.shape),
        jaw=params.jaw + generator.normal(0, NOISE / 4, params.jaw.shape),
    )


def tremble(values):
    """Second differences before the mouth shuts."""
    return np.sqrt(np.mean(np.diff(values[2 : SHUT.start - 4], 2, axis=0) ** 2))


def test_rests_are_calmed_and_a_mouth_that_shuts_still_shuts(head, still, track):
    read = trembling(still)
    calmed = calm(read, track, head)
    for name in ("jaw", "expression"):
        assert tremble(getattr(calmed, name)) < 0.5 * tremble(getattr(read, name)), name
    assert calmed.jaw[SHUT.start + 1, 0] < 0.03
    assert abs(calmed.jaw[SHUT.start - 3, 0] - 0.15) < 0.02
    assert (calmed.expression >= head.file.expression_low).all()


def test_nothing_is_carried_over_a_cut(head, still, track):
    jaw = still.jaw.copy()
    jaw[:, 0] = np.where(np.arange(FRAMES) < 20, 0.0, 0.3)
    read = trembling(still.replace(jaw=jaw))
    jump = np.diff(calm(read, replace(track, cuts=(20,)), head).jaw[:, 0])[19]
    assert jump > 0.27


def test_what_is_exact_stays_and_a_moment_is_left_alone(head, still, track):
    assert np.allclose(calm(still, track, head).jaw, still.jaw, atol=1e-3)
    two = replace(track, seen=np.arange(FRAMES) < 2)
    read = trembling(still)
    assert calm(read, two, head) is read
