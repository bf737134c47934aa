import pytest
from bl_ext.test.avface.avface_blender.picking import (
    Layout,
    dragged_region,
    face_at,
    is_drag,
    region_round,
)
from hypothesis import given
from hypothesis import strategies as st

SIZE = (640, 480)
LEFT, RIGHT = (100.0, 150.0, 200.0, 280.0), (400.0, 100.0, 520.0, 260.0)


@pytest.mark.parametrize("view", [(1600, 900), (500, 1200), (64, 64)])
def test_the_picture_lies_whole_and_in_the_middle_of_the_view(view):
    layout = Layout.fit(SIZE, view)
    x0, y1 = layout.to_view(0, 0)
    x1, y0 = layout.to_view(*SIZE)
    assert 0 < x0 < x1 < view[0] and 0 < y0 < y1 < view[1]
    assert x0 + x1 == pytest.approx(view[0]) and y0 + y1 == pytest.approx(view[1])
    assert (x1 - x0) / (y1 - y0) == pytest.approx(SIZE[0] / SIZE[1])


@given(st.floats(0, 640), st.floats(0, 480))
def test_there_and_back(x, y):
    layout = Layout.fit(SIZE, (1000, 700))
    assert layout.to_clip(*layout.to_view(x, y)) == pytest.approx((x, y), abs=1e-6)


def test_beside_the_picture_counts_as_its_edge():
    assert Layout.fit(SIZE, (1000, 700)).to_clip(-50, 5000) == (0, 0)


def test_a_click_finds_the_face_under_it():
    assert face_at(150, 200, [LEFT, RIGHT]) == 0
    assert face_at(410, 250, [LEFT, RIGHT]) == 1
    assert face_at(300, 200, [LEFT, RIGHT]) is None
    overlapping = [(0.0, 0.0, 100.0, 100.0), (60.0, 0.0, 160.0, 100.0)]
    assert face_at(65, 50, overlapping) == 0 and face_at(95, 50, overlapping) == 1


def test_the_region_of_a_face_has_room_and_not_the_others_middle():
    x, y, width, height = region_round(0, [LEFT, RIGHT], SIZE)
    assert x < LEFT[0] and y < LEFT[1] and y + height > LEFT[3]
    assert LEFT[2] < x + width <= (150 + 460) / 2 + 1
    near = [(100.0, 100.0, 200.0, 200.0), (180.0, 100.0, 280.0, 200.0)]
    x, _, width, _ = region_round(0, near, SIZE)
    assert x + width <= 190


def test_regions_stay_in_the_picture():
    assert region_round(0, [(0.0, 0.0, 640.0, 480.0)], SIZE) == (0, 0, 640, 480)
    assert dragged_region((700, 100), (50, -20), SIZE) == (50, 0, 590, 100)
    assert dragged_region((5, 5), (5, 5), SIZE)[2:] == (1, 1)


def test_a_trembling_click_is_no_drag():
    assert not is_drag((10, 10), (13, 12)) and is_drag((10, 10), (30, 12))
