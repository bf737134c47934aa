"""Runs inside a Blender with a window: does what an artist does, notes what is seen.

`blender --enable-event-simulate --python drive.py -- FACTS.json PICTURES ENGINE TAKES TRUTH`. The
facts are judged outside (test_window.py). Keys are pressed as events; buttons are what they call.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy
import numpy as np

PACKAGE = "bl_ext.user_default.avface"
FACTS_FILE, PICTURES, ENGINE, TAKES, TRUTH = sys.argv[sys.argv.index("--") + 1 :][:5]
TICK_SECONDS = 0.05
PATIENCE_SECONDS = 500
CLIP_SECONDS = 2.0
SAMPLES_SECONDS = 10.0  # until a software renderer's picture has lost its first, grainy samples
RETAKEN = (12, 30)  # frames
HEARD, SEEN = (16, 26), (36, 44)  # frames in which the sound, the picture is trusted

Wait = float | Callable[[], bool]
facts: dict[str, Any] = {"steps": [], "polls_ms": [], "worked_ms": [], "progress": []}


def part(name: str) -> Any:
    return import_module(f"{PACKAGE}.avface_blender.{name}")


def view() -> dict[str, Any]:
    """The 3D view, its sidebar and its main region: what `temp_override` wants."""
    window = bpy.context.window_manager.windows[0]
    area = max(
        (a for a in window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width * a.height
    )
    region = next(r for r in area.regions if r.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def sidebar() -> Any:
    return next(r for r in view()["area"].regions if r.type == "UI")


def press(operator: Any, **properties: Any) -> None:
    """What a click on the operator's button does."""
    with bpy.context.temp_override(**view()):
        assert operator.poll(), f"{operator.idname()} is greyed"
        operator("INVOKE_DEFAULT", True, **properties)


def key(name: str, **modifiers: bool) -> None:
    """A key pressed over the 3D view."""
    there = view()
    x = there["region"].x + there["region"].width // 2
    y = there["region"].y + there["region"].height // 2
    window = there["window"]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=name, value=value, x=x, y=y, **modifiers)


def click(
    x: float,
    y: float,
    to: tuple[float, float] | None = None,
    presses: bool = True,
    holds: bool = False,
) -> None:
    """The left button at a place of the 3D view (px); held until `to`, where one is given.

    Not `presses`: it is held already; `holds`: it stays so.
    """
    there = view()
    window, left, bottom = there["window"], there["region"].x, there["region"].y
    way = [(x, y)]
    if to is not None:
        way += [(x + (to[0] - x) * k / 4, y + (to[1] - y) * k / 4) for k in range(1, 5)]
    places = [{"x": int(left + px), "y": int(bottom + py)} for px, py in way]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", **places[0])
    if presses:
        window.event_simulate(type="LEFTMOUSE", value="PRESS", **places[0])
    for place in places[1:]:
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", **place)
    if not holds:
        window.event_simulate(type="LEFTMOUSE", value="RELEASE", **places[-1])


def picture(name: str) -> None:
    """What stands on the screen, where ImageMagick is."""
    program = shutil.which("import")
    if program:
        window = bpy.context.window_manager.windows[0]  # its 3D view may be the preferences now
        with bpy.context.temp_override(window=window, area=window.screen.areas[0]):
            bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)
        subprocess.run([program, "-window", "root", f"{PICTURES}/{name}.png"], check=False)


def scroll(to_end: bool) -> None:
    with bpy.context.temp_override(**(view() | {"region": sidebar()})):
        for _ in range(60):
            (bpy.ops.view2d.scroll_down if to_end else bpy.ops.view2d.scroll_up)("EXEC_DEFAULT")


