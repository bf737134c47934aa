"""SPECTRE on a clip: by its network, or by descent on the clip itself (Filntisis et al. 2022, B.1).

Who it is, where the head is and the eyes come from the start (the fit, or the coarse stage) and
stay; expression and jaw are SPECTRE's. Descent goes by nearness to the start, landmarks of nose,
eyes and outline, distances within the mouth, and what a lip reader sees in the drawn and the real
mouth: the small one that the product carries, or a network of the user's. The losses are those of
training, with their published weights: the supplement's descent weighs lip reading twice, but has
no landmarks.

Choices: the detector's habits (where it puts a landmark on every frame of this person) are taken
out by the clip's median, and so is by its mean what the lip reader always sees otherwise in a film
than in a drawing; nearness counts for units between 0 and 1 as it does for FLAME's standard
deviations of about a tenth of their reach; only units that move the lips are moved; what is moved
is smooth over a fifth of a second, as the published network's convolution makes it; where the mouth
is covered the start stays, and where it is shut: what lies between shut lips is thinner than a
pixel that a lip reader sees.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..device import compute_device
from ..exchange.take import REGIONS
from ..faces.crops import place_in_crop, to_crop
from ..head.landmarks import REGION_OF_68, mesh_to_68, middle_of_face
from ..head.model import FaceParams, Head
from ..models.config import Config
from ..models.spectre import SpectreEncoder
from ..progress import Report
from ..training.data import Windows
from ..training.mouths import room_light
from ..training.spectre import PerceptualLosses, Watched, perceptual_losses
from ..training.system import Codes, Faces
from .adaptation import fade_in, pieces
from .crops import crop_batches, face_boxes

if TYPE_CHECKING:
    from ..faces import FaceTrack
    from ..media import Clip

_STEPS, _RATE = 60, 0.01  # of Adam, on units and radians
_READ_EVERY = 6  # frames: a step draws and reads one in so many, each in its turn
_SEEN_SIDE = 224  # px of a face's crop that networks look at
_UNIT_OF_FLAME = 0.1  # of a unit's reach: as common as one standard deviation of FLAME's
_LIP_SHARE = 0.5  # of its largest motion that a unit must show at the lips
_SMOOTH_SD = 0.06  # s, of what is moved
_SHUT_M = 0.6e-3  # lips so near stay as they are
_UPPER, _LOWER = [61, 62, 63], [67, 66, 65]  # inner lips among the 68


@dataclass(frozen=True)
class SpectreSlots:
    """Networks of the user's, TorchScript or ONNX."""

    # grey mouths (B, K, 1, 88, 88) -> features (B, K, C); None: the product's own
    lip_reader: Path | None = None
    emotion: Path | None = None  # faces (N, 3, 224, 224) -> features (N, C)
    reads_lips: bool = True


def estimate_spectre(
    clip: "Clip", track: "FaceTrack", start: FaceParams, head: Head, network: SpectreEncoder
) -> FaceParams:
    """The start with expression and jaw from SPECTRE's network, each picture read once.

    In chunks of K frames; the temporal convolution reaches over their borders.
    """
    config, boxes = network.config, face_boxes(track)
    device = next(network.parameters()).device
    features = torch.zeros(len(start), network.backbone.outputs, device=device)
    with torch.inference_mode():
        for frames, crops in crop_batches(clip, boxes, config.crop):
            features[frames] = network.embed(crops.to(device))
        e = _convolve(network, features, config)
    file, parts = head.file, config.expression_parts()
    return start.replace(
        expression=np.clip(e[:, parts["expression"]], file.expression_low, file.expression_high),
        jaw=e[:, parts["jaw"]],
    )


