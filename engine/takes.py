"""What a take stores of a capture: `exchange/take.py`'s fields, filled in."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .exchange.head_file import HeadFile, file_sha256
from .exchange.take import Take
from .faces import FaceTrack
from .fitting import FitResult
from .head.model import FaceParams
from .media import Clip
from .options import CaptureOptions
from .speech.sync import Sync
from .version import product_version


def film_take(
    clip: Clip,
    track: FaceTrack,
    fit: FitResult,
    sync: Sync,
    params: FaceParams,
    head_file: HeadFile,
    options: CaptureOptions,
) -> Take:
    """The take of a film: `params` on the clock of `track`, trusted as `fit` trusts them."""
    moved = sync.offset_seconds if options.fix_sync and sync.is_off else 0.0
    return Take(
        times=track.times,
        landmarks_px=fit.landmarks_px.astype(np.float32),
        found=track.seen,
        confidence=fit.confidence.astype(np.float32),
        trust_sound=fit.trust_sound.astype(np.float32),
        size=clip.size,
        fps=float(clip.fps),
        sound_offset=float(clip.sound_offset) - moved,
        sync_offset=sync.offset_seconds,
        sync_confidence=sync.confidence,
        **common_fields(clip, params, head_file, options),
    )


def common_fields(
    clip: Clip, params: FaceParams, head_file: HeadFile, options: CaptureOptions
) -> dict[str, Any]:
    """What takes of films and of sound files fill in alike."""
    return {
        "shape": params.shape,
        "albedo": params.albedo,
        "expression": params.expression,
        "head_pose": params.head_pose,
        "head_translation": params.head_translation,
        "jaw": params.jaw,
        "eyes": params.eyes,
        "light": params.light,
        "focal": float(params.focal),
        "lip_vertices": params.lips and params.lips.vertices,
        "lip_shapes": params.lips and params.lips.shapes,
        "lip_weights": params.lips and params.lips.weights,
        "expression_names": head_file.expression_names,
        "head": {"name": head_file.name, "sha256": head_file.sha256},
        "source": {  # found again from wherever the take is read
            "path": str(clip.path.absolute()),
            "sha256": _source_sha256(clip.path),
            "kind": clip.kind,
        },
        "made_by": {"version": product_version(), "options": asdict(options)},
        "actor": options.actor,
    }  # fmt: skip


def _source_sha256(path: Path) -> str:
    return file_sha256(path) if path.is_file() else ""
