"""Adapting a performance to its own clip: each point of the skin keeps its colour.

Landmarks are an opinion; the picture is the witness. Every vertex of the face has one colour in the
whole clip, the mean of what the pictures show where it lies. Units and jaw are then moved, by
descent, so that the vertices find their colours again in every frame, and the colours are taken
anew from the better places. That is AVFace's photometric loss without a network between: the
paper adapts weights on many clips, this adapts the performance on the one that counts.

What changes slowly over the face (light, exposure) is taken out of each frame by a smooth fit.
Regions that are covered, points that face away and lids (which hide their skin) don't count. Lips
that are shut stay shut: what lies between them is too thin for colours to tell. Nor do open ones go
far from where the landmarks have them: a laugh that lasts shades its skin otherwise than speech
does, and colours would follow that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..device import compute_device
from ..exchange.take import REGIONS
from ..fitting.terms import LIP_PAIRS
from ..geometry import embed
from ..head.model import FaceParams, Head
from ..head.torch_head import TorchHead, TorchParams, project_points, rotation_matrices
from ..progress import Report
from ..render import visible_faces
from .crops import crop_batches, face_boxes

if TYPE_CHECKING:
    from ..faces import FaceTrack
    from ..media import Clip

_LIPS = np.array(LIP_PAIRS)  # of the mesh's landmarks: upper, lower
_SIDE = 160  # px, of the crop that is compared
_CHUNK, _OVERLAP = 192, 12  # frames moved at once, and shared with the next ones
_ROUNDS, _STEPS, _RATE = 2, 60, 0.07  # of the colours; of Adam, its rate in standard deviations
_PHOTO = 0.4  # weight of a vertex's colour channel, where the clip shows the face this large
_ROBUST = 0.03  # of the picture's range: larger differences count linearly
_UNIT_SD, _UNIT_STEP_SD = 0.15, 0.05  # of a unit's reach: from the start, and its change a frame
_JAW_SD, _JAW_STEP_SD = 0.02, 0.01  # rad
_SHUT, _SHUT_SD = 0.6e-3, 1.0e-4  # m: lips so near keep their gap, to this
_OPEN_SD, _OPEN_SHARE = 0.5e-3, 0.08  # of a gap that colours may change: m, and of itself
_BELIEVED = 0.5  # confidence below which a region counts as covered
# Skin that these move comes into view or goes, or shows nothing of it: they stay as they were.
_STILL = ("eyeBlink", "eyeWide", "eyeSquint", "tongue", "neckTighten", "cheekPuff", "cheekSuck",
          "nostrilDilate", "lipsEvert")  # fmt: skip
# Which vertices a region of the track speaks for: near these of the 68 landmarks, m.
_NEAR = {"mouth": (slice(48, 68), 0.025), "brows": (slice(17, 27), 0.020)}
_UNSEEN_PARTS = ("mouth_inside", "sockets", "left_eye", "right_eye", "eyelids", "tongue")


@dataclass(frozen=True)
class _Scene:
    """What all pieces share. n vertices, of which those with a weight are compared."""

    clip: "Clip"
    start: FaceParams  # what the performance may not go far from
    head: TorchHead  # the n vertices alone
    lips: tuple[Tensor, Tensor]  # corners (P, 2, 3) among them, barycentric (P, 2, 3): upper, lower
    boxes: np.ndarray  # (T, 3) crops
    weight: np.ndarray  # (T, n) float16
    smooth: Tensor  # (n, B) what may differ from frame to frame
    reach: Tensor  # (E,) how far a unit goes; 0 for those that stay
    low: Tensor  # (E,)
    high: Tensor  # (E,)
    size: tuple[int, int]


def adapt_to_clip(
    clip: "Clip", track: "FaceTrack", params: FaceParams, head: Head, report: Report
) -> FaceParams:
    """The same performance with units and jaw moved to where the skin's colours are.

    Pose, eyes and person stay. About 70 ms a frame on one core; pictures are held by the chunk.
    """
    scene = _scene(clip, track, params, head)
    moved, colours = params, None
    for round_ in range(_ROUNDS + 1):  # the first only takes the colours
        moved, colours = _sweep(scene, moved, colours)
        report((round_ + 1) / (_ROUNDS + 1))
    return moved


def _scene(clip: "Clip", track: "FaceTrack", params: FaceParams, head: Head) -> _Scene:
    file = head.file
    face = file.masks["face_tex"].copy()
    for part in _UNSEEN_PARTS:
        if part in file.masks:
            face &= ~file.masks[part]
    points, mix = file.landmarks_468
    lips = file.faces[points[_LIPS]]  # (P, 2, 3)
    kept = np.union1d(np.flatnonzero(face), lips)
    boxes, device = face_boxes(track), compute_device()
    still = [name.startswith(_STILL) for name in file.expression_names]
    reach = np.where(still, 0, np.maximum(np.abs(file.expression_low), file.expression_high))
    places = (file.template[kept] - file.template[kept].mean(0)) / file.template[kept].std(0)
    x, y, z = places.T
    smooth = np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y], 1)

    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(device)

    return _Scene(
        clip=clip,
        start=params,
        head=TorchHead(file, kept).to(device),
        lips=(tensor(np.searchsorted(kept, lips)), tensor(mix[_LIPS])),
        boxes=boxes,
        weight=_weights(track, params, head, kept, boxes) * face[kept],
        smooth=tensor(smooth.astype(np.float32)),
        reach=tensor(reach.astype(np.float32)),
        low=tensor(file.expression_low),
        high=tensor(file.expression_high),
        size=track.size,
    )


def _weights(
    track: "FaceTrack", params: FaceParams, head: Head, kept: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """How far each vertex counts in each frame, (T, n): seen, not covered, as sharp as the clip."""
    file, rest = head.file, head.rest(params.shape)
    landmarks = embed(file.template, file.faces, file.landmarks_68)
    weight = np.zeros((len(params), len(kept)), np.float16)
    for t in np.flatnonzero(track.seen):
        placed = head.camera_frame(params, int(t), rest)
        pixels = _to_pixels(placed, params.focal, track.size, boxes[t])
        ids, _ = visible_faces(pixels, file.faces, (_SIDE, _SIDE), cull_back=True)
        shown = np.zeros(len(file.template), bool)
        shown[file.faces[np.unique(ids[ids >= 0])]] = True
        weight[t] = shown[kept] * min(1.0, (boxes[t, 2] / _SIDE) ** 2)
    for region, (points, distance) in _NEAR.items():
        apart = np.linalg.norm(file.template[kept][:, None] - landmarks[points], axis=2).min(1)
        covered = track.confidence[:, REGIONS.index(region)] < _BELIEVED
        weight[np.ix_(covered, apart < distance)] = 0
    return weight


def _to_pixels(
    placed: np.ndarray, focal: float, size: tuple[int, int], box: np.ndarray
) -> np.ndarray:
    """Camera space (V, 3) to the crop's pixels and depth (V, 3)."""
    depth = -placed[:, 2]
    x = size[0] / 2 + focal * placed[:, 0] / depth
    y = size[1] / 2 - focal * placed[:, 1] / depth
    scale = _SIDE / box[2]
    return np.stack([(x - box[0]) * scale, (y - box[1]) * scale, depth], 1)


