"""An artist's corrections: an action of their own on top of all takes, so that none is touched.

It is added to what the NLA plays: a key says how far a control is from where the capture put it.
Takes come, go and are filtered below; the corrections stay.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.files import write_whole
from .head_builder import heads, shape_keys
from .keyframes import CORRECTION_PROPERTY, curves_in, settle
from .rig import rig_of

# On a head: its corrections, also while they are off. Names change, what a property holds doesn't.
_KEPT = {"rig": "avface_corrections_rig", "face": "avface_corrections_face"}
_TOLD_FILE = "told.json"
_NOTHING = 1e-6  # of a key's value


@dataclass(frozen=True)
class Told:
    """Which keys of the corrections a job was told: of these curves those at these frames."""

    paths: tuple[str, ...] = ()  # data paths
    frames: tuple[float, ...] = ()  # of the scene, after the clip's start


def start(head: bpy.types.Object) -> list[bpy.types.Action]:
    """Give a head a layer of corrections, or the one back that it has; its actions."""
    made = []
    for owner, part, blend in _owners(head):
        animation = owner.animation_data_create()
        settle(animation)
        action = animation.action
        if action is None:
            action = _kept(head, part) or bpy.data.actions.new(f"{head.name} corrections {part}")
            action[CORRECTION_PROPERTY] = part
            action.use_fake_user = True  # also when the artist takes it off for a look
            if hasattr(action, "slots") and not len(action.slots):
                action.slots.new(id_type=owner.id_type, name=owner.name)
            animation.action = action
            if hasattr(animation, "action_slot") and len(action.slots):
                animation.action_slot = action.slots[0]
        animation.action_blend_type = blend
        animation.action_extrapolation = "HOLD"
        animation.use_nla = True
        head[_KEPT[part]] = action
        made.append(action)
    _show_bones(head, True)
    return made


def stop(head: bpy.types.Object) -> None:
    """Take the corrections off for a look; `start` brings them back."""
    for owner, _, _ in _owners(head):
        animation = owner.animation_data
        if animation and animation.action and CORRECTION_PROPERTY in animation.action:
            animation.action = None
    _show_bones(head, False)


def retire(head: bpy.types.Object, told: Told, clip_start: int) -> None:
    """A refined take holds what a job was told: take that off. The actions stay in the file.

    What the job knew nothing of stays on top: keys that were set meanwhile or lie beyond the take,
    the head's own turns.
    """
    for owner, _, _ in _owners(head):
        animation = owner.animation_data
        action = animation.action if animation else None
        if action is None or CORRECTION_PROPERTY not in action:
            continue
        name = action.name
        left = action.copy()
        del action[CORRECTION_PROPERTY]
        action.name = f"{name} (used)"
        if _rest(left, told, clip_start):
            bpy.data.actions.remove(left)
            animation.action = None
        else:
            left.name, left.use_fake_user = name, True
            animation.action = left
            if hasattr(animation, "action_slot") and len(left.slots):
                animation.action_slot = left.slots[0]
            head[_KEPT[left[CORRECTION_PROPERTY]]] = left
    _show_bones(head, are_on(head))


def _rest(action: bpy.types.Action, told: Told, clip_start: int) -> bool:
    """Let corrections add nothing where a job was told of them; whether nothing else is left."""
    frames = {round(frame + clip_start, 3) for frame in told.frames}
    nothing_left = True
    for curve in curves_in(action):
        rest = _at_rest(curve)
        for key in curve.keyframe_points:
            if curve.data_path in told.paths and round(key.co[0], 3) in frames:
                moved = rest - key.co[1]
                for point in (key.co, key.handle_left, key.handle_right):
                    point[1] += moved
            nothing_left &= abs(key.co[1] - rest) < _NOTHING
        curve.update()
    return nothing_left


def _at_rest(curve: Any) -> float:
    """The value that adds nothing: 1 of sizes and of a quaternion's first number."""
    first = curve.data_path.endswith("rotation_quaternion") and curve.array_index == 0
    return 1.0 if first or curve.data_path.endswith("scale") else 0.0


def keys_on(head: bpy.types.Object) -> dict[str, list[float]]:
    """Data path of each curve of the corrections that play -> the scene's frames with keys."""
    found: dict[str, list[float]] = {}
    for action in playing(head):
        for curve in curves_in(action):
            frames = [float(key.co[0]) for key in curve.keyframe_points]
            found[curve.data_path] = sorted({*found.get(curve.data_path, ()), *frames})
    return found


def write_told(folder: Path, told: Told) -> None:
    """Keep with a job which keys it was told. Raises OSError."""
    write_whole(folder / _TOLD_FILE, json.dumps(asdict(told)))


def read_told(folder: Path) -> Told | None:
    """The same, when its take comes in; None of a job that was told none."""
    try:
        kept = json.loads((folder / _TOLD_FILE).read_text(encoding="utf-8"))
        return Told(tuple(kept["paths"]), tuple(kept["frames"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def playing(head: bpy.types.Object) -> list[bpy.types.Action]:
    """The corrections that the head plays: of the armature, of the face; empty when off."""
    actions = [o.animation_data.action for o, _, _ in _owners(head) if o.animation_data]
    return [action for action in actions if action is not None and CORRECTION_PROPERTY in action]


def kept(head: bpy.types.Object) -> list[bpy.types.Action]:
    """The corrections that a head has, whether it plays them or not."""
    found = [_kept(head, part) for _, part, _ in _owners(head)]
    return [action for action in found if action is not None]


def part(head: bpy.types.Object) -> None:
    """Let the corrections of a duplicated head be its own: Blender copies only what plays."""
    others = [other for other in heads() if other != head]
    for owner, name, _ in _owners(head):
        known, animation = _kept(head, name), owner.animation_data
        if known is None or animation is None:
            continue
        if all(_kept(other, name) != known for other in others):
            continue
        if animation.action not in (None, known) and CORRECTION_PROPERTY in animation.action:
            head[_KEPT[name]] = animation.action
            continue
        own = head[_KEPT[name]] = known.copy()
        own.use_fake_user = True
        if animation.action == known:
            animation.action = own
            if hasattr(animation, "action_slot") and len(own.slots):
                animation.action_slot = own.slots[0]


def are_on(head: bpy.types.Object) -> bool:
    """Whether the head plays corrections."""
    return bool(playing(head))


def _owners(head: bpy.types.Object) -> list[tuple[Any, str, str]]:
    """Data-block, what it is in words, and how its corrections join the take's values."""
    rig = rig_of(head)
    bones = [(rig, "rig", "COMBINE")] if rig else []
    return [*bones, (shape_keys(head), "face", "ADD")]


def _show_bones(head: bpy.types.Object, show: bool) -> None:
    """Draw the bones through the head: to grasp while it is corrected, in the way otherwise."""
    rig = rig_of(head)
    if rig:
        rig.show_in_front = show


def _kept(head: bpy.types.Object, part: str) -> bpy.types.Action | None:
    action = head.get(_KEPT[part])
    return action if action is not None and CORRECTION_PROPERTY in action else None
