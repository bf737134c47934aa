"""Choosing the face: found by the engine, picked by number, by region, over a picture."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import bpy
import pytest

from tests.blender import extension

FACES = [[300.0, 100.0, 420.0, 260.0], [60.0, 150.0, 140.0, 260.0]]  # as fake_engine finds them


@pytest.fixture
def addon(tmp_path: Path, make_take) -> Iterator[ModuleType]:
    with extension.enabled() as package:
        python = extension.make_engine(tmp_path, make_take(frames=3, name="ready"))
        extension.preferences().engine_python = str(python)
        yield package


def choose(folder: Path, name: str) -> None:
    clip = folder / f"{name}.mp4"
    clip.write_bytes(b"not read by this engine")
    bpy.context.scene.avface.clip = str(clip)


def state():
    return bpy.context.window_manager.avface_faces


def test_why_the_buttons_are_grey(addon, tmp_path):
    find, pick = addon.face_picker.AVFACE_OT_find_faces, addon.face_picker.AVFACE_OT_pick_face
    assert "Choose a clip" in find.disabled_reason(bpy.context)
    bpy.context.scene.avface.clip = str(tmp_path / "gone.mp4")
    assert "not there" in find.disabled_reason(bpy.context)
    choose(tmp_path, "ada")
    assert find.disabled_reason(bpy.context) == ""
    assert "Look for the faces" in pick.disabled_reason(bpy.context)
    assert bpy.ops.avface.find_faces() == {"FINISHED"}
    assert bpy.ops.avface.pick_face.poll()
    choose(tmp_path, "bob")
    assert "another clip" in pick.disabled_reason(bpy.context)


def test_the_faces_of_a_moment_are_found_and_one_is_picked(addon, tmp_path):
    choose(tmp_path, "ada")
    settings = bpy.context.scene.avface
    settings.look_at, settings.use_face = 1.2, True
    assert bpy.ops.avface.find_faces() == {"FINISHED"}
    assert (state().status, list(state().size)) == ("DONE", [640, 480])
    assert state().time == pytest.approx(1.2)
    assert [list(face.box) for face in state().boxes] == FACES
    assert bpy.ops.avface.pick_face(face=2) == {"FINISHED"}
    assert settings.use_region and not settings.use_face
    x, y, width, height = settings.region
    assert x < 60 and y < 150 and x + width > 140 and y + height > 260
    assert x + width < (100 + 360) / 2 + 1, "not as far as the other face's middle"
    job = addon.capture_request.capture_job(settings, tmp_path)
    assert job.options["region"] == [x, y, width, height] and "face" not in job.options


def test_a_region_is_picked_as_it_was_dragged(addon, tmp_path):
    choose(tmp_path, "nobody")
    assert bpy.ops.avface.find_faces() == {"FINISHED"}
    assert not len(state().boxes)
    assert bpy.ops.avface.pick_face(region=(10, 20, 300, 200)) == {"FINISHED"}
    assert list(bpy.context.scene.avface.region) == [10, 20, 300, 200]
    with pytest.raises(RuntimeError, match="The picture shows no faces"):
        bpy.ops.avface.pick_face(face=1)
    with pytest.raises(RuntimeError, match="No face was chosen"):
        bpy.ops.avface.pick_face()


def test_a_clip_without_pictures_is_told_in_the_engines_words(addon, tmp_path):
    choose(tmp_path, "bad")
    with pytest.raises(RuntimeError, match=r"It holds sound only\. Choose a video\."):
        bpy.ops.avface.find_faces()
    assert state().status == "FAILED"
    assert not bpy.ops.avface.pick_face.poll()


def test_the_window_stays_free_while_the_engine_looks(addon, tmp_path):
    """As in a Blender with a window: begun at once, heard by the watcher."""
    choose(tmp_path, "ada")
    shown: list[str] = []
    clip = Path(bpy.context.scene.avface.clip)
    python = addon.preferences.engine_python(bpy.context)
    begun = time.perf_counter()
    addon.faces.start(clip, 0.0, None, python, lambda: shown.append("picture"))
    assert time.perf_counter() - begun < 0.5
    assert addon.faces.is_running() and state().status == "RUNNING"
    assert not bpy.ops.avface.find_faces.poll()
    while addon.faces.work.poll():
        time.sleep(0.02)
    assert shown == ["picture"] and state().status == "DONE"


def test_cancelling_and_disabling_end_the_engine(addon, tmp_path):
    choose(tmp_path, "ada")
    python = addon.preferences.engine_python(bpy.context)
    for end in (addon.faces.work.cancel, addon.watch.unregister):
        addon.faces.start(Path(bpy.context.scene.avface.clip), 0.0, None, python, lambda: None)
        process = addon.faces.work.engine
        end()
        while addon.faces.work.poll():
            time.sleep(0.02)
        assert not process.running and not addon.faces.is_running()


class View(SimpleNamespace):
    """A 3D view of 800 x 600 px at (100, 50) of the window, its sidebar over the right 200."""

    def __init__(self):
        main = SimpleNamespace(type="WINDOW", x=100, y=50, width=800, height=600)
        sidebar = SimpleNamespace(type="UI", x=700, y=50, width=200, height=600)
        super().__init__(type="VIEW_3D", regions=[main, sidebar], tag_redraw=lambda: None)


def event(kind: str, value: str, x: float, y: float) -> SimpleNamespace:
    return SimpleNamespace(type=kind, value=value, mouse_x=100 + x, mouse_y=50 + y)


@pytest.fixture
def picker(addon, tmp_path, monkeypatch):
    """The operator's own code, driven by events as Blender would."""
    choose(tmp_path, "ada")
    bpy.ops.avface.find_faces()
    cls = addon.face_picker.AVFACE_OT_pick_face
    one = SimpleNamespace(face=0, region=(0, 0, 0, 0), _area=View(), _begin=None, _handle=None,
                          disabled_reason=lambda context: "", picked=[])  # fmt: skip
    one.execute = lambda context: one.picked.append((one.face, tuple(one.region))) or {"FINISHED"}
    one._region = lambda: one._area.regions[0]
    for name in ("_layout", "_picked", "_leave", "modal"):
        setattr(one, name, getattr(cls, name).__get__(one))
    shown = [one._handle]
    monkeypatch.setattr(addon.face_picker, "_handles", shown)
    monkeypatch.setattr(addon.face_picker, "unregister", shown.clear)
    window = SimpleNamespace(cursor_modal_restore=lambda: None)
    one.send = lambda *words: one.modal(SimpleNamespace(window=window), event(*words))
    return one


