"""A take's pictures: where its skin and its wrinkles lie on disk, and when each is shown."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engine.exchange.take import Take
from .timeline import SceneRate, to_frames


@dataclass(frozen=True)
class Pictures:
    """A take's pictures, absolute paths; empty where it has none."""

    albedo: Path | None = None
    static_normals: Path | None = None
    dynamic_normals: tuple[Path, ...] = ()  # K complete normal maps
    dynamic_frames: np.ndarray | None = None  # (K,) scene frames, increasing


def find_pictures(
    take: Take, folder: Path, rate: SceneRate, clip_start: int
) -> tuple[Pictures, str]:
    """The pictures of a take in `folder`, and a sentence on those that are missing, or none.

    `clip_start` is the scene frame of the clip's time 0.
    """

    def found(relative: str) -> Path | None:
        if not relative:
            return None
        place = (folder / relative).resolve()
        if place.is_file():
            return place
        missing.append(relative)
        return None

    missing: list[str] = []
    albedo, static = found(take.albedo_image), found(take.static_normals)
    keys = [found(relative) for relative in take.dynamic_normals]
    times = take.detail_times if all(keys) else None
    pictures = Pictures(
        albedo=albedo,
        static_normals=static,
        dynamic_normals=tuple(key for key in keys if key) if times is not None else (),
        dynamic_frames=None if times is None else to_frames(times, rate, clip_start),
    )
    others = f" and {len(missing) - 1} more" if missing[1:] else ""
    return pictures, f"The take's pictures are missing: {missing[0]}{others}." if missing else ""
