"""What the landmark network sees in pictures of a face: points, and what is before which part.

Crops are squares about a face's box as the network was trained on: `crop_face`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..device import compute_device
from ..weights import load_network
from .daylight import by_day

if TYPE_CHECKING:
    from ..media import Clip
    from ..models.covers import CoverNet
    from ..models.landmarks import LandmarkNet

NETWORK, COVERS, PROFILES = "landmarks", "covers", "profiles"
CROP = 1.5  # side of a crop over the longer side of the face's box
GLANCE_PX = 112  # side of a kept view of a face: what the shipped network sees
_JPEG_QUALITY = 95
_EYES, _MESH = [33, 263], 468  # outer corners of the eyes; the mesh's points before the irises
_LEVEL = np.radians(10)  # a head that leans further is set upright for the network
_BATCH = 4  # heat-maps of more no longer fit the processor's caches
_AT_ONCE = 64  # crops in memory


@dataclass(frozen=True)
class Crop:
    """A square of a frame, and where it lay."""

    picture: np.ndarray  # (S, S, 3) uint8 RGB
    corner: np.ndarray  # (2,) px of the frame: its upper left corner
    side: float  # px of the frame


@dataclass(frozen=True)
class NetworkPoints:
    """What the network saw in some of a clip's pictures, kept for whoever asks about them again."""

    frames: np.ndarray  # (n,) of the clip, rising
    points: np.ndarray  # (n, L, 2) px of the frames
    sigma: np.ndarray  # (n, L) px of the frames
    odds: np.ndarray  # (n, L) log odds that something is before each point

    @classmethod
    def joined(cls, parts: "list[NetworkPoints]") -> "NetworkPoints":
        """Several of one clip as one."""
        frames, *seen = (
            np.concatenate(column)
            for column in zip(*((p.frames, p.points, p.sigma, p.odds) for p in parts), strict=True)
        )
        order = np.argsort(frames)
        return cls(frames[order], *(column[order] for column in seen))


@dataclass(frozen=True)
class LevelSeen:
    """What both networks saw in n views by `level_face`, asked about K places in each."""

    points: np.ndarray  # (n, L, 2) px of the frames
    sigma: np.ndarray  # (n, L) px of the frames
    visible: np.ndarray  # (n, R) probability that skin of this face is seen there
    covered: np.ndarray  # (n, K) log odds that something is before each place
    odds: np.ndarray  # (n, L) the same of each point


@dataclass(frozen=True)
class Seen:
    """T crops. `POINTS` and `REGIONS` of `engine.models.landmarks` name the columns."""

    points: np.ndarray  # (T, L, 2) px of the frames
    sigma: np.ndarray  # (T, L) px of the frames
    visible: np.ndarray  # (T, R) probability that skin of this face is seen there
    turn: np.ndarray  # (T, 3, 3) head axes to the axes of a camera that looks at the crop


def crop_face(frame: np.ndarray, box: np.ndarray, size: int) -> Crop:
    """The network's view of a face: frame (H, W, 3) uint8, box x0, y0, x1, y1 px.

    Beyond the frame its edge is repeated. Neither dark nor in coloured light: `by_day`.
    """
    (x, y), side = _square(box)
    height, width = frame.shape[:2]
    left, top = max(0, -x), max(0, -y)
    right, bottom = max(0, x + side - width), max(0, y + side - height)
    part = frame[max(y, 0) : max(y + side, 1), max(x, 0) : max(x + side, 1)]
    if left or top or right or bottom:
        part = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REPLICATE)
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    picture = cv2.resize(part, (size, size), interpolation=how)
    picture = by_day(picture, (size / 2, size / 2), size / CROP)
    return Crop(picture, np.array([x, y], float), float(side))


