"""The job that says to the engine what the artist asks for."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.files import TAKE_SUFFIX
from ..engine.exchange.protocol import CaptureJob, take_name
from .capture_settings import AVFACE_CaptureSettings


def clip_problem(settings: AVFACE_CaptureSettings) -> str:
    """Why nothing can be done with the chosen clip; empty when it can."""
    if not settings.clip:
        return "Choose a clip first"
    clip = Path(bpy.path.abspath(settings.clip))
    if not clip.exists() and "#" not in clip.name:  # shot.####.png
        return "The clip is not there any more: choose it again"
    return ""


def capture_job(
    settings: AVFACE_CaptureSettings, folder: Path, person: Path | None = None
) -> CaptureJob:
    """The job that the settings ask for, its take in `folder`; `person`: a take of the actor."""
    clip = Path(bpy.path.abspath(settings.clip))
    known = str(person) if person and settings.same_person else ""
    return CaptureJob(
        clip=str(clip),
        out=str(folder / f"{take_name(clip)}{TAKE_SUFFIX}"),
        head=bpy.path.abspath(settings.head) if settings.head else "",
        options=_options(settings) | {"person": known},
    )


def _options(settings: AVFACE_CaptureSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "start": settings.start,
        "actor": settings.actor,
        "consent": settings.consent,
        "detail": settings.detail,
        "skin": settings.skin,
        "hair": "on" if settings.use_hair else "off",
        "smoothing": settings.smoothing,
        "method": settings.method,
        "quality": settings.quality,
        "lip_reader": _slot(settings, settings.lip_reader),
        "emotion_network": _slot(settings, settings.emotion_network),
        "senses": settings.senses,
        "trust": settings.trust,
        "fix_sync": settings.fix_sync,
        "lips": "on" if settings.refine_lips else "off",
    }
    for name in ("end", "face", "focal", "fps"):
        if getattr(settings, f"use_{name}"):
            options[name] = getattr(settings, name)
    if settings.use_region:
        options["region"] = list(settings.region)
    return options


def _slot(settings: AVFACE_CaptureSettings, path: str) -> str:
    """A network's path where the method at hand takes one."""
    used = settings.method == "spectre" and settings.quality != "draft"
    return bpy.path.abspath(path) if used and path else ""


def shared_options(settings: AVFACE_CaptureSettings) -> dict[str, Any]:
    """Those of the settings that hold for every clip of a batch."""
    options = _options(settings)
    own = {"start", "end", "face", "region", "trust"}  # of one clip
    return {name: value for name, value in options.items() if name not in own and value != ""}