def pieces(count: int) -> Iterator[tuple[int, int]]:
    """First frame and end of overlapping pieces."""
    first = 0
    while True:
        end = min(count, first + _CHUNK + _OVERLAP)
        yield first, end
        if end == count:
            return
        first = end - _OVERLAP


def fade_in(first: int, end: int) -> np.ndarray:
    """The share (n, 1) that a piece's result gets of what stands: it grows over the overlap."""
    share = np.ones((end - first, 1))
    if first:
        share[:_OVERLAP, 0] = np.arange(1, _OVERLAP + 1) / (_OVERLAP + 1)
    return share


def _sweep(scene: _Scene, params: FaceParams, colours: Tensor | None) -> tuple[FaceParams, Tensor]:
    """All pieces moved towards the colours (none: left alone); then the colours seen there."""
    expression, jaw = params.expression.copy(), params.jaw.copy()
    device = scene.smooth.device
    total, count = torch.zeros(1, device=device), torch.zeros(1, device=device)
    for first, end in pieces(len(params)):
        piece = slice(first, end)
        pictures = _pictures(scene, first, end)
        weight = torch.from_numpy(scene.weight[piece].astype(np.float32)).to(device)
        start, now = (TorchParams.of(p[piece], device) for p in (scene.start, params))
        e, j = now.expression, now.jaw
        if colours is not None:
            e, j = _descend(scene, pictures, weight, start, (e, j), colours, first)
            share = fade_in(first, end)
            expression[piece] += share * (e.cpu().numpy() - expression[piece])
            jaw[piece] += share * (j.cpu().numpy() - jaw[piece])
        with torch.no_grad():
            seen = _seen(scene, pictures, start, _posed(scene, start, e, j), first)
        total = total + (seen * weight[..., None]).sum(0)
        count = count + weight.sum(0)[:, None]
    return params.replace(expression=expression, jaw=jaw), total / count.clamp(min=1e-3)