def place(picker, x: float, y: float) -> tuple[float, float]:
    """A place of the clip in the view."""
    return picker._layout().to_view(x, y)


def test_a_click_on_a_face_picks_it_and_one_beside_waits(picker):
    there, beside = place(picker, 100, 200), place(picker, 10, 10)
    for value in ("PRESS", "RELEASE"):
        assert picker.send("LEFTMOUSE", value, *beside) == {"RUNNING_MODAL"}
    assert not picker.picked
    picker.send("LEFTMOUSE", "PRESS", *there)
    assert picker.send("LEFTMOUSE", "RELEASE", *there) == {"FINISHED"}
    assert picker.picked == [(2, (0, 0, 0, 0))]


def test_dragging_picks_a_region_in_the_clips_pixels(picker):
    picker.send("LEFTMOUSE", "PRESS", *place(picker, 500, 400))
    picker.send("MOUSEMOVE", "NOTHING", *place(picker, 300, 300))
    assert picker.send("LEFTMOUSE", "RELEASE", *place(picker, 200, 100)) == {"FINISHED"}
    ((face, region),) = picker.picked
    assert face == 0 and region == pytest.approx((200, 100, 300, 300), abs=1)


def test_numbers_pick_and_escape_leaves_all_as_it_is(picker):
    assert picker.send("TWO", "PRESS", 5, 5) == {"FINISHED"}
    assert picker.picked == [(2, (0, 0, 0, 0))]
    assert picker.send("ESC", "PRESS", 5, 5) == {"CANCELLED"}
    assert picker.send("RIGHTMOUSE", "PRESS", 5, 5) == {"CANCELLED"}
    assert len(picker.picked) == 1


def test_the_sidebar_stays_usable_meanwhile(picker):
    assert picker.send("LEFTMOUSE", "PRESS", 650, 300) == {"PASS_THROUGH"}
    assert picker.send("MOUSEMOVE", "NOTHING", 300, 300) == {"RUNNING_MODAL"}


def test_a_later_picture_ends_the_earlier_picker(picker, addon):
    addon.face_picker._handles[:] = ["a later one"]
    assert picker.send("TWO", "PRESS", 5, 5) == {"CANCELLED"}
    assert addon.face_picker._handles == ["a later one"] and not picker.picked
