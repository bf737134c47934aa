"""A fine stage trained by `train fine` in a capture: relief of each frame, by picture and sound.

It reads the unwrapped picture and says all of the relief (AVFace section 3.3); the network that is
shipped reads evidence and goes together with shading (`learned`). What lasts is the median of calm
frames; what passes is how a frame differs from it.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch

from ..audio.features import silence
from ..device import compute_device
from ..exchange.protocol import AVFaceError
from ..faces import FaceTrack
from ..head.model import FaceParams
from ..media import Clip
from ..models.config import Config
from ..models.fine import FineNetwork
from ..models.folding import fold_normalisation
from ..srgb import srgb_from_linear
from ..weights import load_network
from .face_sheet import Surface
from .learned import NETWORK
from .skin import Canvas, View, activity, median_of_seen, views

_CALM = 8  # frames whose median relief lasts
_FADE_MM, _LEAST_SEEN = 1.5, 0.15  # relief fades out towards what is hardly seen
_HEARD = "phones"  # the features that a capture has
_WITH_NORMALS = 6  # channels


@dataclass(frozen=True)
class FineStage:
    """The network, and how large its sheet is."""

    network: FineNetwork
    config: Config

    def relief(self, view: View, sound: np.ndarray) -> np.ndarray:
        """(R, R) float32 mm of a view of R texels; sound (16, C)."""
        size, seen = self.config.uv, _resized((view.seen > 0).astype(np.float32), self.config.uv)
        colour = srgb_from_linear(_resized(view.colour, size)) / np.float32(255)
        given = colour * (seen > 0.5)[..., None]
        if self.config.fine_channels == _WITH_NORMALS:
            given = np.concatenate([given, _resized(view.surface.normal, size) * 0.5 + 0.5], -1)
        device = compute_device()
        with torch.no_grad():
            maps = torch.from_numpy(np.ascontiguousarray(given.transpose(2, 0, 1), np.float32))
            heard = torch.from_numpy(np.asarray(sound, np.float32))
            found = self.network(maps[None].to(device), heard[None].to(device))
        return _resized(1e3 * found[0, 0].cpu().numpy(), len(view.seen))


@dataclass(frozen=True)
class TrainedReader:
    """Relief of one person in one clip as the network says it."""

    stage: FineStage
    canvas: Canvas
    sound: np.ndarray | None  # (T, 16, C)
    calm: np.ndarray  # (R, R) mm, the median of calm frames
    known: np.ndarray  # (R, R) in [0, 1], the share of them that see a texel

    def lasting(self, _frame: int, _surface: Surface) -> np.ndarray:
        """(R, R) mm: what lasts."""
        return _faded(self.calm, self.known, self.canvas)

    def passing(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """(R, R) mm: how a frame's relief differs from the lasting one; and no cavities (R, R)."""
        found = self.stage.relief(view, _heard(self.stage, self.sound, view.frame))
        return _faded(found - self.calm, view.weight, self.canvas), np.zeros_like(found)


def read_by_network(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    canvas: Canvas,
    frames: np.ndarray,
    sound: np.ndarray | None,
) -> TrainedReader:
    """Relief that lasts, by the calmest of `frames`; sound (T, 16, C) of the clip's frames.

    Raises AVFaceError where the registered stage is for another head or hears other features.
    """
    stage = trained_stage(canvas.head.file.sha256)
    calm = frames[np.argsort(activity(params, frames), kind="stable")[:_CALM]]
    reliefs, seen = [], []
    for view in views(clip, track, params, canvas, calm):
        reliefs.append(stage.relief(view, _heard(stage, sound, view.frame)))
        seen.append(view.weight > 0)
    middle, known = median_of_seen(np.stack(reliefs), np.stack(seen))
    return TrainedReader(stage, canvas, sound, middle, known)


@cache
def trained_stage(head_sha256: str) -> FineStage:
    """The registered fine stage, which `train fine` has made.

    Raises AVFaceError where it was trained for another head or hears other features.
    """
    tensors, about = load_network(NETWORK)
    if about.get("head", head_sha256) != head_sha256:
        raise AVFaceError(
            "The fine stage was trained for another head.",
            "Capture on that head, or leave relief out (--detail off).",
        )
    if about.get("sound", _HEARD) != _HEARD:
        raise AVFaceError(
            f"The fine stage was trained on {about['sound']} features, not on {_HEARD}.",
            f"Train it on clips prepared with --sound {_HEARD}, or use --detail off.",
        )
    config = Config.from_json(about["config"])
    network = FineNetwork(config)
    network.load_state_dict(tensors)
    fold_normalisation(network)
    return FineStage(network.to(compute_device()), config)


def _heard(stage: FineStage, sound: np.ndarray | None, frame: int) -> np.ndarray:
    config = stage.config
    if sound is not None:
        return sound[frame]
    return np.tile(silence(_HEARD, config.audio_channels), (config.audio_steps, 1))


def _faded(relief: np.ndarray, weight: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Relief (R, R) where skin is seen, fading out towards its edges; flat where none may lie."""
    seen = (weight > _LEAST_SEEN).astype(np.float32)
    inside = cv2.GaussianBlur(seen, (0, 0), _FADE_MM / canvas.sheet.texel_mm)
    return relief * np.clip(2 * inside - 1, 0, 1) * canvas.open


def _resized(values: np.ndarray, size: int) -> np.ndarray:
    how = cv2.INTER_AREA if len(values) > size else cv2.INTER_LINEAR
    return cv2.resize(values.astype(np.float32), (size, size), interpolation=how)