def _pictures(scene: _Scene, first: int, end: int) -> Tensor:
    """The crops of a piece, slightly blurred so that colours lead from a distance."""
    device = scene.smooth.device
    pictures = torch.zeros(end - first, 3, _SIDE, _SIDE, device=device)
    for frames, crops in crop_batches(scene.clip, scene.boxes, _SIDE, start=first, stop=end):
        pictures[frames - first] = crops.to(device)
    return functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def _posed(scene: _Scene, start: TorchParams, e: Tensor, j: Tensor) -> Tensor:
    """The vertices in head space, (frames, n, 3) m."""
    return scene.head.pose(scene.head.rest(start.shape), e, j, start.eyes)


def _seen(scene: _Scene, pictures: Tensor, start: TorchParams, posed: Tensor, first: int) -> Tensor:
    """The colours where the posed vertices lie, (frames, n, 3)."""
    boxes = torch.from_numpy(scene.boxes[first : first + len(posed)]).to(posed)
    placed = posed @ rotation_matrices(start.head_pose).transpose(1, 2)
    pixels = project_points(placed + start.head_translation[:, None], start.focal, scene.size)
    at = (pixels - boxes[:, None, :2]) / boxes[:, None, 2:] * 2 - 1
    read = functional.grid_sample(pictures, at[:, :, None], align_corners=False)
    return read[..., 0].transpose(1, 2)


def _lip_gaps(scene: _Scene, posed: Tensor) -> Tensor:
    """How far the lips are apart at each pair of landmarks, (frames, P) m."""
    corners, mix = scene.lips
    height = (posed[:, corners, 1] * mix).sum(-1)  # (frames, P, 2)
    return height[..., 0] - height[..., 1]


def _descend(
    scene: _Scene,
    pictures: Tensor,
    weight: Tensor,
    start: TorchParams,
    now: tuple[Tensor, Tensor],
    colours: Tensor,
    first: int,
) -> tuple[Tensor, Tensor]:
    """Expression and jaw moved towards the colours, without leaving `start` without a reason."""
    unit_sd = _UNIT_SD * scene.reach
    u = ((now[0] - start.expression) / unit_sd.clamp(min=1e-6)) * (unit_sd > 0)
    u = u.requires_grad_()
    v = ((now[1] - start.jaw) / _JAW_SD).requires_grad_()
    normal = torch.einsum("tn,nk,nl->tkl", weight, scene.smooth, scene.smooth)
    normal = normal + 1e-2 * torch.eye(scene.smooth.shape[1], device=weight.device)
    optimiser = torch.optim.Adam([u, v], lr=_RATE)
    gaps = _lip_gaps(scene, _posed(scene, start, start.expression, start.jaw))
    kept = torch.exp(-((gaps / _SHUT) ** 2)) / _SHUT_SD**2
    kept += 1 / (_OPEN_SD**2 + (_OPEN_SHARE * gaps) ** 2) / gaps.shape[1]

    def place() -> tuple[Tensor, Tensor]:
        e = torch.clamp(start.expression + u * unit_sd, scene.low, scene.high)
        return e, start.jaw + v * _JAW_SD

    for _ in range(_STEPS):
        posed = _posed(scene, start, *place())
        difference = _seen(scene, pictures, start, posed, first) - colours
        with torch.no_grad():  # what the light changes over the whole face
            right = torch.einsum("tn,nk,tnc->tkc", weight, scene.smooth, difference)
            light = scene.smooth @ torch.linalg.solve(normal, right)
        robust = torch.sqrt((difference - light) ** 2 + _ROBUST**2) - _ROBUST
        cost = _PHOTO * (robust * weight[..., None]).sum()
        cost = cost + (kept * (_lip_gaps(scene, posed) - gaps) ** 2).sum()
        for x, ratio in ((u, _UNIT_SD / _UNIT_STEP_SD), (v, _JAW_SD / _JAW_STEP_SD)):
            cost = cost + (x**2).sum() + ratio**2 * ((x[1:] - x[:-1]) ** 2).sum()
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
    with torch.no_grad():
        return place()