def time_the_polls() -> None:
    """Note how long each look of our timers at the engine takes, and works; imports left out."""
    jobs, watch = part("jobs"), part("watch")
    bring_in, imports, looks = jobs._bring_in, [], {}

    def timed_import(job: Any) -> None:
        start, worked = time.perf_counter(), time.thread_time()
        bring_in(job)
        took, worked = time.perf_counter() - start, time.thread_time() - worked
        imports.append(1000 * np.array([took, worked]))
        facts.setdefault("imports_ms", []).append(1000 * took)

    def timed(poll: Callable[[], bool]) -> Callable[[], bool]:
        def look() -> bool:
            before, start = len(imports), np.array([time.perf_counter(), time.thread_time()])
            more = poll()
            now = np.array([time.perf_counter(), time.thread_time()])
            took, worked = 1000 * (now - start) - sum(imports[before:])
            if took > max(facts["polls_ms"], default=0.0):
                facts["longest_look"] = {"ms": took, "worked": worked, "stage": state().stage}
            facts["polls_ms"].append(took)
            facts["worked_ms"].append(worked)
            return more

        return look

    jobs._bring_in = timed_import
    add = watch.add
    judged = jobs.poll, part("engine_setup").work.poll  # a picture of faces, as a take, comes in
    for poll in judged:
        looks[poll] = timed(poll)
    watch.add = lambda poll: add(looks.get(poll, poll))


def the_head() -> Any:
    name = part("head_builder").HEAD_PROPERTY
    return next(o for o in bpy.data.objects if o.type == "MESH" and name in o)


def state() -> Any:
    return bpy.context.window_manager.avface_job


def note_progress() -> None:
    seen = [state().stage, round(state().fraction, 4)]
    told = facts["progress"][-1]
    if state().status == "RUNNING" and (not told or told[-1] != seen):
        told.append(seen)


def ended() -> bool:
    note_progress()
    return not part("jobs").is_running()


def expressions(names: list[str]) -> np.ndarray:
    """What Blender evaluates for the units over the scene's frames: (frames, units)."""
    scene, rows = bpy.context.scene, []
    now = scene.frame_current
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        blocks = the_head().data.shape_keys.key_blocks
        rows.append([blocks[name].value for name in names])
    scene.frame_set(now)
    return np.array(rows)


def poses() -> np.ndarray:
    """What the units show now, whether Blender plays it or not."""
    return np.array([unit.value for unit in the_head().data.shape_keys.key_blocks])


def take_names() -> list[str]:
    return [entry.name for entry in part("takes").takes_of(the_head())]


def open_panels(*names: str) -> None:
    """Let closed panels start open: no script can click on their titles."""
    for name in names:
        cls = getattr(part("take_panels"), name)
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)


def prepare() -> Iterator[Wait]:
    open_panels("AVFACE_PT_trust", "AVFACE_PT_clean_up", "AVFACE_PT_look")
    settings = bpy.context.preferences.addons[PACKAGE].preferences
    settings.engine_python, settings.jobs_folder = ENGINE, TAKES
    time_the_polls()
    view()["area"].spaces.active.show_region_ui = True
    yield 0.5
    sidebar().active_panel_category = "AVFace"
    view()["area"].tag_redraw()
    yield 1.0
    picture("first")


def check_engine() -> Iterator[Wait]:
    press(bpy.ops.avface.verify_engine)
    yield lambda: not part("engine_setup").is_running()
    setup = bpy.context.window_manager.avface_setup
    facts["verify"] = [setup.status, setup.message, setup.hint]
    area = view()["area"]  # a window of its own would have no place without a window manager
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "AVFace"
    bpy.ops.preferences.addon_expand(module=PACKAGE)
    yield 1.5
    picture("preferences")
    area.type = "VIEW_3D"
    yield 1.0


def choose_clip() -> Iterator[Wait]:
    settings = bpy.context.scene.avface
    demo = str(part("install").DEMO_CLIP)
    press(bpy.ops.wm.context_set_string, data_path="scene.avface.clip", value=demo)
    settings.actor, settings.detail = "Ava", "fast"
    settings.use_end, settings.end = True, CLIP_SECONDS
    yield 0.5
    picture("clip")


