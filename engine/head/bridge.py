"""The same points on any head: what parameters are carried across by.

The points are vertices of the default head's skin; on another head they lie where the default head,
laid on it, touches it (`registration`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..exchange.head_file import JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT, HeadFile
from ..geometry import embed, rotation_matrix, vertex_normals
from ..weights import load_head
from .model import LipShapes
from .registration import Guides, Mesh, register
from .surface import nearest_on_surface

# fmt: off
APERTURES = np.array([  # MediaPipe numbers, upper and lower: lips, right lids, left lids
    (191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318),
    (415, 324), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154), (388, 390),
    (387, 373), (386, 374), (385, 380), (384, 381),
])
# fmt: on
LIP_APERTURES = 9
_TURNING = [JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT]


@dataclass(frozen=True)
class PointHead:
    """A head's bases at N points: the common ones, then both ends of the apertures."""

    template: np.ndarray  # (N, 3) m
    shape_basis: np.ndarray  # (N, 3, S)
    unit_basis: np.ndarray  # (N, 3, E)
    pose_basis: np.ndarray  # (N, 3, 27): jaw and eyes
    weights: np.ndarray  # (N, 3): jaw and eyes
    joints: np.ndarray  # (3, 3)
    joint_basis: np.ndarray  # (3, 3, S)
    corners: np.ndarray  # (N, 3) vertices that a point is mixed from
    share: np.ndarray  # (N, 3)

    def person(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (N, 3) and joints (3, 3) at rest."""
        count = len(shape)
        return (
            self.template + self.shape_basis[:, :, :count] @ shape,
            self.joints + self.joint_basis[:, :, :count] @ shape,
        )

    def pose(
        self,
        rest: tuple[np.ndarray, np.ndarray],
        expression: np.ndarray,
        jaw: np.ndarray,
        eyes: np.ndarray,
        lips: LipShapes | None = None,
    ) -> np.ndarray:
        """Frames in head space: (T, E), (T, 3), (T, 6) -> (T, N, 3), as `Head.frame`."""
        turns = rotation_matrix(np.stack([jaw, eyes[:, :3], eyes[:, 3:]], axis=1))  # (T, 3, 3, 3)
        feature = (turns - np.eye(3)).reshape(len(jaw), 27)
        moved = np.tensordot(expression, self.unit_basis, (1, 2))  # (T, N, 3)
        moved += np.tensordot(feature, self.pose_basis, (1, 2)) + rest[0]
        if lips is not None:
            moved += np.tensordot(lips.weights, self._lip_shapes(lips), 1)
        out = moved.copy()
        for k in range(3):
            around = moved - rest[1][k]
            turned = np.einsum("tab,tnb->tna", turns[:, k], around)
            out += self.weights[:, k, None] * (turned - around)
        return out

    def _lip_shapes(self, lips: LipShapes) -> np.ndarray:
        """Lip shapes at the points, (K, N, 3)."""
        place = np.full(max(int(self.corners.max()), int(lips.vertices.max())) + 1, -1)
        place[lips.vertices] = np.arange(len(lips.vertices))
        at = place[self.corners]  # (N, 3)
        share = np.where(at >= 0, self.share, 0)
        return np.einsum("nc,kncd->knd", share, lips.shapes[:, at])


@dataclass(frozen=True)
class CommonPoints:
    """Which vertices of the default head are compared, and how much each counts."""

    vertices: np.ndarray  # (N,) of the default head
    weight: np.ndarray  # (N,)
    moving: np.ndarray  # (N,) bool: where expressions show

    @cached_property
    def count(self) -> int:
        """N."""
        return len(self.vertices)


_LIP_WEIGHT, _LID_WEIGHT = 4.0, 4.0


def common_points(default: HeadFile) -> CommonPoints:
    """All of the lips and lids, half of the rest of the face, a quarter of the head."""
    masks = default.masks
    skin = masks["skin"] & ~masks["mouth_inside"] & ~masks["sockets"] | masks["eyelids"]
    rank = np.arange(len(skin))
    dense = masks["lips"] & ~masks["mouth_inside"] | masks["eyelids"]
    chosen = skin & (dense | (masks["expressive"] & (rank % 2 == 0)) | (rank % 4 == 0))
    vertices = np.flatnonzero(chosen)
    weight = np.ones(len(vertices))
    weight[masks["lips"][vertices]] = _LIP_WEIGHT
    weight[masks["eyelids"][vertices]] = _LID_WEIGHT
    moving = (masks["expressive"] | masks["face"] | dense)[vertices]
    return CommonPoints(vertices, weight, moving)


def point_head(file: HeadFile, default: HeadFile, points: CommonPoints) -> PointHead:
    """A head's bases at the common points and the apertures."""
    face, share = _places(file, default, points)
    ends = APERTURES.T.ravel()  # all upper ends, then all lower ones
    face = np.concatenate([face, file.landmarks_468[0][ends]])
    share = np.concatenate([share, file.landmarks_468[1][ends]]).astype(float)
    corners = file.faces[face]

    def mixed(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nk...->n...", share, values[corners])

    regressor = file.joint_regressor[_TURNING].astype(float)
    return PointHead(
        template=mixed(file.template),
        shape_basis=mixed(file.shape_basis),
        unit_basis=mixed(file.expression_basis),
        pose_basis=mixed(file.pose_basis[:, :, 9:]),
        weights=mixed(file.skin_weights[:, _TURNING]),
        joints=regressor @ file.template,
        joint_basis=np.einsum("jv,vcs->jcs", regressor, file.shape_basis),
        corners=corners,
        share=share,
    )


def _places(
    file: HeadFile, default: HeadFile, points: CommonPoints
) -> tuple[np.ndarray, np.ndarray]:
    """Faces (N,) and barycentric weights (N, 3) of the common points on a head."""
    balls = file.masks["left_eye"] | file.masks["right_eye"]
    own = np.flatnonzero(~balls[file.faces].any(1))
    laid = default.template if file.sha256 == default.sha256 else laid_default(file, default)
    normals = vertex_normals(laid, default.faces)[points.vertices]
    face, share, _ = nearest_on_surface(
        laid[points.vertices], file.template, file.faces[own], normals
    )
    return own[face], share


def laid_default(file: HeadFile, default: HeadFile) -> np.ndarray:
    """The default head's vertices laid on a head: kept in its file, or found anew (seconds)."""
    if file.laid is not None and file.laid_from == default.sha256:
        return np.asarray(file.laid, float)
    template = file.template.astype(float)
    mesh = Mesh(
        template, file.faces, file.joint_regressor @ template,
        (file.masks["left_eye"], file.masks["right_eye"]),
    )  # fmt: skip
    target = embed(template, file.faces, file.landmarks_468)
    return register(default, mesh, Guides(default.landmarks_468, target)).vertices


def default_head() -> HeadFile:
    """The head that all others are compared by."""
    return load_head()
