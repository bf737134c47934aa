"""Whom the mouth goes by in which stretch of the clip: painted by the artist, kept on the head.

What is painted belongs to one clip of one actor, whichever of its takes plays. The next capture,
retake or refinement of that clip goes by it.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)

from ..engine.exchange.protocol import AVFaceError, CaptureJob
from . import takes
from .stretches import Clock, Sense, Stretch, as_text, from_text, painted
from .timeline import rate_of
from .views import all_areas

EDITORS = ("DOPESHEET_EDITOR", "GRAPH_EDITOR", "NLA_EDITOR", "SEQUENCE_EDITOR")  # show time
SENSES = (
    ("picture", "Picture", "The mouth goes by what is seen, the sound is left out", "HIDE_OFF", 0),
    ("sound", "Sound", "The mouth goes by what is heard, the picture is left out", "SPEAKER", 1),
)
_FRAMES = "Frame of the scene {} the mouth goes by this sense"


def _edge(name: str) -> Any:
    """A stretch's first or last frame in the scene: what is kept are seconds of the clip."""
    which = ("first", "last").index(name)

    def get(item: Any) -> int:
        clock = clock_of(item.id_data)
        return clock.frames(item.start, item.end)[which] if clock else 0

    def put(item: Any, frame: int) -> None:
        clock = clock_of(item.id_data)
        if clock is None:
            return
        edges = list(clock.frames(item.start, item.end))
        edges[which] = min(frame, edges[1]) if name == "first" else max(frame, edges[0])
        item.start, item.end = clock.seconds(*edges)
        redraw()

    said = _FRAMES.format("from which" if name == "first" else "up to which")
    return IntProperty(name=name.capitalize(), description=said, get=get, set=put, options=set())


class AVFACE_TrustStretch(bpy.types.PropertyGroup):
    """A `stretches.Stretch` of one clip."""

    clip: StringProperty()  # file name
    sense: EnumProperty(
        name="Trust",
        description="What moves the mouth in this stretch",
        items=SENSES,
        update=lambda _item, _context: redraw(),
    )
    start: FloatProperty()  # s of the clip
    end: FloatProperty()
    first: _edge("first")
    last: _edge("last")


CLASSES = (AVFACE_TrustStretch,)


def clip_of(head: bpy.types.Object) -> str:
    """The file name of the clip whose take plays; empty when none does."""
    actions = takes.actions_of(head, takes.playing(head))
    return str(actions[0].get(takes.CLIP_PROPERTY, "")) if actions else ""


def clock_of(head: bpy.types.Object) -> Clock | None:
    """Where the clip of the take that plays lies in the scene; None when none does."""
    actions = takes.actions_of(head, takes.playing(head))
    scene: Any = bpy.context.scene
    if not actions:
        return None
    return Clock(int(actions[0][takes.CLIP_START_PROPERTY]), rate_of(scene).frames_per_second)


def items_of(head: bpy.types.Object) -> list[Any]:
    """The stretches of the playing take's clip, as Blender keeps them."""
    clip = clip_of(head)
    return [item for item in head.avface_trust if item.clip == clip]


def stretches_of(head: bpy.types.Object) -> list[Stretch]:
    """The same as values, in order."""
    return sorted(Stretch(item.start, item.end, item.sense) for item in items_of(head))


def paint(head: bpy.types.Object, first: int, last: int, sense: Sense | None) -> None:
    """Trust `sense` alone in these frames of the scene; None: whom the capture finds best."""
    clock = clock_of(head)
    if clock is None:
        raise AVFaceError(f"No take plays on {head.name}.", "Show one of its takes.")
    start, end = clock.seconds(first, last)
    if end <= start:
        raise AVFaceError("These frames lie before the clip.", "Paint where the take is.")
    _keep(head, painted(stretches_of(head), start, end, sense))


def adopt(head: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Show what the take that plays was captured by; the panel's text for it is done with."""
    text = captured_by(head)
    if not text:
        return
    stretches = stretches_of(head)
    for stretch in from_text(text):
        stretches = painted(stretches, stretch.start, stretch.end, stretch.sense)
    _keep(head, stretches)
    settings: Any = scene.avface
    if Path(bpy.path.abspath(settings.clip)).name == clip_of(head):
        settings.trust = ""


def captured_by(head: bpy.types.Object) -> str:
    """Whom the take that plays was captured by, as text."""
    file = takes.take_file(head)
    try:
        take = takes.load(file) if file else None
    except AVFaceError:
        return ""
    return str(take.made_by.get("options", {}).get("trust", "")) if take else ""


def is_new(head: bpy.types.Object) -> bool:
    """Whether what is painted differs from what the take that plays was captured by."""
    return as_text(stretches_of(head)) != as_text(from_text(captured_by(head)))


def by_trust(job: CaptureJob, head: bpy.types.Object | None) -> CaptureJob:
    """The job, going by what is painted where it is of the same clip; a text of its own on top."""
    if head is None or Path(job.clip).name != clip_of(head):
        return job
    own = str(job.options.get("trust", ""))
    text = ",".join(filter(None, (as_text(stretches_of(head)), own)))
    return replace(job, options=job.options | {"trust": text})


def redraw() -> None:
    """Have the bands drawn anew."""
    for area in all_areas():
        if area.type in EDITORS or area.type == "VIEW_3D":
            area.tag_redraw()


def register() -> None:
    """A list on each head."""
    bpy.types.Object.avface_trust = CollectionProperty(type=AVFACE_TrustStretch)


def unregister() -> None:
    """Take it away again."""
    del bpy.types.Object.avface_trust


def _keep(head: bpy.types.Object, stretches: list[Stretch]) -> None:
    """Put these in the place of what is painted for the clip."""
    clip, items = clip_of(head), head.avface_trust
    for index in reversed([k for k, item in enumerate(items) if item.clip == clip]):
        items.remove(index)
    for stretch in stretches:
        item = items.add()
        item.clip, item.sense = clip, stretch.sense
        item.start, item.end = stretch.start, stretch.end
    redraw()
