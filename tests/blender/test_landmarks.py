"""Landmarks over the clip: where they lie in a view, dragging them, what Refine is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector

from tests.blender import extension
from tests.blender.surfaces import evaluated

LIP_CORNER = 48


@pytest.fixture
def source(tmp_path) -> dict[str, str]:
    """Of takes whose clip is there."""
    (tmp_path / "one.mp4").write_bytes(b"not read by this engine")
    return {"path": str(tmp_path / "one.mp4"), "sha256": ""}


@pytest.fixture
def addon(tmp_path: Path, make_take, source) -> Iterator[ModuleType]:
    with extension.enabled() as package:
        ready = make_take(seed=5, name="ready", source=source)
        engine = tmp_path / "engine"
        engine.mkdir()
        extension.preferences().engine_python = str(extension.make_engine(engine, ready))
        extension.preferences().jobs_folder = str(tmp_path / "jobs")
        yield package


@pytest.fixture
def imported(addon, make_take, source):
    """A take of 50 frames in the scene, its landmarks where the head's would be."""
    marks = np.random.default_rng(1).uniform((100, 80), (540, 400), (50, 68, 2))
    path = make_take(frames=50, seed=1, name="one", landmarks_px=marks,
                     source=source)  # fmt: skip
    result = addon.take_importer.import_take(path, bpy.context)
    return SimpleNamespace(head=result.head, rig=result.rig, camera=result.camera, marks=marks,
                           first=result.first_frame, path=path)  # fmt: skip


def at(addon, imported, frame: int):
    bpy.context.scene.frame_set(imported.first + frame)
    return addon.landmarks.shown(bpy.context.scene, imported.head)


def test_what_is_shown_is_the_takes_frame(addon, imported):
    seen = at(addon, imported, 7)
    assert (seen.frame, seen.size, seen.focal) == (7, (640, 480), 900.0)
    np.testing.assert_allclose(seen.places, imported.marks[7], atol=1e-3)
    bpy.context.scene.frame_set(imported.first - 5)
    assert addon.landmarks.shown(bpy.context.scene, imported.head) is None
    with pytest.raises(RuntimeError, match="no picture in this frame"):
        bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(1, 1))


def test_a_dragged_landmark_stays_with_its_frame(addon, imported):
    at(addon, imported, 7)
    assert bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(200, 150)) == {"FINISHED"}
    assert bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(210, 160)) == {"FINISHED"}
    assert at(addon, imported, 7).dragged == {LIP_CORNER: (210.0, 160.0)}
    np.testing.assert_allclose(at(addon, imported, 7).places[LIP_CORNER], (210, 160))
    assert at(addon, imported, 8).dragged == {}
    assert addon.landmarks.dragged_in(imported.head, "no take") == {}


def test_nose_and_jaw_line_are_dragged_too(addon, imported):
    at(addon, imported, 7)
    for number in (0, 16, 30):
        assert bpy.ops.avface.move_landmark(landmark=number, place=(9, 9)) == {"FINISHED"}
    assert set(at(addon, imported, 7).dragged) == {0, 16, 30}


def test_the_frames_around_are_shown_as_captured_and_dragged(addon, imported):
    at(addon, imported, 6)
    bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(200, 150))
    around = at(addon, imported, 7).around
    assert sorted(around) == [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(around[2], imported.marks[9], atol=1e-3)
    np.testing.assert_allclose(around[-1][LIP_CORNER], (200, 150))
    assert sorted(at(addon, imported, 0).around) == [1, 2, 3, 4, 5]
    assert sorted(at(addon, imported, 49).around) == [-5, -4, -3, -2, -1]


def test_landmarks_are_put_back_one_or_all(addon, imported):
    at(addon, imported, 7)
    assert not bpy.ops.avface.forget_landmarks.poll()
    for number in (48, 54, 57):
        bpy.ops.avface.move_landmark(landmark=number, place=(100, 100))
    assert bpy.ops.avface.forget_landmarks(landmark=54) == {"FINISHED"}
    assert set(at(addon, imported, 7).dragged) == {48, 57}
    assert bpy.ops.avface.forget_landmarks() == {"FINISHED"}
    assert at(addon, imported, 7).dragged == {}


def test_refine_is_told_of_them_and_of_the_keyed_frames(addon, imported, tmp_path):
    assert "Drag landmarks" in addon.review_operators.AVFACE_OT_refine.disabled_reason(bpy.context)
    at(addon, imported, 12)
    bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(200.5, 150))
    at(addon, imported, 7)
    bpy.ops.avface.move_landmark(landmark=57, place=(300, 310))
    assert bpy.ops.avface.refine() == {"FINISHED"}
    (job,) = (tmp_path / "jobs").glob("*/job.json")
    job = json.loads(job.read_text())
    assert job["refines"] == str(imported.path)
    rows = json.loads(Path(job["corrections"]).read_text())["corrections"]
    assert rows == [
        {"time": pytest.approx(7 / 25), "landmarks": {"57": [300, 310]}},
        {"time": pytest.approx(12 / 25), "landmarks": {"48": [200.5, 150]}},
    ]
    names = [entry.name for entry in addon.takes.takes_of(imported.head)]
    assert len(names) == 2
    assert addon.takes.playing(imported.head) == names[1]
    assert not bpy.ops.avface.refine.poll(), "the refined take has no dragged landmark"
    addon.takes.show(imported.head, names[0])
    assert bpy.ops.avface.refine.poll(), "those of the take before are kept"