def choose_face() -> Iterator[Wait]:
    """By a click, undone and done again, then by a box, then not at all."""
    settings, seen = bpy.context.scene.avface, bpy.context.window_manager.avface_faces
    settings.look_at = 1.2
    bpy.ops.ed.undo_push(message="Set Up")
    press(bpy.ops.avface.find_faces)
    yield lambda: not part("faces").is_running()
    yield 1.5
    picture("faces")
    layout = faces_layout()
    x0, y0, x1, y1 = seen.boxes[0].box
    click(*layout.to_view((x0 + x1) / 2, (y0 + y1) / 2))
    yield 1.0
    facts["face"] = {"box": [x0, y0, x1, y1], "time": seen.time, "size": list(seen.size),
                     "region": list(settings.region), "chosen": [settings.use_region]}  # fmt: skip
    picture("face_chosen")
    for modifiers in ({"ctrl": True}, {"ctrl": True, "shift": True}):
        key("Z", **modifiers)
        yield 1.5
        facts["face"]["chosen"].append(bpy.context.scene.avface.use_region)
    with bpy.context.temp_override(**view()):
        bpy.ops.avface.pick_face("INVOKE_DEFAULT", True)
    yield 0.5
    click(*layout.to_view(200, 60), to=layout.to_view(480, 360))
    yield 1.0
    facts["face"]["dragged"] = list(bpy.context.scene.avface.region)
    with bpy.context.temp_override(**view()):
        bpy.ops.avface.pick_face("INVOKE_DEFAULT", True)
    yield 0.5
    key("ESC")
    yield 0.5
    facts["face"]["after_escape"] = list(bpy.context.scene.avface.region)
    bpy.context.scene.avface.use_region = False


def faces_layout() -> Any:
    """Where the picker lays its picture."""
    size, region = bpy.context.window_manager.avface_faces.size, view()["region"]
    visible = (sidebar().x - region.x, region.height)
    return part("picking").Layout.fit(tuple(size), visible)


def cancel_by_escape() -> Iterator[Wait]:
    facts["progress"].append([])
    press(bpy.ops.avface.capture)
    yield lambda: note_progress() or state().fraction > 0.02 or not part("jobs").is_running()
    yield 0.5
    picture("progress_1")
    before = state().fraction
    yield (
        lambda: note_progress() or state().fraction > before + 0.05 or not part("jobs").is_running()
    )
    yield 0.5
    picture("progress_2")
    process = part("jobs")._running.engine
    key("ESC")
    yield lambda: not part("jobs").is_running()
    yield 0.5
    facts["escape"] = {"status": state().status, "message": state().message,
                       "engine_runs": process.running}  # fmt: skip
    picture("cancelled")


def capture() -> Iterator[Wait]:
    facts["objects_before"] = len(bpy.data.objects)
    facts["progress"].append([])
    press(bpy.ops.avface.capture)
    yield ended
    yield lambda: state().imported or state().status != "DONE" or bool(state().hint)
    yield SAMPLES_SECONDS
    facts["capture"] = {
        "status": state().status,
        "imported": state().imported,
        "message": state().message,
        "notes": [note.text for note in state().notes],
        "takes": take_names(),
        "perspective": view()["area"].spaces.active.region_3d.view_perspective,
        "frames": [bpy.context.scene.frame_start, bpy.context.scene.frame_end],
        "objects": len(bpy.data.objects),
    }
    picture("captured")
    scroll(True)
    yield 1.0
    picture("captured_end")
    scroll(False)
    yield 0.5


def review() -> Iterator[Wait]:
    scene = bpy.context.scene
    scene.frame_set(scene.frame_start)
    action = part("review").confidence_of(part("takes").playing(the_head()))
    for threshold in (0.5, 0.7, 0.9):  # a clean clip is unsure nowhere by the panel's measure
        if ranges := part("review").unsure_ranges(action, threshold):
            break
    press(bpy.ops.avface.next_unsure, forward=True, threshold=threshold)
    yield 1.0
    facts["review"] = {"ranges": ranges, "threshold": threshold, "frame": scene.frame_current}
    picture("unsure")


