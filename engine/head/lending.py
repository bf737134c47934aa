"""What the default head lends a FLAME: landmarks, irises and masks that FLAME's files don't hold.

It lies on FLAME's template (`registration`). FLAME's own points and masks are never replaced.
"""

import numpy as np

from ..exchange.head_file import LEFT_EYE_JOINT, RIGHT_EYE_JOINT, HeadFile
from ..geometry import embed, rotation_matrix, vertex_normals
from .flame import Embedding, FlameFiles
from .registration import Mesh, Registration
from .surface import nearest_on_surface

_OWN_MASKS = {  # FLAME's name -> ours
    "left_eyeball": "left_eye", "right_eyeball": "right_eye", "face": "face", "neck": "neck",
    "nose": "nose", "forehead": "forehead", "scalp": "scalp", "boundary": "boundary",
    "left_eye_region": "left_eye_region", "right_eye_region": "right_eye_region", "lips": "lips",
}  # fmt: skip
_LENT_MASKS = (
    "sockets", "lips", "eyelids", "ears", "upper_lip", "lower_lip", "face", "neck", "forehead",
    "scalp", "nose", "cheeks", "brows", "face_tex", "expressive", "left_eye_region",
    "right_eye_region",
)  # fmt: skip


def own_68(files: FlameFiles) -> tuple[np.ndarray, Embedding] | None:
    """Which of the 68 FLAME's files place, and where."""
    if files.full is not None:
        return np.arange(68), files.full
    if files.static is not None:
        return np.arange(17, 68), files.static
    return None


def embeddings(
    files: FlameFiles, lender: HeadFile, mesh: Mesh, laid: Registration
) -> dict[str, Embedding]:
    """The landmarks of a head file: FLAME's own where it has them, else the lent ones."""
    balls = mesh.eyes[0] | mesh.eyes[1]
    skin = np.flatnonzero(~balls[mesh.faces].any(1))
    normals = vertex_normals(laid.vertices, lender.faces)

    def lent(embedding: Embedding) -> Embedding:
        face, weights = (part.reshape(-1, *part.shape[embedding[0].ndim :]) for part in embedding)
        points = embed(laid.vertices, lender.faces, (face, weights))
        facing = embed(normals, lender.faces, (face, weights))
        on, share, _ = nearest_on_surface(points, mesh.vertices, mesh.faces[skin], facing)
        return skin[on].reshape(embedding[0].shape), share.reshape(embedding[1].shape)

    def merged(base: Embedding, own: np.ndarray, points: Embedding) -> Embedding:
        face, weights = base[0].copy(), base[1].copy()
        face[own], weights[own] = points
        return face, weights

    landmarks, points_68 = lent(lender.landmarks_468), lent(lender.landmarks_68)
    contour = lent(lender.contour)
    if files.mediapipe is not None:
        numbers, points = files.mediapipe
        in_mesh = numbers < 468
        landmarks = merged(landmarks, numbers[in_mesh], (points[0][in_mesh], points[1][in_mesh]))
    own = own_68(files)
    if own is not None:
        points_68 = merged(points_68, *own)
    if files.dynamic is not None:
        contour = _by_yaw(files.dynamic, mesh)
        if files.full is None:
            points_68 = merged(points_68, np.arange(17), (contour[0][39], contour[1][39]))
    return {
        "landmarks_468": landmarks,
        "landmarks_68": points_68,
        "contour": contour,
        "iris": _irises(lender, mesh),
    }


def _by_yaw(dynamic: Embedding, mesh: Mesh) -> Embedding:
    """FLAME's contour in our order, -39 to 39 degrees.

    FLAME's rows are 0 to 39 one way, then 1 to 39 the other. Which way is which shows at the
    silhouette: there the surface is seen from the side.
    """
    rows = {yaw: abs(yaw) if yaw <= 0 else 39 + yaw for yaw in range(-39, 40)}
    normals = vertex_normals(mesh.vertices, mesh.faces)

    def facing(sign: int) -> float:
        total = 0.0
        for yaw in (-35, -25, 25, 35):
            view = rotation_matrix(np.array([0, np.radians(yaw), 0]))[2]  # R' z: to the camera
            row = rows[sign * yaw]
            points = embed(normals, mesh.faces, (dynamic[0][row], dynamic[1][row]))
            total += float(np.abs(points @ view).sum())
        return total

    sign = 1 if facing(1) <= facing(-1) else -1
    order = [rows[sign * yaw] for yaw in range(-39, 40)]
    return dynamic[0][order], dynamic[1][order]


def _irises(lender: HeadFile, mesh: Mesh) -> Embedding:
    """Pupil and rim of each iris, where the default head's are as seen from the eye's middle."""
    joints = lender.joint_regressor @ lender.template
    points = embed(lender.template, lender.faces, lender.iris)
    faces, weights = [], []
    right, left = (RIGHT_EYE_JOINT, mesh.eyes[1]), (LEFT_EYE_JOINT, mesh.eyes[0])
    for rows, (joint, ball) in ((slice(0, 5), right), (slice(5, 10), left)):
        around = points[rows] - joints[joint]
        own = np.flatnonzero((ball if ball.any() else np.ones_like(ball))[mesh.faces].all(1))
        reach = np.linalg.norm(mesh.vertices[mesh.faces[own]].reshape(-1, 3) - mesh.joints[joint],
                               axis=1)  # fmt: skip
        away = np.median(reach) if ball.any() else np.linalg.norm(around, axis=1).mean()
        direction = around / np.linalg.norm(around, axis=1, keepdims=True)
        wanted = mesh.joints[joint] + away * direction
        face, share, _ = nearest_on_surface(wanted, mesh.vertices, mesh.faces[own])
        faces.append(own[face])
        weights.append(share)
    return np.concatenate(faces), np.concatenate(weights)


def masks(
    files: FlameFiles, lender: HeadFile, mesh: Mesh, laid: Registration
) -> dict[str, np.ndarray]:
    """Our masks on FLAME's vertices."""
    balls = mesh.eyes[0] | mesh.eyes[1]
    skin = lender.masks["skin"]
    on_skin = np.flatnonzero(skin[lender.faces].all(1))
    normals = vertex_normals(mesh.vertices, mesh.faces)
    face, share, _ = nearest_on_surface(
        mesh.vertices, laid.vertices, lender.faces[on_skin], normals
    )
    nearest = lender.faces[on_skin[face], share.argmax(1)]
    masks = {name: lender.masks[name][nearest] & ~balls for name in _LENT_MASKS}
    masks |= {"skin": ~balls, "left_eye": mesh.eyes[0], "right_eye": mesh.eyes[1]}
    for theirs, ours in _OWN_MASKS.items():
        if theirs in files.masks:
            masks[ours] = np.zeros(len(mesh.vertices), bool)
            masks[ours][files.masks[theirs]] = True
    return masks