def test_a_refined_range_leaves_the_take_below(addon, imported, make_take, source):
    path = make_take(seed=2, name="again", times=np.arange(20, 45) / 25.0, source=source)
    options = addon.take_importer.ImportOptions(over=True)
    second = addon.take_importer.import_take(path, bpy.context, options)
    assert addon.takes.is_range(imported.head, second.name)
    bpy.context.scene.frame_set(imported.first + 30)
    bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(10, 10))
    assert bpy.ops.avface.refine() == {"FINISHED"}
    entries = addon.takes.takes_of(imported.head)
    assert [entry.plays for entry in entries] == [True, True, True]
    assert addon.takes.is_range(imported.head, entries[-1].name)


def test_a_take_whose_file_is_gone_says_so(addon, imported):
    imported.path.unlink()
    at_gone = imported.first + 3
    bpy.context.scene.frame_set(at_gone)
    with pytest.raises(RuntimeError, match=r"one\.take\.npz is gone"):
        bpy.ops.avface.move_landmark(landmark=LIP_CORNER, place=(1, 1))
    reason = addon.landmark_operators.AVFACE_OT_forget_landmarks.disabled_reason(bpy.context)
    assert "is gone" in reason


def test_without_the_clips_camera_there_is_a_reason(addon, imported):
    drag = addon.landmark_operators.AVFACE_OT_move_landmark
    assert drag.disabled_reason(bpy.context) == ""
    scene = bpy.context.scene
    other = bpy.data.objects.new("Other", bpy.data.cameras.new("Other"))
    scene.collection.objects.link(other)
    scene.camera = other
    assert addon.landmarks.clip_camera(scene, imported.head) == imported.camera
    bpy.data.objects.remove(imported.camera)
    assert "without its camera" in drag.disabled_reason(bpy.context)


class View:
    """A view through a camera as Blender would have it: its matrix from the camera's own."""

    def __init__(self, camera, zoom: float = 0.7, aside: tuple[float, float] = (0.1, -0.05)):
        scene = bpy.context.scene
        graph = bpy.context.evaluated_depsgraph_get()
        size = scene.render.resolution_x, scene.render.resolution_y
        matrix = camera.calc_matrix_camera(graph, x=size[0], y=size[1])
        shift = Matrix.Translation((*aside, 0)) @ Matrix.Diagonal((zoom, zoom, 1, 1))
        self.perspective_matrix = shift @ matrix @ camera.matrix_world.inverted()
        self.view_perspective = "CAMERA"
        self.region = SimpleNamespace(width=size[0], height=size[1], type="WINDOW", x=0, y=0)
        self.zoom, self.aside = zoom, aside

    def of(self, world: Vector, camera) -> np.ndarray:
        """Where a point of the world is seen, px of the view, by Blender's own function."""
        x, y, _ = world_to_camera_view(bpy.context.scene, camera, world)
        ndc = self.zoom * (2 * np.array([x, y]) - 1) + self.aside
        return (ndc + 1) / 2 * [self.region.width, self.region.height]


@pytest.mark.parametrize("moves", ["head", "camera"])
def test_landmarks_lie_on_the_head_that_blender_shows(addon, make_take, load_take, moves):
    """A vertex of the evaluated head, as the camera sees it, is where the take's camera has it."""
    path = make_take(frames=20, seed=2, name="two")
    options = addon.take_importer.ImportOptions(moves=moves)
    result = addon.take_importer.import_take(path, bpy.context, options)
    scene, take = bpy.context.scene, load_take(path)
    for frame in (0, 11):
        scene.frame_set(result.first_frame + frame)
        bpy.context.view_layer.update()
        view = View(result.camera)
        seen = addon.landmarks.shown(scene, result.head)
        layout = addon.landmarks.layout_of(seen, result.camera, view.region, view)
        for world in evaluated(result.head)[::900]:
            here = Vector(world)
            eye = np.array(result.camera.matrix_world.inverted() @ here)
            px = take.focal * eye[:2] * [1, -1] / -eye[2] + np.array(take.size) / 2
            np.testing.assert_allclose(layout.to_view(*px), view.of(here, result.camera), atol=0.1)


def test_the_mouse_takes_hold_of_the_nearest(addon, imported):
    seen = at(addon, imported, 3)
    layout = addon.picking.Layout.fit(seen.size, (800, 600))
    x, y = layout.to_view(*seen.places[LIP_CORNER])
    assert addon.landmarks.nearest(seen, layout, (x + 1, y - 1)) == LIP_CORNER
    assert addon.landmarks.nearest(seen, layout, (-300, -300)) is None
    found = [addon.landmarks.nearest(seen, layout, layout.to_view(*p)) for p in seen.places]
    assert found == list(range(68))
