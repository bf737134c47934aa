"""Keyframes in bulk, one action per data-block and take, laid on the data-block's NLA.

Blender 4.4 gave actions layers and slots, 5.0 took the flat list of curves away: what is there is
asked for, never the version.
"""

from typing import Any

import bpy
import numpy as np

from .thinning import handles, key_indices, slopes_of

TAKE_PROPERTY = "avface_take"  # on an action, a material: it belongs to the take of this name
CORRECTION_PROPERTY = "avface_correction"  # on an action: an artist's, on top of all takes
_LINEAR = 1  # Keyframe.interpolation as a number: 0 constant, 1 linear, 2 Bezier
_CONSTANT, _BEZIER = 0, 2
_ALIGNED = 3  # Keyframe.handle_left_type as a number
# How far other values may be off where a shape key may be off by 1.
_SHARES = {"rotation_quaternion": 0.1, "rotation_euler": 0.2, "location": 0.05}
_FADE_FRAMES = 5  # in which a take over a range takes over from the one below

# (data path, index) -> value at each frame
Curves = dict[tuple[str, int], np.ndarray]


def bone_curves(bone: str, turns: np.ndarray, moves: np.ndarray | None = None) -> Curves:
    """Curves of a pose bone from its own rotation (N, 4) and location (N, 3)."""
    path = f'pose.bones["{bone}"].'
    return object_curves(turns, moves, path)


def object_curves(turns: np.ndarray, moves: np.ndarray | None = None, path: str = "") -> Curves:
    """Curves of rotation (N, 4) and location (N, 3)."""
    curves = {(path + "rotation_quaternion", k): turns[:, k] for k in range(4)}
    if moves is not None:
        curves |= {(path + "location", k): moves[:, k] for k in range(3)}
    return curves


def shape_key_curves(names: tuple[str, ...], values: np.ndarray) -> Curves:
    """Curves of shape keys: names of N_k keys, (N, N_k)."""
    return {(f'key_blocks["{name}"].value', 0): values[:, k] for k, name in enumerate(names)}


def make_action(
    owner: bpy.types.ID,
    name: str,
    frames: np.ndarray,
    curves: Curves,
    group: str = "",
    stepped: frozenset[str] = frozenset(),
    take: str = "",
) -> bpy.types.Action:
    """A new action for `owner`, a key at each frame (N,); paths in `stepped` hold their values.

    It belongs to the take of the name `take`, or is a take of its own.
    """
    action = bpy.data.actions.new(name)
    action[TAKE_PROPERTY] = take or name
    bag = _curves_of_new(action, owner)
    points = np.empty((len(frames), 2), np.float32)
    points[:, 0] = frames
    groups: dict[str, Any] = {}
    for (path, index), values in curves.items():
        curve = bag.fcurves.new(path, index=index)
        title = path.split('"')[1] if path.startswith("pose.bones") else group
        if title:
            curve.group = groups.get(title) or groups.setdefault(title, bag.groups.new(title))
        points[:, 1] = values
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", points.ravel())
        kind = _CONSTANT if path in stepped else _LINEAR
        curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), kind, np.int32))
        curve.update()
    return action


def set_keys(
    curve: Any, frames: np.ndarray, values: np.ndarray, slopes: np.ndarray | None = None
) -> None:
    """Put keys (N,) into a curve in the place of its own.

    Straight lines run from key to key, or a smooth curve that has these slopes (N,) at them.
    """
    points = curve.keyframe_points
    if len(points) != len(frames):
        points.clear()
        points.add(len(frames))
    points.foreach_set("co", _flat(np.column_stack([frames, values])))
    kind = _LINEAR if slopes is None else _BEZIER
    points.foreach_set("interpolation", np.full(len(frames), kind, np.int32))
    if slopes is not None:
        for side, places in zip(("left", "right"), handles(frames, values, slopes), strict=True):
            points.foreach_set(f"handle_{side}_type", np.full(len(frames), _ALIGNED, np.int32))
            points.foreach_set(f"handle_{side}", _flat(places))
    curve.update()


def keys_of(curve: Any) -> np.ndarray:
    """Frame and value of each key, (N, 2)."""
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    return flat.reshape(-1, 2).astype(float)


def thin(action: bpy.types.Action, tolerance: float) -> None:
    """Leave the keys that the motion needs, on smooth curves: no shape key is off by `tolerance`.

    The channels of a bone's rotation or place keep the same keys. All curves have keys in the
    same frames before.
    """
    together: dict[str, list[Any]] = {}
    for curve in curves_in(action):
        together.setdefault(curve.data_path, []).append(curve)
    for path, curves in together.items():
        points = np.stack([keys_of(curve) for curve in curves], axis=1)
        frames, values = points[:, 0, 0], points[..., 1]  # (N,), (N, C)
        scale = next((share for end, share in _SHARES.items() if path.endswith(end)), 1.0)
        kept = key_indices(frames, values, scale * tolerance)
        slopes = slopes_of(frames, values)[kept]
        for column, curve in enumerate(curves):
            set_keys(curve, frames[kept], values[kept, column], slopes[:, column])


def _flat(places: np.ndarray) -> np.ndarray:
    return places.astype(np.float32).ravel()


def curves_in(action: bpy.types.Action) -> list[Any]:
    """All curves of an action, wherever this Blender keeps them."""
    if not hasattr(action, "layers"):
        return list(action.fcurves)
    layers: Any = action.layers
    return [
        curve
        for layer in layers
        for strip in layer.strips
        for bag in strip.channelbags
        for curve in bag.fcurves
    ]


def play(owner: bpy.types.ID, action: bpy.types.Action, over: bool = False) -> None:
    """Lay `action` on top of the owner's NLA and silence the takes below; nothing is lost.

    With `over` they play on before and after it, and fade into it over a few frames.

    What the owner was playing as its active action is laid on a track of its own, below; an
    artist's corrections stay what they are, on top of everything.
    """
    animation = owner.animation_data_create()
    settle(animation)
    for track in animation.nla_tracks if not over else ():
        if any(strip.action and TAKE_PROPERTY in strip.action for strip in track.strips):
            track.mute = True
    slots = getattr(action, "slots", ())
    strip = _lay(animation, action, slots[0] if slots else None)
    if over:
        strip.extrapolation = "NOTHING"
        fade = min(_FADE_FRAMES, (strip.frame_end - strip.frame_start) / 3)
        strip.blend_in = strip.blend_out = fade
    animation.use_nla = True


def settle(animation: bpy.types.AnimData) -> None:
    """Lay the active action on a track of its own on top, unless it is an artist's corrections."""
    animation.use_tweak_mode = False
    standing = animation.action
    if standing is not None and CORRECTION_PROPERTY not in standing:
        _lay(animation, standing, getattr(animation, "action_slot", None))
        animation.action = None


def _lay(animation: bpy.types.AnimData, action: bpy.types.Action, slot: Any) -> Any:
    """A new top track with one strip that plays the whole of `action` where its keys are."""
    first, last = action.frame_range
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(np.floor(first)), action)
    strip.extrapolation = "HOLD"
    strip.blend_type = "REPLACE"
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start_raw, strip.frame_end_raw = first, max(last, first + 1)
    strip.scale = 1.0
    if slot is not None:
        strip.action_slot = slot
    return strip


def _curves_of_new(action: bpy.types.Action, owner: bpy.types.ID) -> Any:
    """What holds the curves of a new action that is made for `owner`."""
    if not hasattr(action, "layers"):
        action.id_root = owner.id_type
        return action
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)