def correct() -> Iterator[Wait]:
    """Give the worst frame what was played there: the clip is our own, so it is known."""
    truth = np.load(TRUTH)
    names = list(json.loads(str(truth["meta"]))["expression_names"])
    blocks = the_head().data.shape_keys.key_blocks
    columns = [k for k, name in enumerate(names) if name in blocks]
    names = [names[k] for k in columns]
    before = expressions(names)
    played = truth["expression"][: len(before), columns].astype(float)
    wrong = np.linalg.norm(before - played, axis=1)
    index = 3 + int(np.argmax(wrong[3:-3]))
    scene = bpy.context.scene
    frame = scene.frame_start + index
    press(bpy.ops.avface.start_corrections)
    scene.frame_set(frame)
    yield 0.5
    for name, value in zip(names, played[index], strict=True):
        blocks = the_head().data.shape_keys.key_blocks
        blocks[name].value = value
        blocks[name].keyframe_insert("value")
    scene.frame_set(frame)
    yield 1.0
    picture("corrected")
    keyed = expressions(names)
    facts["progress"].append([])
    press(bpy.ops.avface.refine)
    yield ended
    yield lambda: state().imported or state().status != "DONE" or bool(state().hint)
    scene.frame_set(frame)
    yield 2.0
    after = expressions(names)
    facts["correction"] = {
        "status": [state().status, state().message, state().hint],
        "takes": take_names(),
        "index": index,
        "wrong_before": wrong.tolist(),
        "wrong_keyed": np.linalg.norm(keyed - played, axis=1).tolist(),
        "wrong_after": np.linalg.norm(after - played, axis=1).tolist(),
        "moved": np.linalg.norm(after - before, axis=1).tolist(),
        "corrections_on": part("corrections").are_on(the_head()),
    }
    picture("refined")


def undo_and_redo() -> Iterator[Wait]:
    counts = [len(take_names())]
    for modifiers in ({"ctrl": True}, {"ctrl": True, "shift": True}):
        key("Z", **modifiers)
        yield 2.0
        counts.append(len(take_names()))
        if len(counts) == 2:
            picture("undone")
    facts["undo"] = counts


def clean_up() -> Iterator[Wait]:
    names = ["mouthPucker", "mouthClose", "mouthLowerDownLeft"]
    captured = expressions(names)
    action = part("take_operators").filtered_action(bpy.context)
    action.avface_filters.mouth.smooth = 2.0
    action.avface_filters.mouth.strength = 1.5
    yield 1.0
    smooth = expressions(names)
    press(bpy.ops.avface.set_neutral)
    action.avface_filters.tolerance = 0.02
    keys = [len(c.keyframe_points) for c in part("keyframes").curves_in(action)]
    scroll(True)
    yield 0.5
    picture("clean_up")
    press(bpy.ops.avface.reset_filters)
    yield 1.0
    facts["clean_up"] = {
        "jitter": [float(np.abs(np.diff(v, 2, axis=0)).mean()) for v in (captured, smooth)],
        "keys": float(np.mean(keys)),
        "changed": float(np.abs(smooth - captured).max()),
        "back": float(np.abs(expressions(names) - captured).max()),
    }


def retake() -> Iterator[Wait]:
    """Capture a part of the clip again, smoother."""
    names = ["mouthPucker", "mouthClose", "eyeBlinkLeft"]
    before, scene = expressions(names), bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = RETAKEN
    scene.avface.smoothing = 4.0
    facts["progress"].append([])
    press(bpy.ops.avface.retake)
    yield ended
    yield lambda: state().imported or state().status != "DONE" or bool(state().hint)
    yield 1.0
    scene.use_preview_range = False
    entries = part("takes").takes_of(the_head())
    facts["retake"] = {
        "status": [state().status, state().message, state().hint],
        "takes": [[entry.name, list(entry.frames), entry.plays] for entry in entries],
        "moved": np.abs(expressions(names) - before).max(axis=1).tolist(),
    }
    picture("retaken")


