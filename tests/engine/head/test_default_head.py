"""Facts about the head that the product carries: anatomy, not only shapes."""

import sys

import numpy as np
import pytest
from scipy.spatial import KDTree

from engine.geometry import embed, rotation_matrix
from engine.head.model import Head
from engine.render import rasterize
from engine.weights import FOLDER, load_head, registry

sys.path.insert(0, str(FOLDER.parent / "scripts"))
from default_head.eyes import cornea  # type: ignore[import-not-found]
from default_head.nearest import nearest_on_triangles  # type: ignore[import-not-found]

UPPER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_INNER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
GAZES = [(pitch, yaw) for pitch in (-20, -10, 0, 10, 20) for yaw in (-20, -10, 0, 10, 20)]
MOUTH_PAIRS = "Dimple Frown LowerDown Press Smile Stretch UpperUp"
BROWS = "browDown browInnerUp browOuterUp"
PAIRS = f"{BROWS} cheekPuff cheekSquint eyeBlink eyeSquint eyeWide noseSneer"
ARKIT = {
    *(f"mouth{name}{side}" for name in MOUTH_PAIRS.split() for side in ("Left", "Right")),
    *(f"{name}{side}" for name in PAIRS.split() for side in ("Left", "Right")),
    *("jawForward", "mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "tongueOut"),
}


class _Posed:
    """The default head, posed by unit names; a name without a side means both sides."""

    def __init__(self) -> None:
        self.file = load_head()
        self.head = Head(self.file)
        self.at_rest = self.head.rest(np.zeros(1))

    def __call__(self, jaw: float = 0.0, gaze: tuple = (0.0, 0.0), **units: float) -> np.ndarray:
        expression = np.zeros(len(self.file.expression_names))
        for name, value in units.items():
            sides = {name, f"{name}Left", f"{name}Right"}
            hits = [k for k, own in enumerate(self.file.expression_names) if own in sides]
            assert hits, name
            expression[hits] = value
        eye = [*np.radians(gaze), 0.0]
        return self.head.pose(self.at_rest, expression, np.array([jaw, 0, 0]), np.array(eye * 2))

    def mesh_points(self, vertices: np.ndarray) -> np.ndarray:
        return embed(vertices, self.file.faces, self.file.landmarks_468)


@pytest.fixture(scope="module")
def posed() -> _Posed:
    return _Posed()


def _edges(faces: np.ndarray) -> np.ndarray:
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.unique(np.sort(ends, 1), axis=0)


@pytest.fixture(scope="module")
def lip_line(posed) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the upper and of the lower lip that border on the mouth's inside."""
    masks, edges = posed.file.masks, _edges(posed.file.faces)
    inside = masks["mouth_inside"]
    border = np.unique(edges[inside[edges].sum(1) == 1])
    border = border[~inside[border]]
    return border[masks["upper_lip"][border]], border[masks["lower_lip"][border]]


@pytest.fixture(scope="module")
def lip_skin(posed, lip_line) -> tuple[np.ndarray, np.ndarray]:
    """The skin within 10 mm of the line, (V,) bool, of the upper and of the lower lip.

    A vertex belongs to the lip to which it is joined by the shorter way along the mesh.
    """
    edges, skin = _edges(posed.file.faces), posed.file.masks["skin"]
    template = posed.file.template
    length = np.linalg.norm(template[edges[:, 0]] - template[edges[:, 1]], axis=1)
    ways = []
    for line in lip_line:
        way = np.full(len(template), np.inf)
        way[line] = 0
        for _ in range(12):
            for one, two in (edges.T, edges.T[::-1]):
                np.minimum.at(way, two, way[one] + length)
        ways.append(way)
    near = [skin & (way < 0.010) for way in ways]
    return near[0] & (ways[0] < ways[1]), near[1] & (ways[1] < ways[0])


def _deepest_cut_mm(points: np.ndarray, faces: np.ndarray, skin: tuple) -> float:
    """How deep a vertex of one lip lies inside the other."""
    deepest = 0.0
    for own, other in (skin, skin[::-1]):
        corners = points[faces[other[faces].all(1)]]
        vertices = points[own]
        face, weights, place = nearest_on_triangles(vertices, corners)
        normal = np.cross(corners[face, 1] - corners[face, 0], corners[face, 2] - corners[face, 0])
        away = vertices - place
        inside = ((away * normal).sum(1) < 0) & (weights.min(1) > 1e-6)
        depth = np.linalg.norm(away, axis=1)[inside]
        deepest = max(deepest, depth[depth < 0.003].max(initial=0.0))
    return deepest * 1000


def test_the_registry_knows_the_file():
    row = registry()["head_default"]
    assert (FOLDER / row["file"]).stat().st_size == row["bytes"] < 8e6


def test_arrays_are_sound(posed):
    file = posed.file
    for name in ("template", "shape_basis", "expression_basis", "pose_basis", "uv"):
        assert np.isfinite(getattr(file, name)).all(), name
    np.testing.assert_allclose(file.skin_weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(file.joint_regressor.sum(1), 1, atol=1e-4)
    assert (file.skin_weights >= 0).all()
    assert set(file.expression_names) >= ARKIT
    assert (file.expression_low == 0).all()
    assert (file.expression_high > 0).all()


def test_quads_come_first_as_pairs_of_triangles(posed):
    pairs = posed.file.faces[: 2 * posed.file.quad_count].reshape(-1, 2, 3)
    assert (pairs[:, 0, 0] == pairs[:, 1, 0]).all()
    assert (pairs[:, 0, 2] == pairs[:, 1, 1]).all()


def test_the_neck_is_the_only_hole(posed):
    faces, skin = posed.file.faces, posed.file.masks["skin"]
    own = faces[skin[faces].all(1)]
    ends = np.sort(np.concatenate([own[:, [0, 1]], own[:, [1, 2]], own[:, [2, 0]]]), 1)
    edges, counts = np.unique(ends, axis=0, return_counts=True)
    assert counts.max() == 2
    assert posed.file.masks["boundary"][edges[counts == 1]].all()


def test_the_skin_is_its_own_mirror_image(posed):
    skin = np.flatnonzero(posed.file.masks["skin"])
    points, flip = posed.file.template[skin], np.array([-1, 1, 1])
    distance, mirror = KDTree(points).query(points * flip)
    assert distance.max() < 1e-6
    for unit in ("browDown", "eyeBlink", "mouthSmile", "cheekPuff", "mouthUpperUp"):
        left = posed.file.expression_basis[skin, :, posed.head.unit[f"{unit}Left"]]
        right = posed.file.expression_basis[skin, :, posed.head.unit[f"{unit}Right"]]
        assert np.abs(left[mirror] * flip - right).max() < 2e-5, unit


def test_sizes_are_a_persons(posed):
    joints = posed.at_rest[1]
    eyes_apart = np.linalg.norm(joints[3] - joints[4])
    assert 0.059 < eyes_apart < 0.065
    skin = posed.file.template[posed.file.masks["skin"]]
    assert 0.14 < np.ptp(skin[:, 0]) < 0.18
    iris = embed(posed.file.template, posed.file.faces, posed.file.iris)
    radius = np.linalg.norm(iris[1:5] - iris[1:5].mean(0), axis=1)
    np.testing.assert_allclose(radius, 0.0054, atol=0.0003)


def test_iris_points_are_in_mediapipes_order(posed):
    iris = embed(posed.file.template, posed.file.faces, posed.file.iris)
    right, left = iris[:5], iris[5:]
    assert right[:, 0].max() < 0 < left[:, 0].min()
    for eye in (right, left):  # centre; towards the picture's right, up, left, down
        assert eye[1, 0] > eye[0, 0] > eye[3, 0]
        assert eye[2, 1] > eye[0, 1] > eye[4, 1]


def test_landmarks_lie_where_they_should(posed):
    points = embed(posed.file.template, posed.file.faces, posed.file.landmarks_68)
    mesh = posed.mesh_points(posed.file.template)
    assert points[30, 2] == points[:, 2].max()  # the nose's tip
    assert points[8, 1] == points[:, 1].min()  # the chin
    assert (np.diff(points[:17, 0]) > -0.0005).all()
    assert (np.diff(points[17:27, 0]) > 0).all()
    assert points[17:27, 1].min() > points[36:48, 1].max()  # brows above the lids
    assert points[60, 0] < points[62, 0] < points[64, 0]
    mirrored = points[[16 - k for k in range(17)]] * [-1, 1, 1]
    assert np.abs(points[:17] - mirrored).max() < 0.004
    assert abs(mesh[1, 0]) < 0.001  # MediaPipe's nose tip and chin on the middle line
    assert abs(mesh[152, 0]) < 0.001
    for upper, lower in ((159, 145), (386, 374), (158, 153), (385, 380)):
        assert 0.006 < mesh[upper, 1] - mesh[lower, 1] < 0.013


def test_each_lip_is_all_that_lies_on_its_side_of_the_line(posed, lip_line):
    """Shut lips touch: space cannot tell them apart, their outer borders and an open mouth do."""
    masks, points = posed.file.masks, posed.file.template
    upper, lower = masks["upper_lip"], masks["lower_lip"]
    assert not (upper & lower).any() and ((upper | lower) == masks["lips"]).all()
    assert lower.sum() > 80 and upper.sum() > 80  # of 240; the upper one has more columns
    edges = _edges(posed.file.faces)
    rim = edges[masks["lips"][edges].sum(1) == 1].ravel()
    outer = np.zeros(len(points), bool)
    outer[rim[masks["lips"][rim]]] = True
    outer[np.concatenate(lip_line)] = False
    line, corner = points[np.concatenate(lip_line)], np.abs(points[lip_line[0], 0]).max()
    between = np.abs(points[:, 0]) < corner - 0.0015  # the corners' own columns run sideways
    assert points[outer & between & lower, 1].max() < line[:, 1].min() - 0.001
    assert points[outer & between & upper, 1].min() > line[:, 1].max() + 0.001
    opened, wide = posed(0.3), np.abs(points[:, 0]) < 0.016
    assert opened[lower & wide, 1].max() < opened[upper & wide, 1].min() - 0.003
    assert (outer & between & lower).sum() > 5 < (outer & between & upper).sum()


def test_inner_lip_landmarks_are_on_their_own_lip(posed):
    file = posed.file
    for numbers, lip in ((UPPER_INNER, "upper_lip"), (LOWER_INNER, "lower_lip")):
        faces, weights = (value[list(numbers)] for value in file.landmarks_468)
        own = (file.masks[lip][file.faces[faces]] * weights).sum(1)
        np.testing.assert_allclose(own, 1, atol=1e-3)


@pytest.mark.parametrize(("jaw", "units"), [(0.0, {"lipsPart": 1.0}), (0.2, {})])
def test_inner_lip_landmarks_part_when_the_lips_do(posed, jaw, units):
    points = posed.mesh_points(posed(jaw, **units))
    gap = points[list(UPPER_INNER), 1] - points[list(LOWER_INNER), 1]
    assert (gap[1:-1] > 0).all()
    assert (gap[2:-2] > 0.002).all()
    assert gap[4] > 0.0035
    shut = posed.mesh_points(posed())
    closed = shut[list(UPPER_INNER)] - shut[list(LOWER_INNER)]
    assert np.linalg.norm(closed, axis=1).max() < 0.0005


@pytest.mark.parametrize("jaw", [0.0, 0.05, 0.1, 0.2, 0.3, 0.4])
def test_mouth_close_shuts_the_lips_at_every_jaw_opening(posed, lip_line, lip_skin, jaw):
    """At jaw angle a it takes mouthClose = sin a / sin(21.4 degrees)."""
    points = posed(jaw, mouthClose=np.sin(jaw) / np.sin(np.radians(21.4)))
    upper, lower = lip_line
    gap = KDTree(_dense(points, lower)).query(points[upper])[0]
    assert gap.max() < 0.0005
    assert _deepest_cut_mm(points, posed.file.faces, lip_skin) < 0.5


def _dense(points: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """Points along a chain of vertices that runs from side to side."""
    line = points[chain[np.argsort(points[chain, 0])]]
    places = np.linspace(0, len(line) - 1, 40 * len(line))
    return np.stack([np.interp(places, np.arange(len(line)), line[:, k]) for k in range(3)], 1)


@pytest.mark.parametrize(
    "unit",
    ["mouthSmile", "mouthFrown", "mouthPress", "mouthPucker", "mouthLeft", "mouthStretch"],
)
def test_units_that_keep_the_lips_shut_do(posed, lip_line, lip_skin, unit):
    points = posed(0.0, **{unit: 1.0})
    gap = KDTree(_dense(points, lip_line[1])).query(points[lip_line[0]])[0]
    assert gap.max() < 0.0005
    assert _deepest_cut_mm(points, posed.file.faces, lip_skin) < 0.5


def _inside_eye(posed, points: np.ndarray, gaze: tuple, side: str, joint: int) -> np.ndarray:
    """Depth of the lids' vertices inside the eyeball, m."""
    file = posed.file
    lids = file.masks["eyelids"] & (np.sign(file.template[:, 0]) == (1 if side == "left" else -1))
    arm = points[lids] - posed.at_rest[1][joint]
    arm = arm @ rotation_matrix(np.radians([*gaze, 0.0]))
    length = np.linalg.norm(arm, axis=1)
    ball = file.template[file.masks[f"{side}_eye"]] - posed.at_rest[1][joint]
    radius = np.quantile(np.linalg.norm(ball, axis=1), 0.3)
    return radius * cornea(np.arccos(arm[:, 2] / length)) - length


def test_a_full_blink_shuts_the_eye_and_clears_the_eyeball(posed):
    inside, total = 0, 0
    for gaze in GAZES:
        points = posed(gaze=gaze, eyeBlink=1.0)
        for side, joint in (("left", 3), ("right", 4)):
            depth = _inside_eye(posed, points, gaze, side, joint)
            inside, total = inside + (depth > 0.0003).sum(), total + len(depth)
        assert _pixels(posed, points, ("left_eye", "right_eye"), scale=3000) == 0, gaze
    assert inside < 0.005 * total
    assert _pixels(posed, posed(eyeBlink=0.8), ("left_eye",), scale=3000) > 0


def _pixels(posed, points: np.ndarray, parts: tuple, scale: float) -> int:
    """How many pixels of a frontal picture, `scale` per metre, show the parts."""
    size = (int(0.2 * scale), int(0.3 * scale))
    screen = np.stack(
        [
            size[0] / 2 + scale * points[:, 0],
            size[1] / 2 - scale * points[:, 1],
            1 - points[:, 2],
        ],
        1,
    )
    faces, masks = posed.file.faces, posed.file.masks
    seen, _ = rasterize(screen, faces, size, cull_back=True)
    shown = np.any([masks[part] for part in parts], axis=0)
    if "gums" in masks:
        shown &= ~masks["gums"]
    return int(shown[faces[seen[seen >= 0], 0]].sum())


def test_brows_move_as_far_as_peoples(posed):
    rest = posed.mesh_points(posed())
    middle = [105, 66, 334, 296]
    up = posed.mesh_points(posed(browInnerUp=1.0, browOuterUp=1.0))
    assert 5.0 < (up - rest)[middle, 1].mean() * 1000 < 8.0
    down = posed.mesh_points(posed(browDown=1.0))
    assert -7.0 < (down - rest)[middle, 1].mean() * 1000 < -4.0


def test_a_smile_leaves_the_chin_and_gathers_the_cheeks(posed):
    rest, smile = posed.mesh_points(posed()), posed.mesh_points(posed(mouthSmile=1.0))
    moved = 1000 * (smile - rest)
    corners, middle, chin, cheeks = [78, 308], [13, 14], [152, 175], [50, 280]
    assert moved[middle, 1].max() < 0.3 * moved[corners, 1].min()
    assert np.abs(moved[chin]).max() < 0.5
    assert moved[cheeks, 2].min() > 1.5  # out of the face
    assert moved[cheeks, 1].min() > 2.0


def test_a_lower_lip_goes_down_without_the_chin(posed):
    moved = 1000 * (posed.mesh_points(posed(mouthLowerDown=1.0)) - posed.mesh_points(posed()))
    assert moved[14, 1] < -3
    assert np.abs(moved[[152, 175]]).max() < 0.5


def test_a_smile_with_clenched_teeth_shows_teeth_and_no_tongue(posed):
    smile = posed(mouthSmile=0.8, mouthUpperUp=0.6, mouthLowerDown=0.6)
    assert _pixels(posed, smile, ("upper_teeth", "lower_teeth"), scale=2000) > 300
    assert _pixels(posed, smile, ("tongue",), scale=2000) == 0
    assert _pixels(posed, posed(), ("upper_teeth", "lower_teeth", "tongue"), scale=2000) == 0
    assert _pixels(posed, posed(0.15), ("upper_teeth",), scale=2000) > 50


def test_rows_bite_as_an_adults(posed):
    """Incisors' edges, mm from the middle of the shut lips: overbite, overjet, display."""
    line = embed(posed.file.template, posed.file.faces, posed.file.landmarks_68)[[62, 66]].mean(0)
    edges, fronts = {}, {}
    for row, up in (("upper_teeth", 1), ("lower_teeth", -1)):
        teeth = posed.file.masks[row] & ~posed.file.masks["gums"]
        near = posed.file.template[teeth & (np.abs(posed.file.template[:, 0]) < 0.004)] - line
        edges[row], fronts[row] = 1000 * up * (near[:, 1] * up).min(), 1000 * near[:, 2].max()
    assert -2.0 < edges["upper_teeth"] < -0.5
    assert 2.0 < edges["lower_teeth"] - edges["upper_teeth"] < 3.0
    assert 2.0 < fronts["upper_teeth"] - fronts["lower_teeth"] < 3.5


def test_an_open_mouth_shows_both_rows_before_a_tongue_that_lies_low(posed):
    talking = posed(0.1, mouthLowerDown=0.3)
    assert _pixels(posed, talking, ("upper_teeth",), scale=2000) > 50
    assert _pixels(posed, talking, ("lower_teeth",), scale=2000) > 200
    tongue = posed.file.template[posed.file.masks["tongue"]]
    front = tongue[tongue[:, 2] > tongue[:, 2].max() - 0.008]
    lower = posed.file.template[posed.file.masks["lower_teeth"]]
    assert front[:, 1].max() < lower[:, 1].max()


def test_the_tongue_comes_out_between_the_lips(posed):
    file = posed.file
    points = posed(0.25, tongueOut=1.0)
    tongue = points[file.masks["tongue"]]
    lips = points[file.masks["lips"]]
    assert tongue[:, 2].max() > lips[:, 2].max() + 0.010
    for lip in ("lower_lip", "upper_lip"):
        own = file.faces[file.masks[lip][file.faces].all(1)]
        face, weights, place = nearest_on_triangles(tongue, points[own])
        corners = points[own][face]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        away = tongue - place
        inside = ((away * normal).sum(1) < 0) & (weights.min(1) > 1e-6)
        assert np.linalg.norm(away[inside], axis=1).max(initial=0) < 0.001, lip


def test_the_contour_slides_with_the_yaw(posed):
    """At each yaw the points lie on the outline of the face, from ear to ear."""
    faces, weights = posed.file.contour
    assert faces.shape == (79, 17)
    for yaw in (-39, -20, 0, 20, 39):
        points = embed(posed.file.template, posed.file.faces, (faces[yaw + 39], weights[yaw + 39]))
        seen = points @ rotation_matrix(np.radians([0, yaw, 0])).T
        assert (np.diff(seen[:, 0]) > -0.004).all(), yaw
        assert seen[8, 1] < seen[[0, 16], 1].min() - 0.05
    middle = embed(posed.file.template, posed.file.faces, (faces[39], weights[39]))
    skin = posed.file.template[posed.file.masks["face"]]
    for row in (2, 3, 4, 5, 11, 12, 13, 14):  # nothing of the face lies farther out at that height
        level = np.abs(skin[:, 1] - middle[row, 1]) < 0.004
        assert abs(middle[row, 0]) > np.abs(skin[level, 0]).max() - 0.006


def test_random_people_keep_their_lips_shut(posed, lip_line):
    generator = np.random.default_rng(3)
    for _ in range(5):
        rest, _ = posed.head.rest(generator.normal(size=posed.file.shape_basis.shape[2]))
        gap = KDTree(_dense(rest, lip_line[1])).query(rest[lip_line[0]])[0]
        assert gap.max() < 0.0008


def test_the_68_lie_where_ibug_has_them(posed):
    points = 1e3 * embed(posed.file.template, posed.file.faces, posed.file.landmarks_68)
    inner, outer = points[42, 0] - points[39, 0], points[45, 0] - points[36, 0]
    assert 31 < inner < 34  # mm between canthi: Farkas 1994 has 31.8 (women), 33.3 (men)
    assert 0.36 < inner / outer < 0.41
    for brow in (points[17:22], points[22:27]):  # evenly spaced
        steps = np.linalg.norm(np.diff(brow[:, :2], axis=0), axis=1)
        assert steps.max() < 1.25 * steps.min()
    assert abs(points[27, 1] - points[[39, 42], 1].mean()) < 2.5  # the bridge level with the eyes
    np.testing.assert_allclose(points[42:48, 0].sum(), -points[36:42, 0].sum(), atol=0.1)


def test_the_inner_corners_stay_where_an_eye_shuts(posed):
    corners = [
        1e3 * embed(vertices, posed.file.faces, posed.file.landmarks_68)[[39, 42]]
        for vertices in (posed(), posed(eyeBlink=1.0))
    ]
    assert np.abs(corners[1] - corners[0]).max() < 1.0
