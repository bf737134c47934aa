import numpy as np

from engine.easing import ease


def test_it_starts_and_ends_without_a_corner():
    np.testing.assert_allclose(ease(np.array([-2, 0, 0.25, 0.5, 1, 3])), [0, 0, 0.15625, 0.5, 1, 1])
    assert ease(np.float32([0.3])).dtype == np.float32