def export() -> Iterator[Wait]:
    path = Path(PICTURES) / "head.fbx"
    with bpy.context.temp_override(**view()):
        bpy.ops.avface.export_fbx("EXEC_DEFAULT", filepath=str(path), check=True)
    yield 0.5
    facts["export"] = {
        "bytes": path.stat().st_size if path.exists() else 0,
        "perspective": view()["area"].spaces.active.region_3d.view_perspective,
        "takes": take_names(),
    }
    picture("exported")


def drag_landmark() -> Iterator[Wait]:
    """Drag a corner of the lips in one frame, undo, redo, refine."""
    corner, way, index = 48, np.array([-6.0, -8.0]), 20
    scene, landmarks = bpy.context.scene, part("landmarks")
    press(bpy.ops.avface.show_take, take="Ava demo 01")
    scene.frame_set(scene.frame_start + index)
    yield 0.5
    press(bpy.ops.avface.drag_landmarks)
    yield 2.0
    picture("landmarks")

    def shown() -> Any:
        return landmarks.shown(bpy.context.scene, the_head())

    before, there = shown(), view()
    space = there["area"].spaces.active.region_3d
    layout = landmarks.layout_of(before, bpy.context.scene.camera, there["region"], space)
    here = before.captured[corner]
    stood = poses()
    click(*layout.to_view(*here), to=layout.to_view(*(here + way)), holds=True)
    yield 2.0
    followed = np.abs(poses() - stood).max()
    picture("landmark_held")
    click(*layout.to_view(*(here + way)), presses=False)
    yield 2.0
    key("O")
    yield 1.0
    facts["onion"] = bpy.context.scene.avface.use_onion
    picture("landmark_dragged")
    key("O")
    yield 0.5
    counts = [len(shown().dragged)]
    for modifiers in ({"ctrl": True}, {"ctrl": True, "shift": True}):
        key("Z", **modifiers)
        yield 1.5
        counts.append(len(shown().dragged))
    dragged = shown().dragged.get(corner)
    key("ESC")
    yield 1.0
    ended = not part("landmark_dragger").is_on()
    left_over = np.abs(poses() - stood).max()
    facts["progress"].append([])
    press(bpy.ops.avface.refine)
    yield lambda: note_progress() or not part("jobs").is_running()
    yield lambda: state().imported or state().status != "DONE" or bool(state().hint)
    bpy.context.scene.frame_set(bpy.context.scene.frame_start + index)
    yield 2.0
    facts["landmark"] = {
        "status": [state().status, state().message, state().hint],
        "counts": counts,
        "before": here.tolist(),
        "wanted": (here + way).tolist(),
        "dragged": list(dragged or ()),
        "ended": ended,
        "followed": float(followed),
        "left_over": float(left_over),
        "after": shown().captured[corner].tolist(),
        "plays": [entry.name for entry in part("takes").takes_of(the_head()) if entry.plays],
    }
    picture("landmark_refined")


def stroke(kind: str, first: int, last: int) -> None:
    """The left button held over these frames of an editor."""
    window = view()["window"]
    area = next(a for a in window.screen.areas if a.type == kind)
    region = next(r for r in area.regions if r.type == "WINDOW")
    y = region.y + region.height // 3
    way = [first + (last - first) * k / 4 for k in range(5)]
    places = [
        {"x": region.x + region.view2d.view_to_region(f, 0, clip=False)[0], "y": y} for f in way
    ]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", **places[0])
    window.event_simulate(type="LEFTMOUSE", value="PRESS", **places[0])
    for place in places[1:]:
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", **place)
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", **places[-1])


def painted() -> list[Any]:
    return [[i.sense, i.first, i.last] for i in part("trust").items_of(the_head())]


def show_confidence() -> Iterator[Wait]:
    press(bpy.ops.avface.show_confidence)
    yield 2.0
    picture("confidence")
    areas = view()["window"].screen.areas
    action = part("review").shown(part("rig").rig_of(the_head()))
    facts["confidence"] = {
        "editors": [area.type for area in areas].count("GRAPH_EDITOR"),
        "curves": len(part("keyframes").curves_in(action)),
        "visible": visible_curves(graph_editor()),
    }


def graph_editor() -> Any:
    return next(a for a in view()["window"].screen.areas if a.type == "GRAPH_EDITOR")


