import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.rotations import (
    axis_angles,
    inverse,
    product,
    quaternions,
    turned,
)
from scipy.spatial.transform import Rotation

generator = np.random.default_rng(2)
AXIS_ANGLES = generator.normal(size=(40, 3))  # up to pi long, but for a few
OTHERS = generator.normal(size=(40, 3))


def known(turns: np.ndarray) -> Rotation:
    return Rotation.from_quat(turns, scalar_first=True)


def test_axis_angle_to_quaternion_and_back_the_short_way():
    turns = quaternions(AXIS_ANGLES)
    assert axis_angles(turns) == pytest.approx(known(turns).as_rotvec())
    assert axis_angles(-3 * turns) == pytest.approx(axis_angles(turns)), "sign and length are free"
    assert axis_angles(np.array([1.0, 0, 0, 1e-12])) == pytest.approx([0, 0, 2e-12], abs=1e-15)


def test_products_and_inverses_are_those_of_rotations():
    a, b = quaternions(AXIS_ANGLES), quaternions(OTHERS)
    both = (known(a) * known(b)).as_rotvec()
    assert axis_angles(product(a, b)) == pytest.approx(both)
    assert axis_angles(product(a[0], b)) == pytest.approx((known(a[:1]) * known(b)).as_rotvec())
    assert axis_angles(product(inverse(a), a)) == pytest.approx(np.zeros((40, 3)), abs=1e-12)


def test_vectors_are_turned():
    turns = quaternions(AXIS_ANGLES)
    assert turned(turns, OTHERS) == pytest.approx(known(turns).apply(OTHERS))
