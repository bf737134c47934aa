"""The head follows landmarks while they are dragged: where they come to, and that it goes back."""

import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.engine.geometry import embed, project

from tests.blender import extension
from tests.blender.surfaces import evaluated
from tests.blender.test_take_importer import seen_from

FRAME = 6


@pytest.fixture
def addon() -> Iterator[ModuleType]:
    with extension.enabled() as package:
        yield package
        package.live_pose.forget()


def row_of(camera, shown) -> int:
    """Which row of the jaw line's table the head's yaw asks for."""
    root = np.array(shown.parent.pose.bones["root"].matrix.to_3x3())
    turn = np.linalg.inv(np.array(camera.matrix_world)[:3, :3]) @ root
    forward = turn @ [0.0, 0.0, 1.0]  # the bone's own z points out of the face
    return int(np.clip(np.round(np.degrees(np.arctan2(forward[0], forward[2]))), -39, 39)) + 39


def marks_of(camera, shown, file, take, row: int) -> np.ndarray:
    """The 68 landmarks of the head as Blender shows it, (68, 2) px."""
    points = seen_from(camera, evaluated(shown))
    faces, weights = (part.copy() for part in file.landmarks_68)
    faces[:17], weights[:17] = file.contour[0][row], file.contour[1][row]
    return project(embed(points, file.faces, (faces, weights)), take.focal, take.size)


@pytest.fixture
def imported(addon, make_take, load_take, head_file):
    """A take of small expressions, its landmarks where Blender shows them."""

    def bring_in(moves: str = "head"):
        scene = bpy.context.scene
        plain = load_take(make_take(frames=12, seed=4))
        quiet = {name: getattr(plain, name) * 0.25 for name in ("expression", "jaw", "head_pose")}
        quiet["jaw"][:, 0] += 0.12
        path = make_take(frames=12, seed=4, name="one", **quiet)
        options = addon.take_importer.ImportOptions(moves=moves)
        result = addon.take_importer.import_take(path, bpy.context, options)
        marks = np.zeros((12, 68, 2))
        take = load_take(path)
        for frame in range(12):
            scene.frame_set(result.first_frame + frame)
            row = row_of(result.camera, result.head)
            marks[frame] = marks_of(result.camera, result.head, head_file, take, row)
        make_take(frames=12, seed=4, name="one", landmarks_px=marks, **quiet)
        scene.frame_set(result.first_frame + FRAME)
        addon.takes._read.cache_clear()

        row = row_of(result.camera, result.head)

        def seen(row: int = row) -> np.ndarray:
            """The same points of the skin: where the head turns the jaw line would slide."""
            bpy.context.view_layer.update()
            return marks_of(result.camera, result.head, head_file, take, row)

        at = addon.landmarks.shown(scene, result.head)
        return SimpleNamespace(
            head=result.head, rig=result.rig, camera=result.camera, at=at, seen=seen, take=take
        )

    return bring_in


@pytest.mark.parametrize("moves", ["head", "camera"])
@pytest.mark.parametrize(
    ("landmark", "way"),
    [(48, (-5, -4)), (54, (4, 3)), (57, (0, 6)), (8, (0, 6)), (19, (0, -5)), (37, (0, 2)),
     (30, (6, 3)), (2, (-5, 2)), (14, (5, 0))],
)  # fmt: skip
def test_a_landmark_takes_the_head_along_at_once(addon, imported, moves, landmark, way):
    it = imported(moves)
    before = it.seen()
    np.testing.assert_allclose(before, it.at.captured, atol=0.1)
    wanted = before[landmark] + way
    addon.live_pose.update(bpy.context.scene, it.head, it.at, {landmark: tuple(wanted)})
    after = it.seen()
    assert np.linalg.norm(after[landmark] - wanted) < 0.35 * np.linalg.norm(way)
    others = [k for k in range(68) if k != landmark]
    assert np.linalg.norm(after - before, axis=1)[others].mean() < np.linalg.norm(way)
    addon.live_pose.leave(bpy.context.scene)
    np.testing.assert_allclose(it.seen(), before, atol=1e-3)


def test_it_follows_the_mouse_step_by_step_and_goes_back_when_let_go(addon, imported):
    it = imported()
    scene, before = bpy.context.scene, it.seen()
    corner = 48
    for step in range(1, 5):
        place = before[corner] + np.array([-1.5, -1.0]) * step
        addon.live_pose.update(scene, it.head, it.at, {corner: tuple(place)})
        left = np.linalg.norm(it.seen()[corner] - place)
        assert left < 0.3 * np.linalg.norm(place - before[corner])
    addon.live_pose.update(scene, it.head, it.at, {})
    np.testing.assert_allclose(it.seen(), before, atol=1e-3)


def test_lips_leave_the_head_where_it_is_and_the_nose_takes_it_along(addon, imported):
    it = imported()
    root = it.rig.pose.bones["root"]
    stood = root.matrix_basis.copy()
    for landmark, moves in ((57, False), (30, True)):
        place = it.at.captured[landmark] + (0.0, 5.0)
        addon.live_pose.update(bpy.context.scene, it.head, it.at, {landmark: tuple(place)})
        changed = np.abs(np.array(root.matrix_basis) - np.array(stood)).max()
        assert (changed > 1e-3) == moves


def test_another_frame_plays_as_it_was_captured(addon, imported):
    it = imported()
    scene = bpy.context.scene
    place = it.at.captured[57] + (0.0, 8.0)
    addon.live_pose.update(scene, it.head, it.at, {57: tuple(place)})
    scene.frame_set(scene.frame_current + 2)
    there = addon.landmarks.shown(scene, it.head)
    addon.live_pose.update(scene, it.head, there, {})
    row = row_of(it.camera, it.head)
    np.testing.assert_allclose(it.seen(row), there.captured, atol=0.1)


def test_units_stay_in_their_range(addon, imported, head_file):
    it = imported()
    place = it.at.captured[57] + (0.0, 400.0)
    addon.live_pose.update(bpy.context.scene, it.head, it.at, {57: tuple(place)})
    units = it.head.data.shape_keys.key_blocks
    took = np.array([units[name].value for name in head_file.expression_names])
    stood = it.take.expression[FRAME]
    assert (took <= np.maximum(head_file.expression_high, stood) + 1e-4).all()
    assert (took >= np.minimum(head_file.expression_low, stood) - 1e-4).all()


def test_a_head_with_another_surface_stays_as_it_is(addon, imported):
    it = imported()
    it.head.modifiers.new("Finer", "SUBSURF")
    bpy.context.view_layer.update()
    values = [key.value for key in it.head.data.shape_keys.key_blocks]
    place = it.at.captured[57] + (0.0, 8.0)
    addon.live_pose.update(bpy.context.scene, it.head, it.at, {57: tuple(place)})
    assert [key.value for key in it.head.data.shape_keys.key_blocks] == values


def test_a_step_takes_few_milliseconds(addon, imported):
    it = imported()
    scene = bpy.context.scene
    addon.live_pose.update(scene, it.head, it.at, {57: tuple(it.at.captured[57] + 1)})
    start = time.process_time()  # of this process: a busy machine's clock says nothing
    for k in range(20):
        addon.live_pose.update(scene, it.head, it.at, {57: tuple(it.at.captured[57] + k)})
    assert (time.process_time() - start) / 20 < 0.01