def visible_curves(area: Any) -> int:
    """How many of the curves that an editor draws are of the take's confidence."""
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=view()["window"], area=area, region=region):
        shown = bpy.context.visible_fcurves or ()
        return sum("confidence" in curve.data_path or "trust" in curve.data_path for curve in shown)


def paint_trust() -> Iterator[Wait]:
    """By the mouse over the timeline, undone, done again, wiped in part; then solved anew."""
    scene = bpy.context.scene
    names = ["mouthPucker", "mouthClose", "mouthLowerDownLeft", "jawOpen", "eyeBlinkLeft"]
    blocks = the_head().data.shape_keys.key_blocks
    names = [name for name in names if name in blocks]
    before = expressions(names)
    bpy.ops.ed.undo_push(message="Before Painting")
    press(bpy.ops.avface.paint_trust, sense="sound")
    yield 0.5
    stroke("DOPESHEET_EDITOR", *HEARD)
    yield 1.0
    seen = [painted()]
    press(bpy.ops.avface.paint_trust, sense="picture")
    yield 0.5
    stroke("GRAPH_EDITOR", *SEEN)
    yield 1.5
    seen.append(painted())
    sidebar().tag_redraw()  # its panel takes the height of a longer list at the next drawing
    yield 0.5
    picture("trust_painted")
    for modifiers in ({"ctrl": True}, {"ctrl": True, "shift": True}):
        key("Z", **modifiers)
        yield 1.5
        seen.append(painted())
    facts["progress"].append([])
    press(bpy.ops.avface.solve_trust)
    yield ended
    yield lambda: state().imported or state().status != "DONE" or bool(state().hint)
    yield 2.0
    rig = part("rig").rig_of(the_head())
    shares = []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        shares.append(rig.data["trust_in_sound"])
    facts["trust"] = {
        "painted": seen,
        "status": [state().status, state().message, state().hint],
        "plays": [entry.name for entry in part("takes").takes_of(the_head()) if entry.plays],
        "moved": np.abs(expressions(names) - before).max(axis=1).tolist(),
        "shares": shares,
        "visible": visible_curves(graph_editor()),
    }
    scene.frame_set(HEARD[0] + 3)
    yield 1.0
    picture("trust_solved")


def framing() -> list[list[float]]:
    """Of each view through the camera: its scale, where the face is in what it shows (0 to 1)."""
    landmarks, head, found = part("landmarks"), the_head(), []
    scene: Any = bpy.context.scene
    at, camera = landmarks.shown(scene, head), landmarks.clip_camera(scene, head)
    face = (at.captured.min(axis=0) + at.captured.max(axis=0)) / 2
    for area in part("side_by_side")._camera_views(view()["window"].screen):
        region = next(r for r in area.regions if r.type == "WINDOW")
        layout = landmarks.layout_of(at, camera, region, area.spaces.active.region_3d)
        x, y = layout.to_view(*face)
        found.append([layout.scale, x / part("overlay").free_width(area), y / region.height])
    return found


def beside() -> Iterator[Wait]:
    """The film beside the head, and together again."""
    screen = view()["window"].screen
    counts, films = [len(screen.areas)], []
    for name in ("beside", "together"):
        press(bpy.ops.avface.side_by_side)
        yield SAMPLES_SECONDS
        counts.append(len(screen.areas))
        films.append(part("side_by_side").film_area(screen) is not None)
        if films[-1]:
            yield lambda: np.ptp([scale for scale, *_ in framing()]) < 0.01
            facts["framing"] = framing()
            film = part("side_by_side").film_area(screen).spaces.active
            shown = [getattr(film, name) for name in part("landmarks").IN_THE_WAY]
            facts["film shows of the head"] = shown
        picture(name)
    space = view()["area"].spaces.active
    facts["beside"] = {
        "areas": counts,
        "films": films,
        "shows": [space.show_object_viewport_mesh, space.overlay.show_overlays],
    }