def descend_on_clip(
    clip: "Clip",
    track: "FaceTrack",
    start: FaceParams,
    head: Head,
    report: Report,
    slots: SpectreSlots = SpectreSlots(),
) -> FaceParams:
    """The start with expression and jaw moved by SPECTRE's losses.

    Raises:
        AVFaceError: A slot's file isn't a network.
    """
    objective = perceptual_losses(head.file, slots.lip_reader, slots.emotion, slots.reads_lips)
    looks = objective.lip_reader is not None or objective.emotion is not None
    boxes, device = face_boxes(track), compute_device()
    for part in objective.parts:
        part.to(device)
    codes = codes_in_crops(start, boxes, head, track.size)
    codes = Codes(**{name: value.to(device) for name, value in vars(codes).items()})
    target, belief = _targets(track, boxes, codes, objective.faces)
    expression, jaw = start.expression.copy(), start.jaw.copy()
    low, high = head.file.expression_low, head.file.expression_high
    bounds = torch.from_numpy(low).to(device), torch.from_numpy(high).to(device)
    moving = _lip_units(head).to(device)
    for first, end in pieces(len(start)):
        piece = slice(first, end)
        if float(belief[piece].sum()) > 0:
            own = Codes(**{name: value[piece] for name, value in vars(codes).items()})
            pictures = _pictures(clip, boxes, first, end, looks).to(device)
            sound = torch.zeros(1, len(own.jaw), 16, 1, device=device)
            windows = Windows(pictures[None], sound,
                              target[piece][None], belief[piece][None],
                              1 - belief[piece][None])  # fmt: skip
            smooth = _smoothing(track.times[piece]).to(device)
            e, j = _descend(objective, own, windows, bounds, moving, smooth)
            share = fade_in(first, end)
            expression[piece] += share * (e.cpu().numpy() - expression[piece])
            jaw[piece] += share * (j.cpu().numpy() - jaw[piece])
        report(end / len(start))
    covered = track.confidence[:, REGIONS.index("mouth")] < 0.5
    expression[covered], jaw[covered] = start.expression[covered], start.jaw[covered]
    return start.replace(expression=expression, jaw=jaw)


def _convolve(network: SpectreEncoder, features: Tensor, config: Config) -> np.ndarray:
    reach, pieces = config.spectre_kernel // 2, []
    for first in range(0, len(features), config.spectre_frames):
        left = max(0, first - reach)
        end = min(len(features), first + config.spectre_frames)
        said = network.over_time(features[None, left : end + reach])[0]
        pieces.append(said[first - left : first - left + end - first])
    return torch.cat(pieces).cpu().numpy().astype(float)


def codes_in_crops(
    start: FaceParams, boxes: np.ndarray, head: Head, size: tuple[int, int]
) -> Codes:
    """Parameters as the coarse stage would say them in the crops (T, 3), in a room's light.

    `size` is the clip's, px.
    """
    file, count = head.file, len(start)
    middle = middle_of_face(file, head.rest(start.shape)[0])
    pose, camera = place_in_crop(
        start.head_pose, start.head_translation, boxes, middle, start.focal, size
    )

    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(values, np.float32))

    return Codes(
        shape=tensor(start.shape).expand(count, -1),
        albedo=tensor(start.albedo).expand(count, -1),
        pose=tensor(pose),
        camera=tensor(camera),
        light=room_light(count),
        expression=tensor(start.expression),
        jaw=tensor(start.jaw),
        eyes=tensor(start.eyes),
    )


def _targets(
    track: "FaceTrack", boxes: np.ndarray, codes: Codes, faces: Faces
) -> tuple[Tensor, Tensor]:
    """The detector's landmarks (T, 68, 2) in the crops without its habits, and belief (T, 68).

    Where it says nothing stand the start's own.
    """
    points = np.nan_to_num(mesh_to_68(track.landmarks[..., :2]))
    device = codes.jaw.device
    target = torch.from_numpy(to_crop(points, boxes).astype(np.float32)).to(device)
    believed = np.nan_to_num(track.confidence)[:, REGION_OF_68] * track.seen[:, None]
    belief = np.where(believed < 0.5, 0, believed).astype(np.float32)
    belief = torch.from_numpy(belief).to(device)
    with torch.no_grad():
        ours = torch.cat([
            faces.landmarks(Codes(**{k: v[i : i + 256] for k, v in vars(codes).items()}))
            for i in range(0, len(target), 256)
        ])  # fmt: skip
    apart = torch.where(belief[..., None] > 0, target - ours, torch.nan)
    target = target - torch.nan_to_num(apart.nanmedian(0).values)
    seen = torch.from_numpy(np.array(track.seen, bool)).to(device)
    return torch.where(seen[:, None, None], target, ours), belief


