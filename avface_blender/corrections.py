"""An artist's corrections: an action of their own on top of all takes, so that none is touched.

It is added to what the NLA plays: a key says how far a control is from where the capture put it.
Takes come, go and are filtered below; the corrections stay.
"""

from typing import Any

import bpy

from .head_builder import shape_keys
from .keyframes import CORRECTION_PROPERTY, settle
from .rig import rig_of

# On a head: its corrections, also while they are off. Names change, what a property holds doesn't.
_KEPT = {"rig": "avface_corrections_rig", "face": "avface_corrections_face"}


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


def retire(head: bpy.types.Object) -> None:
    """Take the corrections off for good: a refined take holds them now. The actions stay."""
    for action in playing(head):
        del action[CORRECTION_PROPERTY]
        action.name = f"{action.name} (used)"
    for owner, _, _ in _owners(head):
        animation = owner.animation_data
        if animation and animation.action and animation.action.name.endswith("(used)"):
            animation.action = None
    _show_bones(head, False)


def playing(head: bpy.types.Object) -> list[bpy.types.Action]:
    """The corrections that the head plays: of the armature, of the face; empty when off."""
    actions = [o.animation_data.action for o, _, _ in _owners(head) if o.animation_data]
    return [action for action in actions if action is not None and CORRECTION_PROPERTY in action]


def kept(head: bpy.types.Object) -> list[bpy.types.Action]:
    """The corrections that a head has, whether it plays them or not."""
    found = [_kept(head, part) for _, part, _ in _owners(head)]
    return [action for action in found if action is not None]


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