def offset() -> Iterator[Wait]:
    """All takes moved in time, undone."""
    begins = [the_head().avface_begin]
    with bpy.context.temp_override(**view()):
        bpy.ops.avface.shift_takes("EXEC_DEFAULT", True, frames=25)
    yield 0.5
    begins.append(the_head().avface_begin)
    key("Z", ctrl=True)
    yield 1.5
    begins.append(the_head().avface_begin)
    facts["offset"] = begins


def duplicate() -> Iterator[Wait]:
    """A second head beside the first, its own Clean-Up, and back again."""
    takes, head = part("takes"), the_head()
    names, before = ["mouthPucker", "mouthClose", "jawOpen"], len(bpy.data.objects)
    names = [name for name in names if name in head.data.shape_keys.key_blocks]
    played = expressions(names)
    bpy.ops.ed.undo_push(message="Before the Duplicate")
    with bpy.context.temp_override(**view()):
        for item in (head, part("rig").rig_of(head)):
            item.select_set(True)
        bpy.ops.object.duplicate("EXEC_DEFAULT", True)
    yield 1.5
    copy = bpy.context.active_object
    seen = [[takes.playing(the_head()), takes.playing(copy)]]
    takes.armature_action(copy).avface_filters.mouth.strength = 0.0
    changed = float(np.abs(expressions(names) - played).max())
    bpy.ops.ed.undo_push(message="Strength")
    yield 0.5
    picture("duplicated")
    key("Z", ctrl=True)  # to what Blender kept before the heads had parted
    yield 2.0
    seen.append([takes.playing(head) for head in part("head_builder").heads()])
    key("Z", ctrl=True)
    yield 2.0
    facts["duplicate"] = {
        "plays": seen,
        "changed": changed,
        "objects": [before, len(bpy.data.objects)],
    }


def moved_strip() -> Iterator[Wait]:
    """A strip moved by hand in the NLA editor is told, and no more once it is back."""
    takes, head = part("takes"), the_head()
    tracks = part("rig").rig_of(head).animation_data.nla_tracks
    strip = next(t for t in tracks if takes.take_name_of(t) == takes.playing(head)).strips[0]
    told = []
    for name, frames in (("strip_moved", 12), ("strip_back", -12)):
        for edge in ("frame_end_raw", "frame_start_raw")[:: 1 if frames > 0 else -1]:
            setattr(strip, edge, getattr(strip, edge) + frames)
        scroll(False)
        yield 1.0
        picture(name)
        told.append([entry.moved for entry in takes.takes_of(head) if entry.plays])
    facts["moved"] = told


STEPS = (prepare, check_engine, choose_clip, choose_face, cancel_by_escape, capture, review,
         correct, undo_and_redo, clean_up, retake, export, drag_landmark, beside, offset,
         show_confidence, paint_trust, duplicate, moved_strip)  # fmt: skip


def run() -> Iterator[Wait]:
    for step in STEPS:
        print(f"-- {step.__name__}", flush=True)
        start = time.monotonic()
        yield from step()
        facts["steps"].append([step.__name__, round(time.monotonic() - start, 1)])


def finish() -> None:
    Path(FACTS_FILE).write_text(json.dumps(facts, indent=1))
    sys.stdout.flush()
    part("jobs").unregister()  # ends an engine that still runs
    os._exit(0 if "error" not in facts else 3)


_work = run()
_wait: Wait = 0.0
_since = time.monotonic()


def tick() -> float | None:
    """Go on when what is waited for has come."""
    global _wait, _since
    try:
        waited = time.monotonic() - _since
        ready = _wait() if callable(_wait) else waited >= _wait
        if not ready and waited > PATIENCE_SECONDS:
            raise TimeoutError(f"nothing came for {waited:.0f} s")
        if ready:
            _wait, _since = next(_work), time.monotonic()
    except StopIteration:
        finish()
    except BaseException:
        facts["error"] = traceback.format_exc()
        print(facts["error"], flush=True)
        try:
            picture("error")
        finally:
            finish()
    return TICK_SECONDS


bpy.app.timers.register(tick, first_interval=1.0)