def _pictures(clip: "Clip", boxes: np.ndarray, first: int, end: int, wanted: bool) -> Tensor:
    if not wanted:
        return torch.zeros(end - first, 3, 1, 1)
    pictures = torch.zeros(end - first, 3, _SEEN_SIDE, _SEEN_SIDE)
    for frames, crops in crop_batches(clip, boxes, _SEEN_SIDE, start=first, stop=end):
        pictures[frames - first] = crops
    return pictures


def _lip_units(head: Head) -> Tensor:
    """1 for the units that move the lips, (E,)."""
    reach = np.linalg.norm(head.file.expression_basis, axis=1)  # (V, E)
    skin = head.file.masks["face_tex"]
    lips = reach[head.file.masks["lips"]].max(0) >= _LIP_SHARE * reach[skin].max(0)
    return torch.from_numpy(lips.astype(np.float32))


def _smoothing(times: np.ndarray) -> Tensor:
    """A matrix (n, n) that smooths what belongs to the times, rows of sum 1."""
    near = np.exp(-(((times[:, None] - times) / _SMOOTH_SD) ** 2) / 2)
    return torch.from_numpy((near / near.sum(1, keepdims=True)).astype(np.float32))


@torch.no_grad()
def _not_shut(objective: PerceptualLosses, start: Codes, smooth: Tensor) -> Tensor:
    """How far frames may move, (n, 1): 0 where the start's lips are shut, less beside it."""
    marks = objective.faces.landmarks(start)
    gap = (marks[:, _LOWER] - marks[:, _UPPER])[..., 1].mean(1) / start.camera[:, 0]  # m
    apart = (gap > _SHUT_M).float()[:, None]
    return apart * (smooth @ apart)


@torch.no_grad()
def _watch(objective: PerceptualLosses, start: Codes, windows: Windows) -> Watched:
    """What the networks see in the film, the lips' features moved to where drawings have them."""
    watched = objective.watch(windows)
    if watched.lips is None:
        return watched
    drawn = objective.draw_and_read(start, objective.faces.landmarks(start), windows)
    seen = windows.belief[..., 48:].mean(-1, keepdim=True)
    apart = (seen * (drawn - watched.lips)).sum(1, True) / seen.sum(1, True).clamp(min=1e-6)
    return replace(watched, lips=watched.lips + apart)


def _descend(
    objective: PerceptualLosses,
    start: Codes,
    windows: Windows,
    bounds: tuple[Tensor, Tensor],
    moving: Tensor,
    smooth: Tensor,
) -> tuple[Tensor, Tensor]:
    """Expression (n, E) and jaw (n, 3), moved smoothly from `start`."""
    free = _not_shut(objective, start, smooth)
    u, v = torch.zeros_like(start.expression), torch.zeros_like(start.jaw)
    optimiser = torch.optim.Adam([u.requires_grad_(), v.requires_grad_()], lr=_RATE)

    def place() -> tuple[Tensor, Tensor]:
        expression = torch.clamp(start.expression + free * moving * (smooth @ u), *bounds)
        return expression, start.jaw + free * (smooth @ v)

    watched, every = _watch(objective, start, windows), min(_READ_EVERY, len(u))
    for step in range(_STEPS):
        expression, jaw = place()
        codes = replace(start, expression=expression, jaw=jaw)
        losses = objective(codes, start, windows, watched, slice(step % every, None, every))
        losses["expression"] = losses["expression"] / _UNIT_OF_FLAME**2
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
    with torch.no_grad():
        return place()