def level_face(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The view of a face in which covers are looked for, (GLANCE_PX, GLANCE_PX, 3) uint8 RGB.

    Of a head that leans the network takes the mouth for covered: such a one is set upright.

    Args:
        frame: (H, W, 3) uint8 RGB.
        points: (478, >=2) px, the tracker's.
    """
    box, turn, middle = _level(points)
    if turn is None:
        return crop_face(frame, box, GLANCE_PX).picture
    wide = crop_face(frame, box, 2 * GLANCE_PX)
    scale = wide.side / (2 * GLANCE_PX)  # px of the frame per pixel of the wide view
    place = np.column_stack([turn * scale, GLANCE_PX / 2 - turn @ (middle - wide.corner)])
    size = (GLANCE_PX, GLANCE_PX)
    return cv2.warpAffine(wide.picture, place, size, borderMode=cv2.BORDER_REPLICATE)


def _level(points: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """A face's box (4,) px; of one that leans, what turns the frame's pixels to the view's.

    (2, 2) and the place in the frame (2,) that comes into the view's middle.
    """
    mesh = points[:_MESH, :2].astype(float)
    box = np.concatenate([mesh.min(0), mesh.max(0)])
    across = np.diff(mesh[_EYES], axis=0)[0]
    lean = np.arctan2(across[1], across[0])
    if abs(lean) < _LEVEL:
        return box, None, (box[:2] + box[2:]) / 2
    level = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    upright = mesh @ level.T
    low, high = upright.min(0), upright.max(0)
    side = CROP * float((high - low).max())
    return box, level * (GLANCE_PX / side), (low + high) / 2 @ level


def _square(box: np.ndarray) -> tuple[tuple[int, int], int]:
    """Corner and side of the square about a face that the network sees, px."""
    side = max(8, round(CROP * float(max(box[2] - box[0], box[3] - box[1]))))
    x, y = (round((box[k] + box[k + 2]) / 2 - side / 2) for k in range(2))
    return (x, y), side


def see_level(pictures: np.ndarray, points: np.ndarray, places: np.ndarray) -> LevelSeen:
    """What the networks see in views by `level_face`.

    Args:
        pictures: (n, GLANCE_PX, GLANCE_PX, 3) uint8 RGB.
        points: (n, 478, >=2) px, the tracker's, by which they were cut out.
        places: (n, K, 2) px, where something may be before the face.
    """
    inside, scale = np.empty(places.shape), np.empty(len(points))
    back = []  # from the view to the frame
    for k, mesh in enumerate(points):
        box, turn, middle = _level(mesh)
        if turn is None:
            (x, y), side = _square(box)
            turn, middle = np.eye(2) * (GLANCE_PX / side), np.array([x, y]) + side / 2
        inside[k] = (places[k] - middle) @ turn.T * (2 / GLANCE_PX)
        back.append((np.linalg.inv(turn).T * (GLANCE_PX / 2), middle))
        scale[k] = GLANCE_PX / 2 / np.sqrt(np.linalg.det(turn))
    found, sigma, visible, covered, odds = _look_for_covers(pictures, inside)
    found = np.stack(
        [place @ turn + middle for place, (turn, middle) in zip(found, back, strict=True)]
    )
    return LevelSeen(found, sigma * scale[:, None], visible, covered, odds)


def glance(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`level_face` in a few kilobytes, to be looked at later: a JPEG, (n,) uint8."""
    view = cv2.cvtColor(level_face(frame, points), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]


def unpack(glance: np.ndarray) -> np.ndarray:
    """The picture of a glance, (GLANCE_PX, GLANCE_PX, 3) uint8 RGB."""
    view = cv2.imdecode(glance, cv2.IMREAD_COLOR)
    assert view is not None
    return cv2.cvtColor(view, cv2.COLOR_BGR2RGB)


def see_faces(crops: list[Crop], from_side: bool = False) -> Seen:
    """Points, their deviation, visibility and turn in each crop; as is known of profiles."""
    points, sigma, visible, turn = _look(np.stack([crop.picture for crop in crops]), from_side)
    corner = np.stack([crop.corner for crop in crops])[:, None]
    side = np.array([crop.side for crop in crops])
    placed = corner + (points + 1) / 2 * side[:, None, None]
    return Seen(placed, sigma * side[:, None] / 2, visible, turn)


def look_at_faces(
    clip: "Clip", boxes: np.ndarray, frames: np.ndarray, from_side: bool = False
) -> Iterator[tuple[np.ndarray, list[Crop], Seen]]:
    """What the network sees in `frames` (n,), rising, whose boxes are in `boxes` (T, 4) px.

    A few frames at a time, of those that can be read: memory doesn't grow with the clip.
    """
    from ..media import read_some  # training needs no reader of videos

    size = crop_size()
    views = ((f, crop_face(picture, boxes[f], size)) for f, picture in read_some(clip, frames))
    while batch := list(islice(views, _AT_ONCE)):
        crops = [crop for _, crop in batch]
        yield np.array([frame for frame, _ in batch]), crops, see_faces(crops, from_side)


def blend_points(landmarks: np.ndarray, seen: Seen) -> np.ndarray:
    """A tracker's mesh (T, 478, 2 or 3) px with the mean of both where the network has a point.

    The errors of the two are their own: on real clips the mean follows lips and brows better than
    either.
    """
    from ..models.landmarks import POINTS

    out = landmarks[..., :2].astype(float)
    out[:, list(POINTS)] = (out[:, list(POINTS)] + seen.points) / 2
    return out


def go_along(mesh: np.ndarray, numbers: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """How a mesh (478, 3) px moves whose points `numbers` (L,) move by (L, 2): (478, 2) px.

    All others go as these do as a whole, by the nearest affine map.
    """
    whole = np.column_stack([mesh, np.ones(len(mesh))])  # (478, 4)
    every: np.ndarray = whole @ np.linalg.lstsq(whole[numbers], moved, rcond=None)[0]
    every[numbers] = moved
    return every


def crop_size() -> int:
    """Pixels along a crop."""
    return _network().config.size


@cache
def _network(from_side: bool = False) -> "LandmarkNet":
    """The landmark network; of heads seen `from_side` its last layers are others."""
    import torch

    from ..models.folding import fold_normalisation
    from ..models.landmarks import LandmarkNet

    tensors, _ = load_network(NETWORK)
    if from_side:
        tensors = tensors | load_network(PROFILES)[0]
    net = LandmarkNet()
    net.load_state_dict(tensors)
    fold_normalisation(net)  # a sixth of the time
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net.to(compute_device())


@cache
def _cover_network() -> "CoverNet":
    from ..models.covers import CoverNet

    net = CoverNet()
    net.load_state_dict(load_network(COVERS)[0])
    return net.eval().to(compute_device())


def _look_for_covers(pictures: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, ...]:
    """Points (-1..1), sigma, visibility, covers at `places` (T, K, 2) and at the points."""
    import torch

    from ..models.covers import at_points

    net, covers, parts = _network(), _cover_network(), []
    with torch.no_grad():
        for start in range(0, len(pictures), _BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(pictures[start : start + _BATCH]))
            where = torch.from_numpy(places[start : start + _BATCH]).float().to(compute_device())
            maps = net.map(batch.to(compute_device()).permute(0, 3, 1, 2).float())
            found, cover = net.find(maps), covers(maps)
            hidden, odds = at_points(cover, where), at_points(cover, found.points)
            sigma, visible = found.log_sigma.exp(), found.visible.sigmoid()
            parts.append((found.points, sigma, visible, hidden, odds))
    return tuple(torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))


def _look(pictures: np.ndarray, from_side: bool = False) -> tuple[np.ndarray, ...]:
    """Points (-1..1), sigma, visibility, turn of pictures (T, S, S, 3)."""
    import torch

    net, parts = _network(from_side), []
    with torch.no_grad():
        for start in range(0, len(pictures), _BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(pictures[start : start + _BATCH]))
            found = net(batch.to(compute_device()).permute(0, 3, 1, 2).float())
            parts.append((found.points, found.log_sigma.exp(), found.visible.sigmoid(), found.turn))
    return tuple(torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
