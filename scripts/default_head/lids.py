"""The lids: they meet at eyeBlink 1, follow the gaze, and stay outside the eyeball.

Blink and gaze add up, so the lids are moved by the gaze as nearly alike as looks right: the line
where shut lids meet then only shifts. Everything is made for the left eye and mirrored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy.sparse as sp

from .anatomy import MIRROR, Anatomy
from .correctives import EYE_ANGLE, LEFT_EYE, RIGHT_EYE, put
from .eyes import cornea
from .fairing import pick, smooth_field
from .joints import turn_x, turn_y
from .rims import Rim
from .source import Source

REACH = 0.017  # m from the lids' edges within which the skin gives way
LOWER_RISE = 0.0012  # m that the lower lid rises at a blink, at its middle
# The outer corner gives way to a blink: towards the nose and down, as far as trackers see it, m.
CANTHUS = np.array([-0.0005, -0.0025, 0.0])
CANTHUS_REACH = 0.003  # m, standard deviation of the Gaussian by which the lids go along
OVERHANG = np.array([0.0, -0.0002, 0.0006])  # m: the upper lid's edge before and below the lower's
CLEARANCE = 0.0003  # m between eyeball and lid
GAZE_GRID = np.radians([-22.0, -11.0, 0.0, 11.0, 22.0])
APERTURE_SHARE = 0.4  # of the differences in aperture that stay in the identity: 0.7 mm of 1.7
ROUNDS = 5
# How far the middles of (upper, lower) lid go with the gaze at EYE_ANGLE, m.
FOLLOW = {"Down": (-0.0042, -0.0032), "Up": (0.0027, 0.0027)}


@dataclass(frozen=True)
class Socket:
    """The left eye's surroundings on the mean head."""

    anatomy: Anatomy
    template: np.ndarray  # (V, 3) m
    rim: Rim
    centre: np.ndarray  # (3,)
    radius: float
    lid_skin: np.ndarray  # (V,) bool: what must stay outside the eyeball
    giving: np.ndarray  # (V,) bool: what may move

    def rolled(self, vertices: np.ndarray, rise: np.ndarray) -> np.ndarray:
        """Displacement (N, 3) of vertices that slide round the eyeball by `rise` (N,) m."""
        arm = self.template[vertices] - self.centre
        angle = -rise / np.linalg.norm(arm, axis=1)
        turned = np.stack([turn_x(a) @ p for a, p in zip(angle, arm, strict=True)])
        return turned - arm

    def depth(self, points: np.ndarray, gaze: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """How far points (N, 3) are inside the eyeball that looks along `gaze`, and the way out."""
        arm = points - self.centre
        length = np.linalg.norm(arm, axis=1)
        ahead = turn_y(gaze[1]) @ turn_x(gaze[0]) @ np.array([0, 0, 1.0])
        angle = np.arccos(np.clip(arm @ ahead / length, -1, 1))
        surface = self.radius * cornea(angle)
        return surface - length, arm / length[:, None]


def make_socket(
    anatomy: Anatomy, template: np.ndarray, rim: Rim, centre: np.ndarray, inside: np.ndarray
) -> Socket:
    """`inside` (V,) bool: the skin behind the lids' edges, which may touch the eyeball."""
    edge = np.concatenate([rim.upper, rim.lower])
    skin = np.arange(len(template)) < len(anatomy.skin.vertices)
    distance = np.linalg.norm(template[:, None] - template[edge], axis=2).min(1)
    own = anatomy.parts["left_eye"]
    back = own[np.linalg.norm(template[own] - template[own].mean(0), axis=1).argsort()[:50]]
    radius = np.median(np.linalg.norm(template[back] - centre, axis=1))
    return Socket(
        anatomy=anatomy,
        template=template,
        rim=rim,
        centre=centre,
        radius=float(radius),
        lid_skin=skin & ~inside & (distance < REACH),
        giving=skin & (distance < REACH),
    )


def mend_lids(
    source: Source,
    socket: Socket,
    units: dict[str, np.ndarray],
    pose_basis: np.ndarray,
) -> None:
    """Replace eyeBlink and the eyes' columns of `pose_basis`, in place."""
    anatomy = socket.anatomy

    def unit(name: str) -> np.ndarray:
        move = anatomy.lift(source.face_unit(name))
        move[len(anatomy.skin.vertices) :] = 0
        return move

    follow = {way: _follow(socket, unit(f"eyeLook{way}Left"), way) for way in ("Down", "Up")}
    follow |= {way: _aside(socket, unit(f"eyeLook{way}Left")) for way in ("Out", "In")}
    for columns in (slice(18, 27), slice(27, 36)):
        pose_basis[:, :, columns] = 0
    for joint, out, back in ((LEFT_EYE, "Out", "In"), (RIGHT_EYE, "In", "Out")):
        fields = dict(follow)
        if joint == RIGHT_EYE:
            fields = {way: field[anatomy.mirror] * MIRROR for way, field in follow.items()}
        put(pose_basis, joint, "x", EYE_ANGLE, fields["Down"], fields["Up"])
        put(pose_basis, joint, "y", EYE_ANGLE, fields[out], fields[back])

    def followed(gaze: tuple[float, float]) -> np.ndarray:
        pitch, yaw = gaze
        turn = turn_y(yaw) @ turn_x(pitch)
        return pose_basis[:, :, 18:27] @ (turn - np.eye(3)).ravel()

    blink = _shut(socket, units["eyeBlinkLeft"], followed)
    units["eyeBlinkLeft"][:] = blink
    units["eyeBlinkRight"][:] = blink[anatomy.mirror] * MIRROR


def even_out_lids(
    anatomy: Anatomy, template: np.ndarray, rim: Rim, basis: np.ndarray
) -> np.ndarray:
    """Identity components (V, 3, S) with less difference in how wide an eye is open.

    What is left out can be told by eyeSquint and eyeWide; what stays makes a blink miss by as much.
    """
    skin = np.arange(len(template)) < len(anatomy.skin.vertices)
    distance = np.linalg.norm(template[:, None] - template[rim.loop], axis=2).min(1)
    flat = basis.reshape(len(basis), -1).astype(float)
    less = np.asarray(rim.pairs @ flat) * (APERTURE_SHARE - 1)
    move = smooth_field(anatomy, skin & (distance < REACH), rim.pairs, less)
    return (flat + move).reshape(basis.shape)


def _profile(rim: Rim, chain: np.ndarray) -> np.ndarray:
    """0 at the corners of the eye, 1 at its middle, (N,)."""
    return 1 - (2 * rim.along[chain] - 1) ** 2


def _follow(socket: Socket, move: np.ndarray, way: str) -> np.ndarray:
    """Lids that go up or down with the gaze."""
    rim = socket.rim
    chains = [rim.upper, rim.lower]
    wished = [
        socket.rolled(chain, rise * _profile(rim, chain))
        for chain, rise in zip(chains, FOLLOW[way], strict=True)
    ]
    rows = pick(np.concatenate(chains), len(move))
    field = smooth_field(socket.anatomy, socket.giving, rows, np.concatenate(wished), start=move)
    gaze = (EYE_ANGLE if way == "Down" else -EYE_ANGLE, 0.0)
    return _outside(socket, field, rows, np.concatenate(wished), lambda f: [(f, gaze)])


def _aside(socket: Socket, move: np.ndarray) -> np.ndarray:
    """Lids that go to the side with the gaze: alike where they would meet."""
    pairs = socket.rim.pairs
    return smooth_field(
        socket.anatomy, socket.giving, pairs, np.zeros_like(pairs @ move), start=move
    )


def _canthus(socket: Socket, vertices: np.ndarray) -> np.ndarray:
    """How far the outer corner takes vertices (N,) of the lids along in a blink, (N, 3) m."""
    corner = socket.template[socket.rim.upper[-1]]
    away = np.linalg.norm(socket.template[vertices] - corner, axis=1)
    return np.exp(-0.5 * (away / CANTHUS_REACH) ** 2)[:, None] * CANTHUS


def _shut(socket: Socket, move: np.ndarray, followed: Callable) -> np.ndarray:
    """Lids that meet a little above the lower one, and cover the eye whichever way it looks."""
    rim, template = socket.rim, socket.template
    lower = socket.rolled(rim.lower, LOWER_RISE * _profile(rim, rim.lower))
    lower += _canthus(socket, rim.lower)
    ends = rim.upper[[0, -1]]
    corners = _canthus(socket, ends)
    place = np.concatenate([[0], rim.along[rim.lower], [1]])
    moved = template[ends] + corners
    line = np.concatenate([moved[:1], template[rim.lower] + lower, moved[1:]])
    upper = rim.upper[1:-1]
    met = np.stack([np.interp(rim.along[upper], place, line[:, k]) for k in range(3)], 1)
    met += OVERHANG * _profile(rim, upper)[:, None]
    wished = np.concatenate([met - template[upper], lower, corners])
    rows = pick(np.concatenate([upper, rim.lower, ends]), len(move))
    scale = (wished[: len(upper), 1] @ move[upper, 1]) / (move[upper, 1] @ move[upper, 1])
    start = move * scale
    field = smooth_field(socket.anatomy, socket.giving, rows, wished, start=start)
    looks = list(product(GAZE_GRID, GAZE_GRID))

    def placed(blink: np.ndarray) -> list:
        return [(blink + followed(gaze), gaze) for gaze in looks]

    return _outside(socket, field, rows, wished, placed)


def _outside(
    socket: Socket, field: np.ndarray, rows: sp.csr_matrix, wished: np.ndarray, placed: Callable
) -> np.ndarray:
    """Push the lids out of the eyeball wherever `placed(field)` = [(move, gaze), ...] puts them."""
    own = np.flatnonzero(socket.lid_skin)
    target: dict[int, np.ndarray] = {}
    for _ in range(ROUNDS):
        push = np.zeros((len(own), 3))
        for move, gaze in placed(field):
            depth, out = socket.depth(socket.template[own] + move[own], gaze)
            deeper = depth + CLEARANCE > np.linalg.norm(push, axis=1)
            push[deeper] = (np.clip(depth + CLEARANCE, 0, None)[:, None] * out)[deeper]
        pushed = np.flatnonzero(np.linalg.norm(push, axis=1) > CLEARANCE / 10)
        if not len(pushed):
            break
        target |= {int(own[k]): field[own[k]] + push[k] for k in pushed}
        vertices = np.array(list(target))
        conditions = sp.csr_matrix(sp.vstack([rows, 0.3 * pick(vertices, len(field))]))
        values = np.concatenate([wished, 0.3 * np.array(list(target.values()))])
        field = smooth_field(socket.anatomy, socket.giving, conditions, values, start=field)
    return field
