"""Synthetic performers: people of our own head, acting before a camera, with the truth."""

from .performers import Scene, Sequence, render_scene, render_sequence
from .stage import REGION_NAMES, Stage, build_stage

__all__ = [
    "REGION_NAMES", "Scene", "Sequence", "Stage", "build_stage", "render_scene", "render_sequence",
]  # fmt: skip
